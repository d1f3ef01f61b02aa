package provider_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// register changes the registration of a client in the store, as the command
// line does beside a running server, and waits until the server knows.
func (h *house) register(id string, edit func(*oauth.Client)) {
	h.t.Helper()
	before, err := h.store.Client(h.t.Context(), id)
	h.must(err)
	after := before
	edit(&after)
	_, err = provider.ReplaceClient(h.t.Context(), h.store, before, after, h.clock.Now())
	h.must(err)
	h.clock.Advance(5 * time.Second)
}

func scope(value string) func(*oauth.Client) { return func(c *oauth.Client) { c.Scope = value } }
func audience(value ...string) func(*oauth.Client) {
	return func(c *oauth.Client) { c.Audience = value }
}
func grants(value ...string) func(*oauth.Client) {
	return func(c *oauth.Client) { c.GrantTypes = value }
}

// has fails the test where the scope of an answer is another.
func (a answer) has(t *testing.T, scope string) {
	t.Helper()
	if a.Status != 200 || a.str("scope") != scope {
		t.Errorf("got %d %s, want the scope %q", a.Status, a.Raw, scope)
	}
}

const asksForEmail = `{"id_token":{"email":null},"userinfo":{"email":null}}`

// TestScopesAreTakenAway removes scopes of a client: tokens and claims of its
// grants have them no more, and have them again when they are given back.
func TestScopesAreTakenAway(t *testing.T) { onBoth(t, scopesAreTakenAway) }

func scopesAreTakenAway(t *testing.T, h *house) {
	const all, fewer = "openid offline_access profile email devices", "openid offline_access profile"
	introspect := h.reader()
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, format := range []string{"opaque", "jwt"} {
		c := h.client(oauth.Client{ID: format, AccessToken: format, Scope: all})
		refresh := func(token string, pairs ...string) answer {
			return laptop.token(refreshForm(token, append([]string{"client_id", c.ID}, pairs...)...))
		}
		old := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID, "scope", all, "claims", asksForEmail)), "client_id", c.ID))
		old.has(t, all)
		if claims, _ := claimsOf(t, old.str("id_token")); claims["email"] != ada {
			t.Errorf("at first the ID token says %v", claims)
		}
		h.register(c.ID, scope(fewer))
		introspect(old.str("access_token")).has(t, fewer)
		if a := laptop.userinfo(old.str("access_token")); a.Status != 200 || a.JSON["email"] != nil || a.JSON["name"] != "Ada" {
			t.Errorf("%s: userinfo says %s", format, a.Raw)
		}
		got := refresh(old.str("refresh_token"))
		got.has(t, fewer)
		introspect(got.str("access_token")).has(t, fewer)
		if claims, _ := claimsOf(t, got.str("id_token")); claims["email"] != nil {
			t.Errorf("%s: the ID token says %v", format, claims)
		}
		got = refresh(got.str("refresh_token"), "scope", "openid email devices") // of which one is left
		got.has(t, "openid")
		if g := h.grant(got); !slices.Equal(g.Scopes, strings.Fields(all)) || !g.Live(h.clock.Now()) {
			t.Errorf("%s: the grant has %v", format, g.Scopes)
		}
		h.register(c.ID, scope(all))
		introspect(old.str("access_token")).has(t, all)
		introspect(got.str("access_token")).has(t, "openid")
		got = refresh(got.str("refresh_token"))
		got.has(t, all)
		if claims, _ := claimsOf(t, got.str("id_token")); claims["email"] != ada {
			t.Errorf("%s: given back, the ID token says %v", format, claims)
		}
	}
}

// TestNothingIsLeft takes away all that a grant needs, each in its own way.
// Refreshes are refused without a word that signs users out, tokens are dead,
// the grant lives, and everything works when it is given back.
func TestNothingIsLeft(t *testing.T) { onBoth(t, nothingIsLeft) }

