package provider_test

import (
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestDeletedElsewhere deletes clients behind the back of a server that still
// knows them, as another replica does: nothing opens for them any more.
func TestDeletedElsewhere(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{
		ID: "backend", AuthMethod: "client_secret_post", Secret: backendSecret, GrantTypes: []string{"client_credentials"},
	})
	laptop := h.browser(devicestest.LaptopHeaders())
	own := with(redeem(""), "grant_type", "client_credentials", "client_id", "backend", "client_secret", backendSecret)
	got, code := laptop.signIn(ada), laptop.code(ada, ask())
	laptop.token(own).want(t, 200, "")
	h.must(h.store.DeleteClient(t.Context(), "notes", h.clock.Now()))
	h.must(h.store.DeleteClient(t.Context(), "backend", h.clock.Now()))
	laptop.token(redeem(code)).want(t, 400, "invalid_grant")
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 400, "invalid_grant")
	laptop.token(own).want(t, 401, "invalid_client")
	late := laptop.code(ada, ask()) // by what is remembered of the client
	laptop.token(redeem(late)).want(t, 400, "invalid_grant")
}
