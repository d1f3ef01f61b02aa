package provider_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// toClient fails the test where an authorization answer is not that error for
// the client, with the issuer and the state.
func (b *browser) toClient(t *testing.T, to *url.URL, a answer, code string) {
	t.Helper()
	q := to.Query()
	if !strings.HasPrefix(to.String(), callback+"?") || q.Get("error") != code || q.Get("iss") != b.issuer ||
		q.Get("state") != "a state" || q.Get("code") != "" || len(q) != 4 {
		t.Errorf("went to %s (%d %s), want %s", to, a.Status, a.Raw, code)
	}
}

// TestBadRequests sends authorization requests that are refused to the client.
// No code comes of any.
func TestBadRequests(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "online", GrantTypes: []string{"authorization_code"}})
	h.client(oauth.Client{ID: "machine", AuthMethod: "client_secret_post", Secret: backendSecret, GrantTypes: []string{"client_credentials"}})
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	for _, row := range []struct {
		name  string
		pairs []string
		code  string
	}{
		{"no response type", []string{"response_type", ""}, "unsupported_response_type"},
		{"a token", []string{"response_type", "token"}, "unsupported_response_type"},
		{"an ID token", []string{"response_type", "id_token"}, "unsupported_response_type"},
		{"a code and a token", []string{"response_type", "code token"}, "unsupported_response_type"},
		{"a code and an ID token", []string{"response_type", "code id_token"}, "unsupported_response_type"},
		{"nothing", []string{"response_type", "none"}, "unsupported_response_type"},
		{"two codes", []string{"response_type", "code code"}, "unsupported_response_type"},
		{"a code in upper case", []string{"response_type", "CODE"}, "unsupported_response_type"},
		{"a fragment", []string{"response_mode", "fragment"}, "unsupported_response_mode"},
		{"a form", []string{"response_mode", "form_post"}, "unsupported_response_mode"},
		{"an unknown scope", []string{"scope", "openid sudo"}, "invalid_scope"},
		{"a scope in upper case", []string{"scope", "OPENID"}, "invalid_scope"},
		{"offline access without the grant type", []string{"client_id", "online"}, "invalid_scope"},
		{"a client without the grant type", []string{"client_id", "machine"}, "unsupported_response_type"},
		{"an unknown audience", []string{"audience", "https://api.example.com"}, "invalid_request"},
		{"no challenge", []string{"code_challenge", ""}, "invalid_request"},
		{"no challenge and no method", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		{"no method, which means plain", []string{"code_challenge_method", ""}, "invalid_request"},
		{"a plain challenge", []string{"code_challenge_method", "plain", "code_challenge", verifier}, "invalid_request"},
		{"the method in lower case", []string{"code_challenge_method", "s256"}, "invalid_request"},
		{"another method", []string{"code_challenge_method", "S512"}, "invalid_request"},
		{"a short challenge", []string{"code_challenge", challenge(verifier)[:42]}, "invalid_request"},
		{"a long challenge", []string{"code_challenge", challenge(verifier) + "A"}, "invalid_request"},
		{"a padded challenge", []string{"code_challenge", challenge(verifier) + "="}, "invalid_request"},
		{"a prompt that nobody knows", []string{"prompt", "create"}, "invalid_request"},
		{"no prompt and a prompt", []string{"prompt", "none login"}, "invalid_request"},
		{"a negative age", []string{"max_age", "-1"}, "invalid_request"},
		{"an age in words", []string{"max_age", "young"}, "invalid_request"},
		{"half an age", []string{"max_age", "1.5"}, "invalid_request"},
		{"claims that are no JSON", []string{"claims", "{"}, "invalid_request"},
		{"claims that go on", []string{"claims", `{"userinfo":{"` + strings.Repeat("x", 5000) + `":null}}`}, "invalid_request"},
		{"claims that are a list", []string{"claims", "[]"}, "invalid_request"},
		{"a hint that is none", []string{"id_token_hint", "junk"}, "invalid_request"},
		{"a request object", []string{"request", unsigned(map[string]any{"client_id": "notes"}, `{"alg":"none"}`)}, "request_not_supported"},
		{"a pushed request", []string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}, "request_uri_not_supported"},
		{"a client's own registration", []string{"registration", "{}"}, "registration_not_supported"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.unchanged(t, func() {
				to, a := laptop.authorize("", ask(row.pairs...))
				laptop.toClient(t, to, a, row.code)
			})
		})
	}
	t.Run("a response mode that nobody knows", func(t *testing.T) {
		to, a := laptop.authorize("", ask("response_mode", "smoke"))
		if to.Query().Get("code") != "" || a.Status != 400 && to.Query().Get("error") != "unsupported_response_mode" {
			t.Errorf("went to %s (%d)", to, a.Status)
		}
	})
	for name, q := range map[string]url.Values{
		"a parameter twice":  {"scope": {"openid", "openid"}},
		"the state twice":    {"state": {"a", "b"}},
		"a NUL in the state": {"state": {"a\x00"}},
		"65 parameters":      numbered(65),
	} {
		t.Run(name, func(t *testing.T) {
			merged := ask()
			for k, v := range q {
				merged[k] = v
			}
			h.unchanged(t, func() { laptop.do("GET", "/oauth2/auth?"+merged.Encode(), nil).page(t, 400) })
		})
	}
}

