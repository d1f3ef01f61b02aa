package provider_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// resourced is a form with resources.
func resourced(form url.Values, resources ...string) url.Values {
	form["resource"] = resources
	return form
}

// TestResources asks for tokens by the resource they are for (RFC 8707).
func TestResources(t *testing.T) {
	const api, mail, odd = "https://api.example.com", "https://mail.example.com/v1", "calendar"
	h := newHouse(t)
	h.client(oauth.Client{ID: "app", Audience: []string{api, mail, odd}})
	h.client(oauth.Client{
		ID: "backend", AuthMethod: "client_secret_post", Secret: backendSecret,
		GrantTypes: []string{"client_credentials"}, Audience: []string{api},
	})
	laptop := h.browser(devicestest.LaptopHeaders())
	audience := func(token string) string {
		a := laptop.do("POST", "/oauth2/introspect",
			url.Values{"token": {token}, "client_id": {"backend"}, "client_secret": {backendSecret}})
		state, err := h.provider.Introspect(t.Context(), token)
		h.must(err)
		if a.Status != 200 {
			t.Error(a.Raw)
		}
		return fmt.Sprint(state.Audience)
	}
	app := func() url.Values { return ask("client_id", "app") }
	own := func() url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {"backend"}, "client_secret": {backendSecret}}
	}

	for _, c := range []struct {
		q    url.Values
		want string
	}{
		{app(), "[]"},
		{resourced(app(), api), "[" + api + "]"},
		{resourced(app(), api, mail), "[" + api + " " + mail + "]"},
		{resourced(app(), api, api), "[" + api + "]"},
		{resourced(with(app(), "audience", mail), api), "[" + mail + " " + api + "]"},
		{resourced(with(app(), "audience", api), api), "[" + api + "]"},
	} {
		got := laptop.token(redeem(laptop.code(ada, c.q), "client_id", "app"))
		if aud := audience(got.str("access_token")); aud != c.want {
			t.Errorf("%v: audience %s, want %s", c.q["resource"], aud, c.want)
		}
	}
	if got := laptop.token(resourced(own(), api)); audience(got.str("access_token")) != "["+api+"]" {
		t.Errorf("a client for itself: %s", got.Raw)
	}

	for _, bad := range []string{"https://other.example.com", api + "/", odd, api + "#part", "/api", "::", "HTTPS://api.example.com"} {
		u, _ := laptop.authorize(ada, resourced(app(), api, bad))
		if u.Query().Get("error") != "invalid_target" || u.Query().Get("code") != "" {
			t.Errorf("asked for %q: %s", bad, u)
		}
		laptop.token(resourced(own(), bad)).want(t, 400, "invalid_target")
	}
	if u, _ := laptop.authorize(ada, resourced(app(), api, "https://a.example.com/\x00")); u.Query().Get("code") != "" {
		t.Errorf("with a control character: %s", u)
	}
}

// TestResourcesOfTokens names resources where a grant is turned into tokens:
// they are the grant's, neither more nor others; what is refused spends nothing.
func TestResourcesOfTokens(t *testing.T) {
	const api, mail = "https://api.example.com", "https://mail.example.com/v1"
	h := newHouse(t)
	h.client(oauth.Client{ID: "app", Audience: []string{api, mail}})
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, c := range []struct {
		asked []string
		good  []string
		bad   [][]string
	}{
		{nil, nil, [][]string{{api}}},
		{[]string{api}, []string{api}, [][]string{{mail}, {api, mail}, {api + "#x"}}},
		{[]string{api, mail}, []string{mail, api}, [][]string{{api}, {"https://other.example.com"}}},
	} {
		code := laptop.code(ada, resourced(ask("client_id", "app"), c.asked...))
		for _, bad := range c.bad {
			laptop.token(resourced(redeem(code, "client_id", "app"), bad...)).want(t, 400, "invalid_target")
		}
		got := laptop.token(resourced(redeem(code, "client_id", "app"), c.good...))
		got.want(t, 200, "")
		for _, bad := range c.bad {
			laptop.token(resourced(refreshForm(got.str("refresh_token"), "client_id", "app"), bad...)).want(t, 400, "invalid_target")
		}
		laptop.token(resourced(refreshForm(got.str("refresh_token"), "client_id", "app"), c.good...)).want(t, 200, "")
	}
}
