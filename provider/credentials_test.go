package provider_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestClientCredentials is a client that speaks for itself (RFC 6749 §4.4).
func TestClientCredentials(t *testing.T) { onBoth(t, clientCredentialsStory) }

func clientCredentialsStory(t *testing.T, h *house) {
	introspect := h.reader()
	h.client(oauth.Client{
		ID: "machine", AuthMethod: "client_secret_post", Secret: backendSecret,
		GrantTypes: []string{"client_credentials"}, Scope: "openid offline_access read write",
		Audience: []string{"https://api.example.com"},
	})
	h.client(oauth.Client{
		ID: "machine-jwt", AuthMethod: "client_secret_post", Secret: backendSecret, AccessToken: "jwt",
		GrantTypes: []string{"client_credentials"}, Scope: "read", AccessTTL: "1m",
	})
	machine := h.browser(devicestest.AppHeaders())
	form := func(pairs ...string) url.Values {
		return with(url.Values{
			"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {backendSecret},
		}, pairs...)
	}
	for _, row := range []struct {
		name   string
		pairs  []string
		status int
		code   string
	}{
		{"a wrong secret", []string{"client_secret", "wrong"}, 401, "invalid_client"},
		{"no secret", []string{"client_secret", ""}, 401, "invalid_client"},
		{"a public client", []string{"client_id", "notes", "client_secret", ""}, 400, "unauthorized_client"},
		{"a client without the grant type", []string{"client_id", "reader"}, 400, "unauthorized_client"},
		{"a scope that is not the client's", []string{"scope", "read sudo"}, 400, "invalid_scope"},
		{"openid, which needs a subject", []string{"scope", "openid"}, 400, "invalid_scope"},
		{"offline access, which needs a subject", []string{"scope", "read offline_access"}, 400, "invalid_scope"},
		{"an audience that is not the client's", []string{"audience", "https://other.example.com"}, 400, "invalid_request"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.unchanged(t, func() { machine.token(form(row.pairs...)).refused(t, row.status, row.code) })
		})
	}

	got := machine.token(form("scope", "read", "audience", "https://api.example.com"))
	got.want(t, 200, "")
	for _, absent := range []string{"refresh_token", "id_token", "device_id", "sid"} {
		if got.JSON[absent] != nil {
			t.Errorf("a client that speaks for itself has a %s: %s", absent, got.Raw)
		}
	}
	state := introspectAs(machine, got.str("access_token"))
	if state.str("sub") != "machine" || state.str("client_id") != "machine" || state.str("scope") != "read" || state.JSON["active"] != true {
		t.Errorf("its token: %s", state.Raw)
	}
	if state := introspect(got.str("access_token")); state.Raw != "{\"active\":false}\n" {
		t.Errorf("to a client that is not the audience: %s", state.Raw)
	}
	machine.userinfo(got.str("access_token")).want(t, 403, "insufficient_scope")

	t.Run("its token ends on its own", func(t *testing.T) {
		h.clock.Advance(10 * time.Minute)
		if state := introspectAs(machine, got.str("access_token")); state.Raw != "{\"active\":false}\n" {
			t.Error(state.Raw)
		}
	})
	t.Run("its token is revoked", func(t *testing.T) {
		token := machine.token(form("scope", "read")).str("access_token")
		machine.do("POST", "/oauth2/revoke", form("token", token)).want(t, 200, "")
		if state := introspectAs(machine, token); state.Raw != "{\"active\":false}\n" {
			t.Error(state.Raw)
		}
	})
	t.Run("it is deleted", func(t *testing.T) {
		token := machine.token(form("client_id", "machine-jwt", "scope", "read")).str("access_token")
		if claims, header := claimsOf(t, token); claims["sub"] != "machine-jwt" || header["typ"] != "at+jwt" || claims["device_id"] != nil {
			t.Errorf("claims %v", claims)
		}
		if state := introspect(token); state.JSON["active"] != true {
			t.Error(state.Raw)
		}
		h.must(h.store.DeleteClient(t.Context(), "machine-jwt", h.clock.Now()))
		if state := introspect(token); state.Raw != "{\"active\":false}\n" {
			t.Error(state.Raw)
		}
	})
}

// introspectAs asks as the client "machine" itself.
func introspectAs(b *browser, token string) answer {
	return b.do("POST", "/oauth2/introspect", url.Values{
		"token": {token}, "client_id": {"machine"}, "client_secret": {backendSecret},
	})
}
