package observe_test

import (
	"fmt"
	"net/http/httptest"
	"net/netip"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
)

func ExampleObserver() {
	o := observe.New(observe.Config{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		SecureCookies:  true, Now: devicestest.Start,
	})
	r := httptest.NewRequest("GET", "https://id.example.com/oauth2/auth", nil)
	r.RemoteAddr = "10.0.0.7:443"
	r.Header = devicestest.LaptopHeaders()
	r.Header.Set("X-Forwarded-For", "203.0.113.10")

	s := o.Observe(r, devices.EntranceProvider)
	fmt.Println(s.Fingerprint.Describe(), "from", s.Network.Addr)
	fmt.Println(s.Fingerprint[devices.SignalOS], s.Fingerprint[devices.SignalOSVersion])
	// Output:
	// Chrome on Windows from 203.0.113.10
	// Windows 11
}
