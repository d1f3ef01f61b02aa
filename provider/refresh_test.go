package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// reader registers the client "reader", which may introspect, and returns who
// asks with it.
func (h *house) reader() func(token string) answer {
	h.client(oauth.Client{ID: "reader", AuthMethod: "client_secret_post", Secret: backendSecret})
	b := h.browser(devicestest.AppHeaders())
	return func(token string) answer {
		return b.do("POST", "/oauth2/introspect", url.Values{
			"token": {token}, "client_id": {"reader"}, "client_secret": {backendSecret},
		})
	}
}

// claimsOf returns the claims of a JWT, unverified, and its header.
func claimsOf(t *testing.T, token string) (claims, header map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return claims, header
}

// TestRefreshScopes asks for fewer scopes and for more (RFC 6749 §6). A
// narrowed token has what was asked, and the grant keeps what it has.
func TestRefreshScopes(t *testing.T) {
	h := newHouse(t)
	introspect := h.reader()
	laptop := h.browser(devicestest.LaptopHeaders())
	h.client(oauth.Client{ID: "jwt", AccessToken: "jwt"})
	for _, client := range []string{"notes", "jwt"} {
		all := "openid offline_access profile devices"
		token := laptop.token(redeem(laptop.code(ada, ask("client_id", client, "scope", all)), "client_id", client)).str("refresh_token")
		for _, row := range []struct {
			name, asked, got string
		}{
			{"nothing", "", all},
			{"all of it", all, all},
			{"all of it in another order", "profile devices offline_access openid", all},
			{"one scope", "openid", "openid"},
			{"another", "devices", "devices"},
			{"two", "profile openid", "openid profile"},
			{"one scope twice", "openid openid", "openid"},
			{"without offline access", "openid profile", "openid profile"},
			{"all of it again", all, all},
		} {
			t.Run(client+" asks for "+row.name, func(t *testing.T) {
				a := laptop.token(refreshForm(token, "client_id", client, "scope", row.asked))
				a.want(t, 200, "")
				token = a.str("refresh_token")
				if a.str("scope") != row.got {
					t.Errorf("answered with %q, want %q", a.str("scope"), row.got)
				}
				if got := introspect(a.str("access_token")).str("scope"); got != row.got {
					t.Errorf("the access token has %q, want %q", got, row.got)
				}
				has := strings.Contains(row.got, "openid")
				if (a.str("id_token") != "") != has {
					t.Errorf("scope %q, ID token %q", row.got, a.str("id_token"))
				}
				if has {
					laptop.userinfo(a.str("access_token")).want(t, 200, "")
				} else {
					laptop.userinfo(a.str("access_token")).want(t, 403, "insufficient_scope")
				}
			})
		}
		for name, asked := range map[string]string{
			"one scope more":                   all + " email",
			"another scope":                    "email",
			"one that nobody knows":            "openid sudo",
			"one in other letters":             "OpenID",
			"the beginning of one":             "open",
			"two with a tab between":           "openid\tprofile",
			"two with a comma between":         "openid,profile",
			"two with a full-width space":      "openid　profile",
			"a wildcard":                       "*",
			"a hundred of them":                strings.Repeat("openid ", 100) + "email",
			"one whose name has a quote in it": `openid "`,
		} {
			t.Run(client+" asks for "+name, func(t *testing.T) {
				code := "invalid_scope"
				if strings.Contains(asked, "\t") {
					code = "invalid_request"
				}
				h.unchanged(t, func() {
					laptop.token(refreshForm(token, "client_id", client, "scope", asked)).refused(t, 400, code)
				})
			})
		}
		laptop.token(refreshForm(token, "client_id", client)).want(t, 200, "")
	}
}

