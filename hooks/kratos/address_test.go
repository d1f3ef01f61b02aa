package kratos_test

import (
	"net/netip"
	"testing"

	"github.com/lanyard-id/lanyard/devices/observe"
)

// Kratos believes a header that a client sent before the one that the proxy
// wrote. If one of those came along, the address that Kratos tells is nobody's.
func TestAnAddressThatTheClientWroteIsNotTaken(t *testing.T) {
	const told = "203.0.113.60"
	for _, tt := range []struct{ name, proxy, sent, want string }{
		{"no header", "X-Forwarded-For", "X-Other", told},
		{"one that Kratos prefers", "X-Forwarded-For", "True-Client-Ip", ""},
		{"one that Kratos prefers, in small letters", "X-Forwarded-For", "x-real-ip", ""},
		{"the proxy's own", "True-Client-IP", "True-Client-Ip", told},
		{"the proxy's own, and one after it", "CF-Connecting-IP", "X-Forwarded-For", told},
		{"one before the proxy's own", "X-Real-IP", "Cf-Connecting-Ip", ""},
		{"one that Kratos does not read", "Forwarded", "Forwarded", told},
		{"one that only Kratos reads", "Forwarded", "X-Forwarded-For", ""},
	} {
		h := open(t)
		h.hooks.Observer = observe.New(observe.Config{
			Now: h.clock.Now, ProxyHeader: tt.proxy, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		})
		h.goesOn("login", recorded(t, "login_browser", "127.0.0.1:56848", told,
			`"headers": {`, `"headers": {"`+tt.sent+`": ["`+told+`"],`))
		got := h.one("c8d59423-4718-4606-8992-9140893b9b28").Last.Addr
		if want, _ := netip.ParseAddr(tt.want); got != want {
			t.Errorf("%s: the address is %s, want %s", tt.name, got, want)
		}
	}
}
