package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestUserinfo shows an access token in every way that is allowed (RFC 6750
// §2, OIDC Core §5.3.1), and in some that are not.
func TestUserinfo(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	token := got.str("access_token")
	form := func(r *http.Request) { setBody(r, "access_token="+token, "application/x-www-form-urlencoded") }
	for name, a := range map[string]answer{
		"GET":                  laptop.do("GET", "/userinfo", nil, bearer(token)),
		"in lower case":        laptop.do("GET", "/userinfo", nil, func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }),
		"POST":                 laptop.do("POST", "/userinfo", url.Values{}, bearer(token)),
		"POST without a body":  laptop.do("POST", "/userinfo", nil, bearer(token), func(r *http.Request) { setBody(r, "", "") }),
		"in a form":            laptop.do("POST", "/userinfo", nil, form),
		"with a JSON accepted": laptop.do("GET", "/userinfo", nil, bearer(token), func(r *http.Request) { r.Header.Set("Accept", "application/json") }),
	} {
		if a.want(t, 200, ""); !cmp.Equal(a.JSON, map[string]any{"sub": "ada"}) || a.Header.Get("Cache-Control") != "no-store" ||
			a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v %s", name, a.Header, a.Raw)
		}
	}
	for _, row := range []struct {
		name   string
		a      func() answer
		status int
		code   string
		error  string // in WWW-Authenticate
	}{
		{"nothing", func() answer { return laptop.do("GET", "/userinfo", nil) }, 401, "invalid_request", ""},
		{"a token in the address", func() answer { return laptop.do("GET", "/userinfo?access_token="+token, nil) }, 401, "invalid_request", ""},
		{"a password", func() answer {
			return laptop.do("GET", "/userinfo", nil, func(r *http.Request) { r.SetBasicAuth(ada, password) })
		}, 401, "invalid_request", ""},
		{"a token and a form", func() answer { return laptop.do("POST", "/userinfo", nil, form, bearer(token)) }, 400, "invalid_request", "invalid_request"},
		{"two tokens", func() answer {
			return laptop.do("GET", "/userinfo", nil, bearer(token), func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+token) })
		}, 400, "invalid_request", "invalid_request"},
		{"two tokens in a form", func() answer {
			return laptop.do("POST", "/userinfo", url.Values{"access_token": {token, token}})
		}, 400, "invalid_request", "invalid_request"},
		{"a token in JSON", func() answer {
			return laptop.do("POST", "/userinfo", nil, func(r *http.Request) { setBody(r, `{"access_token":"`+token+`"}`, "application/json") })
		}, 400, "invalid_request", "invalid_request"},
		{"a token in a form that is called nothing", func() answer {
			return laptop.do("POST", "/userinfo", nil, func(r *http.Request) { setBody(r, "access_token="+token, "") })
		}, 401, "invalid_request", ""},
		{"no token after the word", func() answer { return laptop.do("GET", "/userinfo", nil, bearer("")) }, 401, "invalid_token", "invalid_token"},
		{"a space in the token", func() answer { return laptop.do("GET", "/userinfo", nil, bearer(token+" x")) }, 401, "invalid_token", "invalid_token"},
		{"a token cut short", func() answer { return laptop.do("GET", "/userinfo", nil, bearer(token[:len(token)-1])) }, 401, "invalid_token", "invalid_token"},
		{"a long body", func() answer {
			return laptop.do("POST", "/userinfo", url.Values{"access_token": {strings.Repeat("x", 65<<10)}})
		}, 413, "invalid_request", "invalid_request"},
		{"PUT", func() answer {
			return laptop.do("PUT", "/userinfo", nil, bearer(token))
		}, 405, "invalid_request", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.unchanged(t, func() {
				a := row.a()
				a.want(t, row.status, row.code)
				how := a.Header.Get("WWW-Authenticate")
				if strings.Contains(how, "error=") != (row.error != "") || !strings.Contains(how, row.error) ||
					row.status == 401 && !strings.HasPrefix(how, "Bearer ") {
					t.Errorf("WWW-Authenticate %q", how)
				}
			})
		})
	}
	t.Run("every bit counts", func(t *testing.T) {
		h.unchanged(t, func() {
			for bit := 6 * 6; bit < 6*len(token); bit++ {
				laptop.userinfo(flip(token, bit)).want(t, 401, "invalid_token")
			}
		})
	})
}