func nothingIsLeft(t *testing.T, h *house) {
	const all, api = "openid offline_access devices", "https://api.example.com"
	introspect := h.reader()
	laptop := h.browser(devicestest.LaptopHeaders())
	for name, row := range map[string]struct {
		take          func(*oauth.Client)
		refused       string
		access, renew bool // what introspection still says of the two tokens
	}{
		"all scopes":          {scope("profile"), "invalid_scope", false, false},
		"offline access":      {scope("openid devices"), "invalid_scope", true, false},
		"the audience":        {audience("https://other.example.com"), "invalid_target", false, false},
		"every audience":      {audience(), "invalid_target", false, false},
		"refreshing":          {grants("authorization_code"), "unauthorized_client", true, false},
		"signing in":          {grants("refresh_token"), "", true, true},
		"tokens without keys": {func(c *oauth.Client) { c.Binding = devices.BindingDPoP }, "invalid_dpop_proof", false, false},
		"bearer tokens":       {func(c *oauth.Client) { c.DPoPBound = true }, "invalid_dpop_proof", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, format := range []string{"opaque", "jwt"} {
				c := h.client(oauth.Client{
					ID: newID(), AccessToken: format, Scope: all, Audience: []string{api, "reader"},
				})
				refresh := func(token string) answer { return laptop.token(refreshForm(token, "client_id", c.ID)) }
				got := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID, "scope", all, "audience", api)), "client_id", c.ID))
				got.has(t, all)
				h.register(c.ID, row.take)
				alive := func(token string, want bool) {
					t.Helper()
					if state, err := h.provider.Introspect(t.Context(), got.str(token)); err != nil || state.Active != want {
						t.Errorf("%s: the %s: %+v %v", format, token, state, err)
					}
				}
				alive("access_token", row.access)
				alive("refresh_token", row.renew)
				if !row.access {
					laptop.userinfo(got.str("access_token")).want(t, 401, "invalid_token")
					if a := introspect(got.str("access_token")); a.Raw != dead {
						t.Errorf("%s: %s", format, a.Raw)
					}
				}
				if row.refused != "" {
					h.unchanged(t, func() { refresh(got.str("refresh_token")).refused(t, 400, row.refused) })
				}
				h.register(c.ID, func(now *oauth.Client) {
					now.Scope, now.Audience, now.GrantTypes = c.Scope, c.Audience, c.GrantTypes
					now.Binding, now.DPoPBound = c.Binding, c.DPoPBound
				})
				alive("access_token", true)
				alive("refresh_token", true)
				refresh(got.str("refresh_token")).has(t, all)
			}
		})
	}
	t.Run("every way to a user", func(t *testing.T) {
		c := h.client(oauth.Client{ID: "service", AuthMethod: "client_secret_post", Secret: backendSecret})
		got := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID)), "client_id", c.ID, "client_secret", backendSecret))
		h.register(c.ID, grants("client_credentials"))
		laptop.userinfo(got.str("access_token")).want(t, 401, "invalid_token")
		h.register(c.ID, grants("authorization_code"))
		laptop.userinfo(got.str("access_token")).want(t, 200, "")
	})
}

// TestAudienceIsTakenAway leaves tokens the rest of their audience.
func TestAudienceIsTakenAway(t *testing.T) {
	h := newHouse(t)
	const api, other = "https://api.example.com", "https://other.example.com"
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, format := range []string{"opaque", "jwt"} {
		c := h.client(oauth.Client{ID: format, AccessToken: format, Audience: []string{api, other}})
		got := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID, "audience", api+" "+other)), "client_id", c.ID))
		is := func(token string, want ...string) {
			t.Helper()
			state, err := h.provider.Introspect(t.Context(), token)
			if err != nil || !state.Active || !slices.Equal(state.Audience, want) {
				t.Errorf("%s: %+v %v, want %v", format, state, err, want)
			}
		}
		is(got.str("access_token"), api, other)
		h.register(c.ID, audience(other))
		is(got.str("access_token"), other)
		is(got.str("refresh_token"), other)
		laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID, "resource", api)).refused(t, 400, "invalid_target")
		got = laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID, "resource", other))
		got.want(t, 200, "")
		is(got.str("access_token"), other)
		h.register(c.ID, audience(api, other))
		if format == "jwt" { // it says itself for whom it is
			is(got.str("access_token"), other)
		}
		got = laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID))
		is(got.str("access_token"), api, other)
	}
}