func numbered(n int) url.Values {
	q := url.Values{}
	for i := range n {
		q.Set(fmt.Sprint("p", i), "x")
	}
	return q
}

// TestGoodRequests sends what may be sent, and what is ignored.
func TestGoodRequests(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	for name, pairs := range map[string][]string{
		"no nonce":                 {"nonce", ""},
		"a nonce of one character": {"nonce", "n"},
		"a nonce of 64 characters": {"nonce", strings.Repeat("n", 64)},
		"a nonce of 1,000":         {"nonce", strings.Repeat("n", 1000)},
		"the mode by its name":     {"response_mode", "query"},
		"scopes in another order":  {"scope", "devices offline_access openid"},
		"a scope twice":            {"scope", "openid openid"},
		"no scope at all":          {"scope", ""},
		"display":                  {"display", "popup"},
		"locales":                  {"ui_locales", "de-CH fr", "claims_locales", "se"},
		"acr_values":               {"acr_values", "1 2"},
		"login_hint":               {"login_hint", "ada@example.com"},
		"claims":                   {"claims", `{"userinfo":{"name":{"essential":true}},"id_token":{"email":null}}`},
		"an age that is enormous":  {"max_age", "9223372036854775807"},
		"unknown parameters":       {"colour", "red", "vtr", "x"},
		"an empty parameter":       {"prompt", ""},
		"a flow that is not one":   {"flow", "junk"},
	} {
		t.Run(name, func(t *testing.T) {
			h.clock.Advance(time.Second)
			got := laptop.token(redeem(laptop.code("", ask(pairs...))))
			if got.want(t, 200, ""); got.str("id_token") == "" {
				return
			}
			claims, _ := claimsOf(t, got.str("id_token"))
			if nonce, _ := claims["nonce"].(string); nonce != ask(pairs...).Get("nonce") {
				t.Errorf("nonce %q", nonce)
			}
		})
	}
}

// TestState comes back byte for byte, with a code and with an error, and not
// where it was not sent.
func TestState(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	for _, state := range []string{
		"", "x", "0", "a b", "a+b", "a%20b", "%", "%%", "&code=x", "a=b&c=d", "#", "?", "/", `"quoted"`, "'", "<script>alert(1)</script>",
		"ä ö ü", "日本語", "🪪", "\u202e", ";", "a;b", "{}", strings.Repeat("s", 2000), "https://evil.example.net", "state\\", "~!@$^*()_+`-=[]|:,.",
	} {
		for kind, pairs := range map[string][]string{"code": nil, "error": {"scope", "sudo"}} {
			to, a := laptop.authorize("", ask(append(pairs, "state", state)...))
			if q := to.Query(); q.Get(kind) == "" || q.Get("state") != state || q.Has("state") != (state != "") || q.Get("iss") != h.issuer {
				t.Errorf("state %q came back as %s (%d)", state, to, a.Status)
			}
		}
	}
}