// TestRefreshEnds ends grants in every way there is. The refusal is the same,
// nothing more is written, and nothing of the grant is active.
func TestRefreshEnds(t *testing.T) {
	for _, row := range []struct {
		name   string
		end    func(h *house, got answer)
		status int
		code   string
	}{
		{"the client revoked the refresh token", func(h *house, got answer) {
			h.browser(devicestest.AppHeaders()).do("POST", "/oauth2/revoke", url.Values{"client_id": {"notes"}, "token": {got.str("refresh_token")}})
		}, 400, "invalid_grant"},
		{"the operator revoked the grant", func(h *house, got answer) {
			h.must(h.gate.Registry.RevokeGrant(h.t.Context(), "ada", h.grantOf(got), "revoked_by_operator"))
		}, 400, "invalid_grant"},
		{"the operator ended the device", func(h *house, got answer) {
			h.must(h.gate.Registry.RevokeByOperator(h.t.Context(), "ada", got.str("device_id")))
		}, 400, "invalid_grant"},
		{"the operator ended everything", func(h *house, _ answer) {
			_, err := h.gate.Registry.RevokeSubject(h.t.Context(), "ada", "revoked_by_operator")
			h.must(err)
		}, 400, "invalid_grant"},
		{"the subject was disabled", func(h *house, _ answer) { h.disable("ada", true) }, 400, "invalid_grant"},
		{"the subject was disabled and let in again", func(h *house, _ answer) {
			h.disable("ada", true)
			h.disable("ada", false)
		}, 400, "invalid_grant"},
		{"the client was deleted", func(h *house, _ answer) {
			h.must(h.store.DeleteClient(h.t.Context(), "notes", h.clock.Now()))
			h.clock.Advance(5 * time.Second) // clients are remembered for so long
		}, 401, "invalid_client"},
		{"the client was deleted a moment ago", func(h *house, _ answer) {
			h.must(h.store.DeleteClient(h.t.Context(), "notes", h.clock.Now()))
		}, 400, "invalid_grant"},
		{"it lay idle for 30 days", func(h *house, _ answer) { h.clock.Advance(720 * time.Hour) }, 400, "invalid_grant"},
		{"it is 90 days old", func(h *house, got answer) {
			b := h.browser(devicestest.LaptopHeaders())
			for range 5 {
				h.clock.Advance(20*24*time.Hour - time.Hour)
				if next := b.token(refreshForm(got.str("refresh_token"))); next.Status == 200 {
					got.JSON["refresh_token"] = next.str("refresh_token")
				}
			}
		}, 400, "invalid_grant"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHouse(t)
			introspect := h.operator().introspect
			laptop := h.browser(devicestest.LaptopHeaders())
			got := laptop.signIn(ada)
			if state := introspect(got.str("refresh_token")); state.JSON["active"] != true {
				t.Fatalf("before that: %s", state.Raw)
			}
			row.end(h, got)
			h.unchanged(t, func() {
				for range 3 {
					laptop.token(refreshForm(got.str("refresh_token"))).refused(t, row.status, row.code)
				}
				laptop.userinfo(got.str("access_token")).want(t, 401, "invalid_token")
				for _, name := range []string{"access_token", "refresh_token"} {
					if state := introspect(got.str(name)); state.Raw != "{\"active\":false}\n" {
						t.Errorf("the %s: %s", name, state.Raw)
					}
				}
			})
		})
	}
}

// TestRefreshLife shows that each refresh moves the idle end and none the
// absolute one.
func TestRefreshLife(t *testing.T) { onBoth(t, refreshLifeStory) }

func refreshLifeStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	h.client(oauth.Client{ID: "short", RefreshIdle: "1h", RefreshAbsolute: "150m", AccessTTL: "1m"})
	start := h.clock.Now()
	got := laptop.token(redeem(laptop.code(ada, ask("client_id", "short")), "client_id", "short"))
	for range 2 {
		h.clock.Advance(time.Hour - time.Second)
		got = laptop.token(refreshForm(got.str("refresh_token"), "client_id", "short"))
		got.want(t, 200, "")
		if got.JSON["expires_in"] != 60.0 {
			t.Errorf("expires_in %v", got.JSON["expires_in"])
		}
	}
	if g := h.grant(got); !g.NotAfter.Equal(start.Add(150*time.Minute)) || !g.IdleUntil.Equal(h.clock.Now().Add(time.Hour)) {
		t.Errorf("the grant ends at %v, or idle at %v", g.NotAfter, g.IdleUntil)
	}
	h.clock.Advance(30*time.Minute - 28*time.Second) // 30 seconds before the end
	got = laptop.token(refreshForm(got.str("refresh_token"), "client_id", "short"))
	if got.want(t, 200, ""); got.JSON["expires_in"].(float64) > 30 {
		t.Errorf("an access token outlives its grant: %v s", got.JSON["expires_in"])
	}
	h.clock.Advance(30 * time.Second)
	laptop.token(refreshForm(got.str("refresh_token"), "client_id", "short")).refused(t, 400, "invalid_grant")
}

