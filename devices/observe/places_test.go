package observe_test

import (
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/geo"
	"github.com/lanyard-id/lanyard/geo/geotest"
)

// A sighting has the place of who sent it, not that of the proxy.
func TestSightingsHavePlaces(t *testing.T) {
	path, asn := filepath.Join(t.TempDir(), "city.mmdb"), filepath.Join(t.TempDir(), "asn.mmdb")
	geotest.World(t, path, asn)
	city, err := geo.Open(path, geo.City)
	if err != nil {
		t.Fatal(err)
	}
	o := observe.New(observe.Config{
		Now: devicestest.Start, Places: geo.New(city, nil, nil), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "203.0.113.10:4711"
	r.Header.Set("X-Forwarded-For", "192.0.2.66")
	for what, s := range map[string]devices.Sighting{
		"its own":         o.Observe(r, devices.EntranceProvider),
		"somebody else's": o.ObserveHeaders(nil, netip.MustParseAddr("::ffff:192.0.2.66"), devices.EntranceKratos),
	} {
		if n := s.Network; n.City != "London" || n.Addr.String() != "192.0.2.66" || n.Spot.RadiusKM != 50 {
			t.Errorf("%s: %+v", what, n)
		}
	}
	if n := o.ObserveHeaders(nil, netip.Addr{}, devices.EntranceHydra).Network; n != (devices.Network{}) {
		t.Errorf("of nobody: %+v", n)
	}
}
