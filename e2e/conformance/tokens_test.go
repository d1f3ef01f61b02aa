package conformance_test

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tokens is a good answer of the token endpoint (RFC 6749 §5.1).
type tokens struct {
	Access  string      `json:"access_token"`
	Type    string      `json:"token_type"`
	Expires json.Number `json:"expires_in"`
	Refresh string      `json:"refresh_token"`
	ID      string      `json:"id_token"`
	Scope   *string     `json:"scope"`
	Device  string      `json:"device_id"`
	SID     string      `json:"sid"`
}

// call posts to the token endpoint as the client.
func (p *party) call(form url.Values) answer {
	p.t.Helper()
	form = maps.Clone(form)
	if p.client.auth == "client_secret_post" {
		form.Set("client_id", p.client.ID)
		form.Set("client_secret", p.client.Secret)
	}
	r := p.request(http.MethodPost, p.at.Token, form)
	if p.client.auth == "client_secret_basic" {
		r.SetBasicAuth(url.QueryEscape(p.client.ID), url.QueryEscape(p.client.Secret))
	}
	r.Header.Set("Accept", "application/json")
	return p.do(r)
}

// exchange is the call that redeems a code.
func (p *party) exchange(a ask, code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback},
		"code_verifier": {a.verifier},
	}
}

// granted reads a good answer for these scopes and holds it to RFC 6749 §5.1.
func (p *party) granted(a answer, scope string) tokens {
	p.t.Helper()
	var got tokens
	p.read(a, &got)
	if cache := a.header.Get("Cache-Control"); !strings.Contains(cache, "no-store") || a.header.Get("Pragma") != "no-cache" {
		p.t.Errorf("the answer may be cached: %q, %q", cache, a.header.Get("Pragma"))
	}
	if !strings.EqualFold(got.Type, "bearer") {
		p.t.Errorf("the token type is %q", got.Type)
	}
	if seconds, err := got.Expires.Int64(); err != nil || seconds < 1 || seconds > 3600 {
		p.t.Errorf("the access token expires in %q seconds", got.Expires)
	}
	for name, token := range map[string]string{"access": got.Access, "refresh": got.Refresh} {
		if strings.ContainsFunc(token, func(r rune) bool { return r < 0x20 || r > 0x7e }) { // RFC 6749 §A.12, §A.17
			p.t.Errorf("the %s token has characters that are not allowed: %q", name, token)
		}
		if bits := entropy(token); token != "" && bits < 128 { // RFC 6749 §10.10
			p.t.Errorf("the %s token %q has %.0f bits", name, token, bits)
		}
	}
	if got.Access == "" || got.ID == "" || strings.Contains(scope, "offline_access") != (got.Refresh != "") {
		p.t.Errorf("for %q there came %+v", scope, got)
	}
	if got.Scope != nil && !sameWords(*got.Scope, scope) {
		p.t.Errorf("the scope is %q, not %q", *got.Scope, scope)
	}
	return got
}

// failed holds a refusal of the token endpoint to RFC 6749 §5.2.
func (p *party) failed(a answer, status int, code string) {
	p.t.Helper()
	var got struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || !isJSON(a.header) {
		p.t.Fatalf("the refusal is %s: %s", a.header.Get("Content-Type"), a.body)
	}
	if a.status != status || got.Error != code {
		p.t.Errorf("status %d, error %q; want %d, %q", a.status, got.Error, status, code)
	}
	p.checkWords(got.Error, got.Description)
}

// checkWords holds an error to the characters of RFC 6749 §4.1.2.1 and §5.2.
func (p *party) checkWords(code, description string) {
	p.t.Helper()
	allowed := func(r rune) bool { return r >= 0x20 && r <= 0x7e && r != '"' && r != '\\' }
	for _, text := range []string{code, description} {
		if strings.ContainsFunc(text, func(r rune) bool { return !allowed(r) }) {
			p.t.Errorf("the error has characters that are not allowed: %q", text)
		}
	}
	if code == "" {
		p.t.Error("the error has no code")
	}
}

// signed is what a party holds after a flow.
type signed struct {
	tokens
	ask     ask
	code    string
	outcome outcome
	claims  claims // of the ID token
}

// flow is the happy flow: it authorizes, redeems the code, holds the ID token
// to everything, and uses the access token.
func (p *party) flow(more ...string) signed {
	p.t.Helper()
	a := p.ask(more...)
	return p.finish(a, p.visit(a))
}

// finish is flow from the callback on.
func (p *party) finish(a ask, o outcome) signed {
	p.t.Helper()
	code := p.code(a, o)
	got := p.granted(p.call(p.exchange(a, code)), a.Get("scope"))
	s := signed{tokens: got, ask: a, code: code, outcome: o, claims: p.verified(got, a.Get("nonce"), a.at)}
	if len(o.logins) > 0 && s.claims.time(p, "auth_time").Before(a.at.Truncate(time.Second)) {
		p.t.Errorf("auth_time %v is before the sign-in", s.claims["auth_time"])
	}
	p.userinfo(s)
	return s
}

// userinfo calls the userinfo endpoint and returns its claims.
func (p *party) userinfo(s signed) claims {
	p.t.Helper()
	r := p.request(http.MethodGet, p.at.UserInfo, nil)
	r.Header.Set("Authorization", "Bearer "+s.Access)
	return p.told(p.do(r), s)
}

// told holds an answer of the userinfo endpoint to OIDC Core §5.3.2.
func (p *party) told(a answer, s signed) claims {
	p.t.Helper()
	var got claims
	p.read(a, &got)
	if got["sub"] != s.claims["sub"] {
		p.t.Errorf("userinfo is of %v, the ID token of %v", got["sub"], s.claims["sub"])
	}
	return got
}

// dead fails where the access token still works.
func (p *party) dead(access string) {
	p.t.Helper()
	r := p.request(http.MethodGet, p.at.UserInfo, nil)
	r.Header.Set("Authorization", "Bearer "+access)
	if a := p.do(r); a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
		p.t.Errorf("the access token still gets status %d %s", a.status, a.body)
	}
}

// entropy estimates the bits of a text as the suite does: by Shannon, from how
// often each character occurs in it.
func entropy(text string) float64 {
	counts := map[rune]float64{}
	for _, r := range text {
		counts[r]++
	}
	bits, n := 0.0, float64(len(text))
	for _, count := range counts {
		bits -= count * math.Log2(count/n)
	}
	return bits
}
