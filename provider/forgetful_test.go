package provider_test

import (
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// TestAGrantKeepsNoAddress: grants are kept for good, addresses are not.
func TestAGrantKeepsNoAddress(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.token(refreshForm(laptop.signIn(ada).str("refresh_token"))).want(t, 200, "")
	for _, grant := range h.query("SELECT * FROM grants") {
		if strings.Contains(grant, "127.0.0.1") {
			t.Errorf("an address is in %s", grant)
		}
	}
}