// TestAnswerHeaders looks at the redirect itself: 303, so that no form goes
// with it, not kept, and no Referer (RFC 9700 §4.2.4, §4.12).
func TestAnswerHeaders(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	for _, q := range []url.Values{ask(), ask("scope", "sudo"), ask("prompt", "login")} {
		a := laptop.do("GET", "/oauth2/auth?"+q.Encode(), nil)
		if a.Status != http.StatusSeeOther || a.Header.Get("Cache-Control") != "no-store" ||
			a.Header.Get("Referrer-Policy") != "no-referrer" || a.Raw != "" {
			t.Errorf("%d %v %s", a.Status, a.Header, a.Raw)
		}
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("other origins may read an authorization answer")
		}
	}
}

// TestNoFetch sends request objects by reference: nobody is called (case T24).
func TestNoFetch(t *testing.T) {
	h := newHouse(t)
	var calls atomic.Int64
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.NotFound(w, r)
	}))
	defer outside.Close()
	h.client(oauth.Client{ID: "keyed", AuthMethod: "private_key_jwt", JWKS: newSigner("k1").jwks(), LogoURI: outside.URL + "/logo"})
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	for _, client := range []string{"notes", "keyed"} {
		for _, pairs := range [][]string{
			{"request_uri", outside.URL}, {"request_uri", "file:///etc/passwd"}, {"request_uri", "http://169.254.169.254/"},
			{"request_uri", outside.URL, "request", "x.y.z"},
		} {
			to, a := laptop.authorize("", ask(append(pairs, "client_id", client)...))
			if code := to.Query().Get("error"); code != "request_uri_not_supported" && code != "request_not_supported" {
				t.Errorf("%v: %s (%d)", pairs, to, a.Status)
			}
		}
	}
	if calls.Load() != 0 {
		t.Errorf("a stranger made the server call somebody %d times", calls.Load())
	}
}

// TestPOST is an authorization request in a form, from another site (OIDC Core
// §3.1.2.1).
func TestPOST(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	across := func(r *http.Request) {
		r.Header.Set("Origin", "https://notes.example.com")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Del("Cookie")
	}
	a := laptop.do("POST", "/oauth2/auth", ask(), across)
	for range 3 {
		if next := a.Header.Get("Location"); strings.HasPrefix(next, h.issuer) {
			a = laptop.do("GET", next, nil)
		}
	}
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" || to.Query().Get("state") != "a state" {
		t.Fatalf("went to %s (%d %s)", to, a.Status, a.Raw)
	}
	laptop.token(redeem(to.Query().Get("code"))).want(t, 200, "")
	h.unchanged(t, func() {
		laptop.do("POST", "/oauth2/auth", nil, func(r *http.Request) { setBody(r, `{}`, "application/json") }).page(t, 400)
		laptop.do("POST", "/oauth2/auth", ask("pad", strings.Repeat("x", 65<<10))).page(t, 413)
		laptop.do("POST", "/oauth2/auth", ask("client_id", "nobody")).page(t, 400)
	})
	if a := laptop.do("PUT", "/oauth2/auth?"+ask().Encode(), nil); a.Status != 405 {
		t.Errorf("PUT: %d", a.Status)
	}
}

