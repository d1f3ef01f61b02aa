package provider_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestKinds presents every kind of token and secret at every place that takes
// one (C7, T38): each is good where it belongs, and nowhere else.
func TestKinds(t *testing.T) {
	h := newHouse(t)
	introspect := h.reader()
	key := newSigner("k1")
	h.client(oauth.Client{ID: "jwt", AccessToken: "jwt"})
	h.client(oauth.Client{ID: "keyed", AuthMethod: "private_key_jwt", JWKS: key.jwks()})
	h.client(oauth.Client{
		ID: "machine", AuthMethod: "client_secret_post", Secret: backendSecret,
		GrantTypes: []string{"client_credentials"}, Scope: "read",
	})
	laptop, proofs := h.browser(devicestest.LaptopHeaders()), h.prover()
	stranger := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	jwt := laptop.token(redeem(laptop.code(ada, ask("client_id", "jwt")), "client_id", "jwt"))
	machine := laptop.token(url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {backendSecret}, "scope": {"read"},
	})
	// Good returns each kind afresh: some are good once.
	good := map[string]func() string{
		"refresh token":             func() string { return got.str("refresh_token") },
		"access token":              func() string { return got.str("access_token") },
		"JWT access token":          func() string { return jwt.str("access_token") },
		"client's own access token": func() string { return machine.str("access_token") },
		"ID token":                  func() string { return got.str("id_token") },
		"code":                      func() string { return laptop.code(ada, ask()) },
		"flow":                      func() string { return stranger.flowFrom(t, ask()) },
		"assertion":                 func() string { return key.sign(h.assertion("keyed")) },
		"proof":                     func() string { return proofs.proof(proofs.claims("POST", tokenPath)) },
		"client secret":             func() string { return backendSecret },
		"session cookie":            func() string { return laptop.cookie(sessionCookie) },
		"device cookie":             func() string { return laptop.cookie(deviceCookie) },
		"verifier":                  func() string { return verifier },
		"sid":                       func() string { return got.str("sid") },
		"grant's ID":                func() string { return h.grantOf(got) },
	}
	accepts := func(status int) func(answer) bool { return func(a answer) bool { return a.Status == status } }
	leadsOn := func(what string) func(answer) bool {
		return func(a answer) bool {
			to, _ := url.Parse(a.Header.Get("Location"))
			return to.Query().Get(what) != ""
		}
	}
	for place, row := range map[string]struct {
		present func(kind string) answer
		passed  func(answer) bool
		fits    []string
	}{
		"userinfo": {stranger.userinfo, accepts(200), []string{"access token", "JWT access token"}},
		"userinfo, in a form": {func(s string) answer {
			return stranger.do("POST", "/userinfo", url.Values{"access_token": {s}})
		}, accepts(200), []string{"access token", "JWT access token"}},
		"userinfo, as a bound token": {func(s string) answer {
			return stranger.do("GET", "/userinfo", nil, proofs.presents("GET", "/userinfo", s))
		}, accepts(200), nil},
		"introspection": {introspect, func(a answer) bool { return a.JSON["active"] == true },
			[]string{"access token", "JWT access token", "client's own access token"}},
		"the operator's introspection": {h.operator().introspect, func(a answer) bool { return a.JSON["active"] == true },
			[]string{"refresh token", "access token", "JWT access token", "client's own access token"}},
		"a redemption": {func(s string) answer { return stranger.token(redeem(s)) }, accepts(200), []string{"code"}},
		"a verifier's place": {func(s string) answer {
			return stranger.token(redeem(laptop.code(ada, ask()), "code_verifier", s))
		}, accepts(200), []string{"verifier"}},
		"an assertion's place": {func(s string) answer {
			return stranger.do("POST", "/oauth2/introspect", url.Values{
				"token": {"x"}, "client_assertion_type": {jwtBearer}, "client_assertion": {s},
			})
		}, accepts(200), []string{"assertion"}},
		"a secret's place": {func(s string) answer {
			return stranger.do("POST", "/oauth2/introspect", url.Values{
				"token": {"x"}, "client_id": {"machine"}, "client_secret": {s},
			})
		}, accepts(200), []string{"client secret"}},
		"a proof's place": {func(s string) answer {
			return stranger.token(redeem(laptop.code(ada, ask())), func(r *http.Request) { r.Header.Set("DPoP", s) })
		}, accepts(200), []string{"proof"}},
		"a hint of who is meant": {func(s string) answer {
			return laptop.do("GET", "/oauth2/auth?"+ask("id_token_hint", s, "prompt", "none").Encode(), nil)
		}, leadsOn("code"), []string{"ID token"}},
		"a flow's place": {func(s string) answer {
			return stranger.do("GET", "/login?"+url.Values{"flow": {s}}.Encode(), nil)
		}, accepts(200), []string{"flow"}},
		"a session's place": {func(s string) answer {
			return stranger.do("GET", "/oauth2/auth?"+ask("prompt", "none").Encode(), nil, func(r *http.Request) {
				r.Header.Set("Cookie", sessionCookie+"="+s+"; "+deviceCookie+"="+laptop.cookie(deviceCookie))
			})
		}, leadsOn("code"), []string{"session cookie"}},
		"a device's place": {func(s string) answer {
			return stranger.do("GET", "/oauth2/auth?"+ask("prompt", "none").Encode(), nil, func(r *http.Request) {
				r.Header.Set("Cookie", sessionCookie+"="+laptop.cookie(sessionCookie)+"; "+deviceCookie+"="+s)
			})
		}, leadsOn("code"), []string{"device cookie"}},
		// Last in effect: a refresh spends its token.
		"a refresh": {func(s string) answer { return stranger.token(refreshForm(s)) }, accepts(200), []string{"refresh token"}},
	} {
		for kind, make := range good {
			t.Run(place+" with a "+kind, func(t *testing.T) {
				a := row.present(make())
				want := false
				for _, fitting := range row.fits {
					want = want || fitting == kind
				}
				if got := row.passed(a); got != want {
					t.Errorf("passed %t: %d %s %s", got, a.Status, a.Header.Get("Location"), a.Raw)
				}
				if a.Status >= 500 {
					t.Errorf("%d %s", a.Status, a.Raw)
				}
				if place == "a refresh" && a.Status == 200 {
					got = a
				}
			})
		}
	}
}
