package provider_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

const dead = "{\"active\":false}\n"

// TestIntrospection tells the state of good tokens (RFC 7662 §2.2), and of all
// others that they are not active, and nothing more.
func TestIntrospection(t *testing.T) {
	h := newHouse(t)
	introspect := h.reader()
	laptop := h.browser(devicestest.LaptopHeaders())
	spent := laptop.signIn(ada)
	h.clock.Advance(time.Minute)
	got := laptop.token(refreshForm(spent.str("refresh_token")))
	now := float64(h.clock.Now().Unix())
	common := map[string]any{
		"active": true, "scope": "openid offline_access devices", "client_id": "notes", "sub": "ada", "iss": h.issuer,
		"iat": now, "device_id": got.str("device_id"), "sid": got.str("sid"), "auth_time": now - 60, "acr": "1",
	}
	for name, more := range map[string]map[string]any{
		"access_token":  {"token_type": "Bearer", "token_use": "access_token", "exp": now + 600},
		"refresh_token": {"token_use": "refresh_token", "exp": now + 720*3600},
	} {
		want := map[string]any{}
		for _, part := range []map[string]any{common, more} {
			for k, v := range part {
				want[k] = v
			}
		}
		ask := introspect
		if name == "refresh_token" {
			ask = h.operator().introspect
		}
		a := ask(got.str(name))
		if diff := cmp.Diff(want, a.JSON); diff != "" || name == "access_token" && a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the %s (-want +got):\n%s", name, diff)
		}
	}
	if a := introspect(spent.str("access_token")); a.JSON["active"] != true {
		t.Errorf("an access token of a minute ago: %s", a.Raw)
	}
	h.unchanged(t, func() {
		for name, token := range map[string]string{
			"a spent refresh token": spent.str("refresh_token"), "an ID token": got.str("id_token"),
			"a code": laptop.code(ada, ask()), "junk": "junk", "a flow": laptop.flowFrom(t, ask("prompt", "login")),
			"a JWT of a stranger": newSigner("k1").sign(map[string]any{"iss": h.issuer, "jti": h.grantOf(got) + ".2.0"}),
			"a refresh token cut": got.str("refresh_token")[:60], "a flipped access token": flip(got.str("access_token"), 100),
			"a session cookie": laptop.cookie(sessionCookie), "a long one": longText(),
		} {
			if a := introspect(token); a.Status != 200 || a.Raw != dead {
				t.Errorf("%s: %d %s", name, a.Status, a.Raw)
			}
		}
	}, "codes", "sign_ins")
	h.clock.Advance(10 * time.Minute)
	if a := introspect(got.str("access_token")); a.Raw != dead {
		t.Errorf("after ten minutes: %s", a.Raw)
	}
	if a := h.operator().introspect(got.str("refresh_token")); a.JSON["active"] != true {
		t.Errorf("the refresh token after ten minutes: %s", a.Raw)
	}
}

func longText() string {
	raw := make([]byte, 40_000)
	for i := range raw {
		raw[i] = 'A' + byte(i%26)
	}
	return string(raw)
}

// TestIntrospectionByWhom answers clients that authenticate, about tokens that
// are meant for them (RFC 7662 §2.1, §4).
func TestIntrospectionByWhom(t *testing.T) {
	h := newHouse(t)
	const api = "api"
	h.client(oauth.Client{ID: "app", Audience: []string{api}})
	h.client(oauth.Client{ID: api, AuthMethod: "client_secret_post", Secret: backendSecret})
	h.client(oauth.Client{ID: "other", AuthMethod: "client_secret_post", Secret: backendSecret})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.token(redeem(laptop.code(ada, ask("client_id", "app", "audience", api)), "client_id", "app"))
	got.want(t, 200, "")
	by := func(client string) answer {
		return laptop.do("POST", "/oauth2/introspect", url.Values{
			"token": {got.str("access_token")}, "client_id": {client}, "client_secret": {backendSecret},
			"token_type_hint": {"refresh_token"},
		})
	}
	if a := by(api); a.JSON["active"] != true || !cmp.Equal(a.JSON["aud"], []any{api}) {
		t.Errorf("to its audience: %s", a.Raw)
	}
	if a := by("other"); a.Raw != dead {
		t.Errorf("to somebody else: %s", a.Raw)
	}
	h.unchanged(t, func() {
		laptop.do("POST", "/oauth2/introspect", url.Values{"token": {got.str("access_token")}, "client_id": {"app"}}).refused(t, 401, "invalid_client")
		laptop.do("POST", "/oauth2/introspect", url.Values{"token": {got.str("access_token")}}, bearer(got.str("access_token"))).refused(t, 401, "invalid_client")
		form := url.Values{"client_id": {api}, "client_secret": {backendSecret}}
		laptop.do("POST", "/oauth2/introspect", form).refused(t, 400, "invalid_request")
		laptop.do("GET", "/oauth2/introspect?token="+got.str("access_token"), nil).refused(t, 405, "invalid_request")
		laptop.do("POST", "/oauth2/introspect?token="+got.str("access_token"), form).refused(t, 400, "invalid_request")
		form["token"] = []string{got.str("access_token"), "x"}
		laptop.do("POST", "/oauth2/introspect", form).refused(t, 400, "invalid_request")
	})
}

// TestRefreshTokensAreTheirClients: no client learns anything of another's
// refresh token, current or spent, live or not, nor can it revoke one (RFC
// 7009 §2.1). The hint changes nothing.
func TestRefreshTokensAreTheirClients(t *testing.T) {
	h := newHouse(t)
	own := h.backend(oauth.Client{ID: "own", Audience: []string{"other"}})
	other := h.backend(oauth.Client{ID: "other"})
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, aimed := range []string{"", "other"} { // to be in its audience is not to be its client
		code := laptop.code(ada, ask("client_id", own.id, "audience", aimed))
		spent := own.token(redeem(code, "client_id", own.id, "client_secret", backendSecret))
		got := own.token(own.form(spent.str("refresh_token")))
		got.want(t, 200, "")
		by := func(b backend, token, hint string) answer {
			return b.do("POST", "/oauth2/introspect", with(url.Values{"token": {token}},
				"client_id", b.id, "client_secret", backendSecret, "token_type_hint", hint))
		}
		for _, hint := range []string{"", "refresh_token", "access_token"} {
			for _, token := range []string{got.str("refresh_token"), spent.str("refresh_token"), "junk"} {
				if a := by(other, token, hint); a.Status != 200 || a.Raw != dead {
					t.Errorf("aimed at %q, hint %q: another client is told %s", aimed, hint, a.Raw)
				}
			}
			if a := by(own, got.str("refresh_token"), hint); a.JSON["active"] != true || a.str("token_use") != "refresh_token" {
				t.Errorf("its client is told %s", a.Raw)
			}
			if a := by(other, got.str("access_token"), hint); a.JSON["active"] != true {
				t.Errorf("of the access token, another client is told %s", a.Raw)
			}
		}
		h.unchanged(t, func() {
			other.revoke(got.str("refresh_token"), "client_id", other.id, "client_secret", backendSecret).refused(t, 400, "unauthorized_client")
		})
		if a := h.operator().introspect(got.str("refresh_token")); a.JSON["active"] != true {
			t.Errorf("the operator is told %s", a.Raw)
		}
	}
}