// TestPrompts is who must sign in when (OIDC Core §3.1.2.1).
func TestPrompts(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	to, a := laptop.authorize("", ask("prompt", "none"))
	laptop.toClient(t, to, a, "login_required")
	first := laptop.signIn(ada)
	authTime := func(got answer) float64 {
		claims, _ := claimsOf(t, got.str("id_token"))
		at, _ := claims["auth_time"].(float64)
		return at
	}
	for _, row := range []struct {
		name  string
		pairs []string
		again bool
	}{
		{"nothing", nil, false},
		{"no prompt", []string{"prompt", "none"}, false},
		{"a sign-in", []string{"prompt", "login"}, true},
		{"an account", []string{"prompt", "select_account"}, true},
		{"a sign-in and consent", []string{"prompt", "login consent"}, true},
		{"a sign-in in the last second", []string{"max_age", "1"}, true},
		{"a sign-in in this very moment", []string{"max_age", "0"}, true},
		{"a sign-in in the last hours", []string{"max_age", "10000"}, false},
		{"a sign-in in the last hours, without a prompt", []string{"max_age", "10000", "prompt", "none"}, false},
	} {
		t.Run("asking for "+row.name, func(t *testing.T) {
			before := authTime(laptop.token(redeem(laptop.code("", ask("prompt", "none")))))
			h.clock.Advance(2 * time.Second)
			to, _ := laptop.authorize("", ask(row.pairs...))
			if again := to.Path == "/login"; again != row.again {
				t.Fatalf("went to %s", to)
			}
			got := laptop.token(redeem(laptop.code(ada, ask(row.pairs...))))
			if after := authTime(got); (after > before) != row.again {
				t.Errorf("auth_time %v, then %v", before, after)
			}
			if got.str("sid") != first.str("sid") || got.str("device_id") != first.str("device_id") {
				t.Error("it is another sign-in, or another device")
			}
		})
	}
	h.clock.Advance(2 * time.Second)
	for _, pairs := range [][]string{{"max_age", "1"}, {"max_age", "0"}} {
		to, a = laptop.authorize("", ask(append(pairs, "prompt", "none")...))
		laptop.toClient(t, to, a, "login_required")
	}
}

// TestHints names the subject who is meant, by an ID token or a claim (OIDC
// Core §3.1.2.1, §5.5.1).
func TestHints(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "jwt", AccessToken: "jwt"})
	laptop := h.browser(devicestest.LaptopHeaders())
	of := func(identifier, client string) answer {
		b := h.browser(devicestest.LaptopHeaders())
		return b.token(redeem(b.code(identifier, ask("client_id", client)), "client_id", client))
	}
	adas, bobs := of(ada, "notes"), of(bob, "notes")
	access := of(ada, "jwt").str("access_token")
	laptop.signIn(ada)
	h.clock.Advance(time.Hour) // the hints have expired
	sub := func(name string) string { return `{"id_token":{"sub":{"value":"` + name + `"}}}` }
	for _, row := range []struct {
		name  string
		pairs []string
		code  string
	}{
		{"who is here", []string{"id_token_hint", adas.str("id_token")}, ""},
		{"somebody else", []string{"id_token_hint", bobs.str("id_token")}, "login_required"},
		{"who is here, by a token that is not for it", []string{"id_token_hint", access}, "invalid_request"},
		{"who is here, unsigned", []string{"id_token_hint", unsigned(map[string]any{"iss": h.issuer, "sub": "ada", "aud": "notes"}, `{"alg":"none","typ":"JWT"}`)}, "invalid_request"},
		{"who is here, signed by a stranger", []string{"id_token_hint", newSigner("k1").sign(map[string]any{"iss": h.issuer, "sub": "ada", "aud": "notes"})}, "invalid_request"},
		{"who is here, by claim", []string{"claims", sub("ada")}, ""},
		{"somebody else, by claim", []string{"claims", sub("bob")}, "login_required"},
		{"nobody in particular, by claim", []string{"claims", `{"id_token":{"sub":null}}`}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			to, a := laptop.authorize("", ask(append(row.pairs, "prompt", "none")...))
			if row.code != "" {
				laptop.toClient(t, to, a, row.code)
			} else if to.Query().Get("code") == "" {
				t.Errorf("went to %s (%d %s)", to, a.Status, a.Raw)
			}
		})
	}
	to, _ := laptop.authorize("", ask("id_token_hint", bobs.str("id_token")))
	if to.Path != "/login" {
		t.Errorf("somebody else is wanted, and the browser is at %s", to)
	}
	_, a := h.browser(devicestest.LaptopHeaders()).authorize("", ask("login_hint", `a"><script>alert(1)</script>`))
	if !strings.Contains(a.Raw, "&lt;script&gt;") || strings.Contains(a.Raw, "<script>alert") {
		t.Errorf("the login hint: %s", a.Raw)
	}
}
