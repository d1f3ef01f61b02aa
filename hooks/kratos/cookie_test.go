package kratos_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
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
