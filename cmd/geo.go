package cmd

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/geo"
)

// placesEvery is how often it is looked whether a file of places was replaced.
const placesEvery = 30 * time.Second

// places opens the files that tell places. It is nil where there are none.
// What is wrong comes back as one *ConfigError.
func (c Config) places(log *slog.Logger) (*geo.Places, error) {
	if c.GeoIP.City == "" && c.GeoIP.ASN == "" {
		return nil, nil
	}
	var found complaints
	open := func(key, path string, use geo.Use) *geo.File {
		if path == "" {
			return nil
		}
		f, err := geo.Open(path, use)
		if err == nil {
			return f
		}
		complaint := key + ": " + err.Error()
		if errors.Is(err, geo.ErrWrongFile) {
			complaint += "; " + other(key) + " may be where it belongs"
		}
		found.unless(false, complaint)
		return nil
	}
	city, asn := open("geoip.city", c.GeoIP.City, geo.City), open("geoip.asn", c.GeoIP.ASN, geo.ASN)
	if len(found) > 0 {
		return nil, &ConfigError{found}
	}
	return geo.New(city, asn, log), nil
}

func other(key string) string {
	if strings.HasSuffix(key, "city") {
		return "geoip.asn"
	}
	return "geoip.city"
}

// checkGeoIP returns what is wrong with the files that tell places, and with
// what rests on them.
func (c Config) checkGeoIP() []string {
	var found complaints
	var mistakes *ConfigError
	if _, err := c.places(nil); errors.As(err, &mistakes) {
		found = mistakes.Complaints
	}
	window := c.Devices.ConcurrentWindow
	found.unless(c.GeoIP != (GeoIP{}) || window == 0 || window == standardWindow,
		"devices.concurrent_window: needs geoip.asn, by which networks are told apart")
	return found
}

// standardWindow is the schema's devices.concurrent_window.
const standardWindow = time.Minute

// placesOf returns places as an observer takes them.
func placesOf(p *geo.Places) observe.Places {
	if p == nil {
		return nil
	}
	return p
}