// TestUserinfoClaims gives what the scopes and the claims parameter ask for,
// and no more (OIDC Core §5.4, §5.5).
func TestUserinfoClaims(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	at := float64(devicestest.Start().Unix())
	for name, row := range map[string]struct {
		pairs    []string
		userinfo map[string]any
		id       []string // claims of the ID token beyond the usual
	}{
		"openid alone": {[]string{"scope", "openid"}, map[string]any{"sub": "ada"}, nil},
		"a profile": {[]string{"scope", "openid profile"},
			map[string]any{"sub": "ada", "name": "Ada", "updated_at": at}, nil},
		"an address to write to": {[]string{"scope", "openid email"},
			map[string]any{"sub": "ada", "email": ada, "email_verified": true}, nil},
		"one claim by name": {[]string{"scope", "openid", "claims", `{"userinfo":{"email":{"essential":true}}}`},
			map[string]any{"sub": "ada", "email": ada}, nil},
		"a claim for the ID token": {[]string{"scope", "openid", "claims", `{"id_token":{"name":null,"auth_time":{"essential":true}}}`},
			map[string]any{"sub": "ada"}, []string{"name"}},
		"claims that are not the subject's to change": {[]string{"scope", "openid", "claims",
			`{"id_token":{"iss":{"value":"x"},"aud":null,"exp":null},"userinfo":{"sub":{"value":"bob"},"password_hash":null}}`},
			map[string]any{"sub": "ada"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := laptop.token(redeem(laptop.code(ada, ask(row.pairs...))))
			if diff := cmp.Diff(row.userinfo, laptop.userinfo(got.str("access_token")).JSON); diff != "" {
				t.Errorf("userinfo (-want +got):\n%s", diff)
			}
			claims, _ := claimsOf(t, got.str("id_token"))
			for _, usual := range []string{
				"iss", "sub", "aud", "azp", "iat", "exp", "auth_time", "acr", "amr", "sid", "device_id", "at_hash", "nonce",
			} {
				if claims[usual] == nil {
					t.Errorf("no %s", usual)
				}
				delete(claims, usual)
			}
			for _, more := range row.id {
				if claims[more] == nil {
					t.Errorf("no %s", more)
				}
				delete(claims, more)
			}
			if len(claims) > 0 {
				t.Errorf("surplus claims %v", claims)
			}
		})
	}
}

// TestCORS lets browser applications of any origin call what reads no cookie,
// and nothing else (RFC 10017).
func TestCORS(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	asks := func(r *http.Request) {
		r.Header.Set("Origin", "https://notes.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization, dpop")
	}
	for path, open := range map[string]bool{
		tokenPath: true, "/oauth2/revoke": true, "/userinfo": true,
		"/oauth2/introspect": false, "/oauth2/auth": false, "/login": false, "/consent": false, logoutPath: false,
	} {
		a := laptop.do("OPTIONS", path, nil, asks)
		if got := a.Header.Get("Access-Control-Allow-Origin"); (got == "*") != open || got != "" && got != "*" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", path, got)
		}
		if a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s lets credentials come across origins", path)
		}
		if open && (a.Status != 204 || !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "DPoP")) {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json", "/userinfo"} {
		if a := laptop.do("GET", path, nil, asks); a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s cannot be read across origins", path)
		}
	}
}

// TestClaimsBeyondTheRegistration: what a client may not ask for as a scope it
// does not get by name either, and no error (OIDC Core §5.5.1).
func TestClaimsBeyondTheRegistration(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "narrow", Scope: "openid"})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.token(redeem(laptop.code(ada, ask("client_id", "narrow", "scope", "openid",
		"claims", `{"userinfo":{"email":null},"id_token":{"name":null}}`)), "client_id", "narrow"))
	if diff := cmp.Diff(map[string]any{"sub": "ada"}, laptop.userinfo(got.str("access_token")).JSON); diff != "" {
		t.Errorf("userinfo (-want +got):\n%s", diff)
	}
	if claims, _ := claimsOf(t, got.str("id_token")); claims["name"] != nil {
		t.Errorf("the ID token names %v", claims["name"])
	}
}