// TestCodesOfFormerRegistrations changes a client between the code and its
// redemption. What is refused spends no code.
func TestCodesOfFormerRegistrations(t *testing.T) {
	h := newHouse(t)
	const api, all = "https://api.example.com", "openid offline_access profile email"
	laptop := h.browser(devicestest.LaptopHeaders())
	fresh := func(edit func(*oauth.Client)) (oauth.Client, string) {
		c := h.client(oauth.Client{ID: newID(), Scope: all, Audience: []string{api}})
		code := laptop.code(ada, ask("client_id", c.ID, "scope", all, "audience", api, "claims", asksForEmail))
		h.register(c.ID, edit)
		return c, code
	}
	for name, row := range map[string]struct {
		take    func(*oauth.Client)
		refused string
	}{
		"all scopes":       {scope("devices"), "invalid_scope"},
		"the audience":     {audience(), "invalid_target"},
		"codes":            {grants("refresh_token"), "unauthorized_client"},
		"the redirect URI": {func(c *oauth.Client) { c.RedirectURIs = []string{"https://notes.example.com/other"} }, "invalid_grant"},
		"bearer tokens":    {func(c *oauth.Client) { c.DPoPBound = true }, "invalid_dpop_proof"},
	} {
		t.Run(name, func(t *testing.T) {
			c, code := fresh(row.take)
			h.unchanged(t, func() { laptop.token(redeem(code, "client_id", c.ID)).refused(t, 400, row.refused) })
			h.register(c.ID, func(now *oauth.Client) { *now = c })
			laptop.token(redeem(code, "client_id", c.ID)).has(t, all)
		})
	}
	t.Run("a scope", func(t *testing.T) {
		c, code := fresh(scope("openid offline_access profile"))
		got := laptop.token(redeem(code, "client_id", c.ID))
		got.has(t, "openid offline_access profile")
		if claims, _ := claimsOf(t, got.str("id_token")); claims["email"] != nil {
			t.Errorf("the ID token says %v", claims)
		}
		if a := laptop.userinfo(got.str("access_token")); a.Status != 200 || a.JSON["email"] != nil {
			t.Errorf("userinfo says %s", a.Raw)
		}
	})
	for name, take := range map[string]func(*oauth.Client){
		"offline access": scope("openid profile email"), "refreshing": grants("authorization_code"),
	} {
		t.Run(name, func(t *testing.T) {
			c, code := fresh(take)
			got := laptop.token(redeem(code, "client_id", c.ID))
			if got.Status != 200 || got.str("refresh_token") != "" || got.str("access_token") == "" {
				t.Errorf("got %d %s", got.Status, got.Raw)
			}
		})
	}
}

// TestTokensOfClientsThemselves follow the registration too.
func TestTokensOfClientsThemselves(t *testing.T) {
	h := newHouse(t)
	const api = "https://api.example.com"
	b := h.browser(devicestest.AppHeaders())
	c := h.client(oauth.Client{
		ID: "robot", AuthMethod: "client_secret_post", Secret: backendSecret, Scope: "read write",
		Audience: []string{api}, GrantTypes: []string{"client_credentials"},
	})
	got := b.token(with(url.Values{"grant_type": {"client_credentials"}}, "client_id", c.ID, "client_secret", backendSecret, "scope", "read write", "audience", api))
	got.want(t, 200, "")
	is := func(want string) {
		t.Helper()
		if state, err := h.provider.Introspect(t.Context(), got.str("access_token")); err != nil || state.Scope != want {
			t.Errorf("%+v %v, want the scope %q", state, err, want)
		}
	}
	is("read write")
	for _, row := range []struct {
		take func(*oauth.Client)
		want string
	}{
		{scope("read"), "read"}, {scope("other"), ""}, {scope("read write"), "read write"},
		{audience(), ""}, {audience(api), "read write"},
		{grants("authorization_code", "refresh_token"), ""}, {grants("client_credentials"), "read write"},
	} {
		h.register(c.ID, row.take)
		is(row.want)
	}
}

