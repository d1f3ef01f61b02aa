package provider_test

import (
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestABurntSuccessorHasNoAccess takes a token that was spent, and whose
// successor is burnt when it comes back: whoever had the successor has its
// access token no more.
func TestABurntSuccessorHasNoAccess(t *testing.T) {
	for _, strategy := range []string{"opaque", "jwt"} {
		t.Run(strategy, func(t *testing.T) {
			h := newHouse(t)
			h.client(oauth.Client{ID: "app", AccessToken: strategy})
			laptop := h.browser(devicestest.LaptopHeaders())
			first := laptop.token(redeem(laptop.code(ada, ask("client_id", "app")), "client_id", "app"))
			thief := h.browser(devicestest.LaptopHeaders()) // copied looks
			stolen := thief.token(refreshForm(first.str("refresh_token"), "client_id", "app"))
			thief.userinfo(stolen.str("access_token")).want(t, 200, "")
			h.clock.Advance(time.Minute)
			mine := laptop.token(refreshForm(first.str("refresh_token"), "client_id", "app"))
			mine.want(t, 200, "")
			thief.userinfo(stolen.str("access_token")).refused(t, 401, "invalid_token")
			laptop.userinfo(first.str("access_token")).want(t, 200, "")
			laptop.userinfo(mine.str("access_token")).want(t, 200, "")
		})
	}
}