// TestRefreshedIDToken compares the ID tokens of a sign-in and of a refresh an
// hour later (OIDC Core §12.2).
func TestRefreshedIDToken(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	h.clock.Advance(time.Hour)
	second := laptop.token(refreshForm(first.str("refresh_token"), "nonce", "another nonce"))
	before, _ := claimsOf(t, first.str("id_token"))
	after, header := claimsOf(t, second.str("id_token"))
	if header["kid"] == "" || header["alg"] != "ES256" || header["typ"] != "JWT" {
		t.Errorf("header %v", header)
	}
	if before["nonce"] != "a nonce" || after["nonce"] != nil {
		t.Errorf("nonce %v, then %v", before["nonce"], after["nonce"])
	}
	if after["iat"].(float64)-before["iat"].(float64) != 3600 || after["exp"].(float64)-before["exp"].(float64) != 3600 {
		t.Errorf("iat %v then %v, exp %v then %v", before["iat"], after["iat"], before["exp"], after["exp"])
	}
	for _, changing := range []string{"nonce", "iat", "exp", "at_hash"} {
		delete(before, changing)
		delete(after, changing)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the refreshed ID token differs:\n%s", diff)
	}
	want := map[string]any{
		"iss": h.issuer, "sub": "ada", "aud": []any{"notes"}, "azp": "notes", "acr": "1", "amr": []any{"pwd"},
		"auth_time": float64(devicestest.Start().Unix()), "sid": first.str("sid"), "device_id": first.str("device_id"),
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// TestTokenAnswer looks at an answer as a whole (RFC 6749 §5.1).
func TestTokenAnswer(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	for name, a := range map[string]answer{
		"code": first, "refresh": laptop.token(refreshForm(first.str("refresh_token"))),
	} {
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" ||
			a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Content-Type") != "application/json;charset=UTF-8" {
			t.Errorf("%s: headers %v", name, a.Header)
		}
		if a.str("token_type") != "bearer" || a.JSON["expires_in"] != 600.0 || a.str("device_id") == "" ||
			a.str("sid") == "" || a.str("scope") != "openid offline_access devices" || len(a.JSON) != 8 {
			t.Errorf("%s: %s", name, a.Raw)
		}
	}
}

// TestJWTAccessTokens holds them to RFC 9068 §2.
func TestJWTAccessTokens(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	for alg, c := range map[string]oauth.Client{
		"ES256": {ID: "jwt", AccessToken: "jwt"},
		"RS256": {ID: "jwt-rsa", AccessToken: "jwt", IDTokenAlg: "RS256", Audience: []string{"https://api.example.com"}},
	} {
		h.client(c)
		q := ask("client_id", c.ID, "audience", strings.Join(c.Audience, " "))
		got := laptop.token(redeem(laptop.code(ada, q), "client_id", c.ID))
		claims, header := claimsOf(t, got.str("access_token"))
		if header["typ"] != "at+jwt" || header["alg"] != alg || header["kid"] == nil || len(header) != 3 {
			t.Errorf("header %v", header)
		}
		aud := any([]any{h.issuer})
		if c.Audience != nil {
			aud = []any{c.Audience[0]}
		}
		now := float64(h.clock.Now().Unix())
		want := map[string]any{
			"iss": h.issuer, "sub": "ada", "client_id": c.ID, "aud": aud, "iat": now, "exp": now + 600,
			"jti": claims["jti"], "scope": "openid offline_access devices", "auth_time": now, "acr": "1",
			"amr": []any{"pwd"}, "device_id": got.str("device_id"), "sid": got.str("sid"),
		}
		if diff := cmp.Diff(want, claims); diff != "" || claims["jti"] == "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
		laptop.userinfo(got.str("access_token")).want(t, 200, "")
		h.must(h.gate.Registry.RevokeGrant(t.Context(), "ada", h.grantOf(got), "revoked_by_operator"))
		laptop.userinfo(got.str("access_token")).want(t, 401, "invalid_token")
	}
}

// must fails the test where something that has to work does not.
func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestManyScopes narrows as far as an opaque token can say, and refuses what
// it cannot before anything is spent.
func TestManyScopes(t *testing.T) {
	h := newHouse(t)
	scopes := []string{"openid", "offline_access"}
	for i := range 30 {
		scopes = append(scopes, "s"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	all := strings.Join(scopes, " ")
	h.client(oauth.Client{ID: "many", Scope: all})
	h.client(oauth.Client{ID: "jwt", Scope: all, AccessToken: "jwt"})
	laptop := h.browser(devicestest.LaptopHeaders())
	token := laptop.token(redeem(laptop.code(ada, ask("client_id", "many", "scope", all)), "client_id", "many")).str("refresh_token")
	h.unchanged(t, func() {
		laptop.token(refreshForm(token, "client_id", "many", "scope", "openid")).refused(t, 400, "invalid_scope")
	})
	laptop.token(refreshForm(token, "client_id", "many", "scope", strings.Join(scopes[24:], " "))).want(t, 200, "")
	token = laptop.token(redeem(laptop.code(ada, ask("client_id", "jwt", "scope", all)), "client_id", "jwt")).str("refresh_token")
	laptop.token(refreshForm(token, "client_id", "jwt", "scope", "openid")).want(t, 200, "")
}