// TestAuthenticationIsAsked of a client that was public when its grant was made.
func TestAuthenticationIsAsked(t *testing.T) {
	h := newHouse(t)
	c := h.client(oauth.Client{ID: "app"})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID)), "client_id", c.ID))
	h.register(c.ID, func(c *oauth.Client) { c.AuthMethod, c.Secret = "client_secret_post", backendSecret })
	h.unchanged(t, func() {
		laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID)).refused(t, 401, "invalid_client")
	})
	got = laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID, "client_secret", backendSecret))
	got.want(t, 200, "")
	h.register(c.ID, func(c *oauth.Client) { c.SkipConsent, c.AccessToken = false, "jwt" }) // binds what comes
	laptop.userinfo(got.str("access_token")).want(t, 200, "")
	got = laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID, "client_secret", backendSecret))
	got.want(t, 200, "")
	if strings.Count(got.str("access_token"), ".") != 2 {
		t.Errorf("no JWT: %s", got.str("access_token"))
	}
}

// TestRevokedMeanwhile: what its client revokes while it is good for nothing
// stays revoked when it would be good again.
func TestRevokedMeanwhile(t *testing.T) {
	h := newHouse(t)
	c := h.client(oauth.Client{ID: "app"})
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, name := range []string{"access_token", "refresh_token"} {
		got := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID)), "client_id", c.ID))
		h.register(c.ID, scope("profile"))
		laptop.revoke(got.str(name), "client_id", c.ID).want(t, 200, "")
		h.register(c.ID, scope(c.Scope))
		laptop.userinfo(got.str("access_token")).want(t, 401, "invalid_token")
	}
}

// TestFarScopesAreTakenAway takes a scope that an opaque token cannot name, and
// still answers the refresh.
func TestFarScopesAreTakenAway(t *testing.T) {
	h := newHouse(t)
	scopes := []string{"openid", "offline_access"}
	for i := range 30 {
		scopes = append(scopes, "s"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	all, fewer := strings.Join(scopes, " "), strings.Join(scopes[:31], " ")
	c := h.client(oauth.Client{ID: "many", Scope: all})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID, "scope", all)), "client_id", c.ID))
	h.register(c.ID, scope(fewer))
	got = laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID))
	got.has(t, fewer)
	if state, err := h.provider.Introspect(t.Context(), got.str("access_token")); err != nil || state.Scope != fewer {
		t.Errorf("%+v %v", state, err)
	}
}

// TestRegistrationsOnReplicas: what one server was told, the others know five
// seconds later.
func TestRegistrationsOnReplicas(t *testing.T) {
	h := newHouseInPostgres(t)
	c := h.client(oauth.Client{ID: "app"})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.token(redeem(laptop.code(ada, ask("client_id", c.ID)), "client_id", c.ID))
	h.clock.Advance(5 * time.Second)
	laptop.userinfo(got.str("access_token")).want(t, 200, "") // and the client is read
	before, err := h.store.Client(t.Context(), c.ID)
	h.must(err)
	after := before
	after.Scope = "profile"
	_, err = provider.ReplaceClient(t.Context(), h.store, before, after, h.clock.Now())
	h.must(err)
	h.clock.Advance(5*time.Second - time.Microsecond)
	laptop.userinfo(got.str("access_token")).want(t, 200, "")
	h.clock.Advance(time.Microsecond)
	laptop.userinfo(got.str("access_token")).want(t, 401, "invalid_token")
	laptop.token(refreshForm(got.str("refresh_token"), "client_id", c.ID)).refused(t, 400, "invalid_scope")
}
