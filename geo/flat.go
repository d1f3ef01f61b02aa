package geo

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// flatRecord is an entry of a file without maps in it. Numbers may be text.
type flatRecord struct {
	CountryCode string `maxminddb:"country_code"`
	Country     string `maxminddb:"country"` // a code, or a name beside the code
	Region      string `maxminddb:"region"`
	State       string `maxminddb:"state1"`
	City        string `maxminddb:"city"`
	Lat         any    `maxminddb:"lat"`
	Latitude    any    `maxminddb:"latitude"`
	Lng         any    `maxminddb:"lng"`
	Longitude   any    `maxminddb:"longitude"`
	Radius      any    `maxminddb:"radius"`
	ASN         any    `maxminddb:"asn"`
	Number      any    `maxminddb:"autonomous_system_number"`
	Type        string `maxminddb:"type"`
	Tor         any    `maxminddb:"tor"`
	VPN         any    `maxminddb:"vpn"`
	Proxy       any    `maxminddb:"proxy"`
	Relay       any    `maxminddb:"relay"`
	Hosting     any    `maxminddb:"hosting"`
	Mobile      any    `maxminddb:"is_mobile"`
}

func (r flatRecord) network() devices.Network {
	n := devices.Network{
		Country: r.CountryCode, Region: cmp.Or(r.Region, r.State), City: r.City, Kind: r.kind(),
	}
	if n.Country == "" && len(r.Country) == 2 {
		n.Country = r.Country
	}
	n.ASN = carrierNumber(r.ASN, r.Number)
	lat, toldLat := numberOf(r.Lat, r.Latitude)
	lon, toldLon := numberOf(r.Lng, r.Longitude)
	radius, _ := numberOf(r.Radius)
	if toldLat && toldLon && (n.City != "" || radius > 0) {
		n.Spot = devices.SpotAt(lat, lon, radius)
	}
	return n
}

func (r flatRecord) kind() devices.NetworkKind {
	switch {
	case yes(r.Tor):
		return devices.NetworkTor
	case yes(r.VPN), yes(r.Proxy), yes(r.Relay):
		return devices.NetworkAnonymiser
	case yes(r.Hosting), r.Type == "hosting":
		return devices.NetworkHosting
	case yes(r.Mobile), r.Type == "mobile":
		return devices.NetworkMobile
	default:
		return ""
	}
}

// carrierNumber returns the first of the values that is the number of an
// autonomous system, or 0.
func carrierNumber(values ...any) uint32 {
	n, _ := numberOf(values...)
	if n < 0 || n >= 1<<32 {
		return 0
	}
	return uint32(n)
}

// numberOf returns the first of the values that is a number.
func numberOf(values ...any) (float64, bool) {
	for _, v := range values {
		if n, ok := number(v); ok {
			return n, true
		}
	}
	return 0, false
}

// number reads a number, or text such as "AS64500" or "52.5".
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case int:
		return float64(v), true
	case string:
		n, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToUpper(v), "AS"), 64)
		return n, err == nil
	default:
		return 0, false
	}
}

func yes(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v == "true"
	default:
		return false
	}
}
