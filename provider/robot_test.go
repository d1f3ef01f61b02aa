package provider_test

import (
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestKeysOfClientCredentials binds a client's own tokens to its key, and gives
// a client that must have them so no others (RFC 9449 §5, §5.2).
func TestKeysOfClientCredentials(t *testing.T) {
	h := newHouse(t)
	c := h.thirdParty(oauth.Client{
		ID: "robot", AuthMethod: "client_secret_post", GrantTypes: []string{"client_credentials"}, Scope: "read",
		DPoPBound: true,
	})
	robot := h.browser(devicestest.AppHeaders())
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"robot"}, "client_secret": {c.Secret}}
	h.unchanged(t, func() { robot.token(form).refused(t, 400, "invalid_dpop_proof") })
	key := h.prover()
	got := robot.token(form, key.proves("POST", "/oauth2/token"))
	if got.want(t, 200, ""); got.str("token_type") != "DPoP" {
		t.Errorf("the token is of type %q", got.str("token_type"))
	}
	state, err := h.provider.Introspect(t.Context(), got.str("access_token"))
	if err != nil || state.Confirmation == nil || state.Confirmation.Thumbprint != key.thumb() {
		t.Errorf("introspection says %+v, %v", state, err)
	}
}
