package kratos_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// A cookie that a neighbouring host may have set does not become the secret of
// a device: whoever planted it would know that secret.
func TestPlantedCookiesAreNoSecrets(t *testing.T) {
	one, other := strings.Repeat("A", 43), strings.Repeat("B", 42)+"A"
	for _, tt := range []struct {
		name          string
		secure        bool
		cookie, plain string
		want          devices.Tier
	}{
		{"with TLS, its own", true, one, "", devices.TierCookie},
		{"with TLS, another one besides", true, one, other, devices.TierCookie},
		{"with TLS, only another one", true, "", other, devices.TierFingerprint},
		{"without TLS", false, "", one, devices.TierCookie},
		{"without TLS, from an older device.jsonnet", false, one, "", devices.TierCookie},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			h.hooks.Observer = observe.New(observe.Config{SecureCookies: tt.secure, Now: h.clock.Now})
			h.goesOn("login", fmt.Appendf(nil, `{"identity":"ada","device_cookie":%q,"plain_cookie":%q}`, tt.cookie, tt.plain))
			list, err := h.store.Devices(t.Context(), "ada")
			if err != nil || len(list) != 1 || list[0].Tier != tt.want {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
}

// What a page writes of its device counts for nothing in a browser's flow: the
// browser could never show the same to Lanyard's own pages, which would ask it
// to sign in again without end.
func TestABrowserIsKnownByItsCookie(t *testing.T) {
	const device = `{"id":"61mdAW_tox4uw5WCkZXHYN-pzjq2hdbH4n2pbqHjy_Q","os":"Android","model":"Pixel 9"}`
	for kind, want := range map[string]struct {
		tier devices.Tier
		os   string
	}{
		`"browser"`: {devices.TierFingerprint, "Windows"}, `"api"`: {devices.TierCookie, "Android"}, "null": {devices.TierCookie, "Android"},
	} {
		for _, cookie := range []string{"", strings.Repeat("A", 43)} {
			h := open(t)
			h.goesOn("login", fmt.Appendf(nil, `{"identity":"ada","flow":{"type":%s},"plain_cookie":%q,"device":%s,"headers":{"User-Agent":%q}}`,
				kind, cookie, device, devicestest.LaptopHeaders().Get("User-Agent")))
			d := h.one("ada")
			if kind == `"browser"` && cookie != "" {
				raw, err := base64.RawURLEncoding.DecodeString(cookie)
				if err != nil || !bytes.Equal(d.CookieHash, devices.CookieHash(raw)) {
					t.Errorf("the browser does not hold its device: %+v, %v", d, err)
				}
				continue
			}
			if d.Tier != want.tier || d.Fingerprint[devices.SignalOS] != want.os {
				t.Errorf("flow %s: %s, %s", kind, d.Tier, d.Fingerprint[devices.SignalOS])
			}
		}
	}
}
