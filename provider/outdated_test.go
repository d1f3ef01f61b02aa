package provider_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// slowGrants are read slowly: something runs meanwhile.
type slowGrants struct {
	devices.GrantStore
	run func()
}

func (g *slowGrants) Holding(ctx context.Context, id string) (devices.Holding, error) {
	if run := g.run; run != nil {
		g.run = nil
		run()
	}
	return g.GrantStore.Holding(ctx, id)
}

// TestASecretChangesWhileItIsUsed: a client that was authenticated by a secret
// that is another one by now, or that is gone, is given nothing.
func TestASecretChangesWhileItIsUsed(t *testing.T) {
	inSlowHouses(t, func(t *testing.T, h *house, _ *meanwhile, s *slowly) {
		changes := map[string]func(oauth.Client){
			"another secret": func(c oauth.Client) {
				kept, err := h.store.Client(t.Context(), c.ID)
				h.must(err)
				changed := kept
				changed.Secret = provider.NewSecret()
				_, err = provider.ReplaceClient(t.Context(), h.store, kept, changed, h.clock.Now())
				h.must(err)
			},
			"deleted": func(c oauth.Client) { h.must(h.store.DeleteClient(t.Context(), c.ID, h.clock.Now())) },
		}
		for name, change := range changes {
			backend := func(what string) (oauth.Client, func(*http.Request)) {
				c := h.client(oauth.Client{
					ID: what + "-" + strings.ReplaceAll(name, " ", "-"), AuthMethod: "client_secret_basic",
					GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"},
				})
				return c, func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret)) }
			}
			browser := h.browser(devicestest.LaptopHeaders())

			c, proves := backend("code")
			code := browser.code(ada, ask("client_id", c.ID))
			s.run = func() { change(c) }
			a := browser.token(redeem(code, "client_id", ""), proves)
			if a.Status/100 != 4 || a.str("access_token") != "" {
				t.Errorf("%s: a code was answered %d %s", name, a.Status, a.Raw)
			}

			c, proves = backend("own")
			s.run = func() { change(c) }
			browser.token(url.Values{"grant_type": {"client_credentials"}, "scope": {"email"}}, proves).want(t, 401, "invalid_client")

			// What a server knows of clients is at most five seconds old.
			c, proves = backend("refresh")
			got := browser.token(redeem(browser.code(ada, ask("client_id", c.ID)), "client_id", ""), proves)
			slow := &slowGrants{h.gate.Grants, func() { change(c); h.clock.Advance(6 * time.Second) }}
			h.gate.Grants = slow
			h.gate.Recent = nil
			before := h.grant(got).Generation
			a = browser.token(refreshForm(got.str("refresh_token"), "client_id", ""), proves)
			if a.Status/100 != 4 || a.str("access_token") != "" {
				t.Errorf("%s: a refresh was answered %d %s", name, a.Status, a.Raw)
			}
			h.gate.Grants = slow.GrantStore
			if after := h.grant(got).Generation; after != before {
				t.Errorf("%s: the grant moved from %d to %d", name, before, after)
			}
		}
	})
}
