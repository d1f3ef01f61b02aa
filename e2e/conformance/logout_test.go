package conformance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// leaving is a party whose user is signed in, and a request to sign out that
// has everything.
type leaving struct {
	*party
	in      signed
	cookies []*http.Cookie // of the sign-in
	url.Values
}

func (s *suite) leaving(t *testing.T) *leaving {
	t.Helper()
	p := s.with(t, s.first)
	in := p.flow()
	return &leaving{p, in, p.browser.Cookies(p.issuer), url.Values{
		"id_token_hint": {in.ID}, "post_logout_redirect_uri": {postLogout},
		"state": {rand.Text() + rand.Text() + rand.Text() + rand.Text() + rand.Text()}, // long, as the suite's
	}}
}

// leave goes to the end session endpoint.
func (l *leaving) leave() *house.Page {
	l.t.Helper()
	page, err := l.browser.Visit(l.at.EndSession + "?" + l.Encode())
	if err != nil {
		l.t.Fatal(err)
	}
	return page
}

// redirected fails unless the browser was sent to the client with the state
// that it sent, and nothing else.
func (l *leaving) redirected(page *house.Page) {
	l.t.Helper()
	want := postLogout
	if state := l.Get("state"); state != "" {
		want += "?" + url.Values{"state": {state}}.Encode()
	}
	if page.Away == nil || page.Away.String() != want {
		l.t.Errorf("the browser was sent to %v, want %s", page.Away, want)
	}
}

// stays fails where the browser was sent away.
func (l *leaving) stays(page *house.Page) *house.Page {
	l.t.Helper()
	if page.Away != nil {
		l.t.Fatalf("the browser was sent to %s", page.Away)
	}
	return page
}

// confirms fails unless the page asks before anything happens, and answers it.
func (l *leaving) confirms(page *house.Page, answer string) *house.Page {
	l.t.Helper()
	form, asks := l.stays(page).Form("/logout/confirm")
	if !asks {
		l.t.Fatalf("the page asks nothing: %d %s", page.Status, page.Text)
	}
	l.stillIn()
	page, err := l.browser.Submit(page, form, nil, answer)
	if err != nil {
		l.t.Fatal(err)
	}
	return page
}

func (l *leaving) stillIn() {
	l.t.Helper()
	next := l.flow("prompt", "none")
	l.silent(next.outcome)
	l.same(l.in, next)
}

// out fails where the user is still signed in, or is again with the cookies of
// before.
func (l *leaving) out() {
	l.t.Helper()
	for range 2 {
		a := l.ask("prompt", "none")
		if code := l.refused(a, l.visit(a)); code != "login_required" {
			l.t.Errorf("after signing out the client was told %s", code)
		}
		l.browser.SetCookies(l.issuer, l.cookies)
	}
}

// outHere fails unless a page says that the user is signed out, and they are.
func (l *leaving) outHere(page *house.Page) {
	l.t.Helper()
	if l.stays(page).Status != http.StatusOK || !strings.Contains(page.Text, "signed out") {
		l.t.Errorf("the page says %d %s", page.Status, page.Text)
	}
	l.out()
}

func TestConf_oidcc_rp_initiated_logout(t *testing.T) { rpInitiatedLogout(t, shared(t)) }

func rpInitiatedLogout(t *testing.T, s *suite) {
	t.Run("GET", func(t *testing.T) {
		l := s.leaving(t)
		l.redirected(l.leave())
		l.out()
	})
	t.Run("POST", func(t *testing.T) { // RP-Initiated Logout §2
		l := s.leaving(t)
		l.redirected(&house.Page{Away: l.posted(l.at.EndSession, l.Values).away})
		l.out()
	})
}

func TestConf_oidcc_rp_initiated_logout_bad_id_token_hint(t *testing.T) {
	l := shared(t).leaving(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := jose.ParseSignedCompact(l.in.ID, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	// Everything as the server has it, but for the key behind the kid.
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{
		Key: key, KeyID: ours.Signatures[0].Protected.KeyID,
	}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	fake, err := signer.Sign(ours.UnsafePayloadWithoutVerification())
	if err != nil {
		t.Fatal(err)
	}
	hint, err := fake.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	l.Set("id_token_hint", hint)
	l.outHere(l.confirms(l.leave(), "allow"))
}

func TestConf_oidcc_rp_initiated_logout_modified_id_token_hint(t *testing.T) {
	parts := func(l *leaving) (head, body, signature string) {
		split := strings.Split(l.in.ID, ".")
		return split[0], split[1], split[2]
	}
	for name, modify := range map[string]func(*leaving) string{
		"alg none": func(l *leaving) string {
			_, body, _ := parts(l)
			return unsigned(nil) + "." + body + "."
		},
		"alg none with a signature": func(l *leaving) string {
			_, body, signature := parts(l)
			return unsigned(nil) + "." + body + "." + signature
		},
		"another claim": func(l *leaving) string {
			head, _, signature := parts(l)
			l.in.claims["amr"] = []string{"hwk"}
			body, _ := json.Marshal(l.in.claims)
			return head + "." + base64.RawURLEncoding.EncodeToString(body) + "." + signature
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := shared(t).leaving(t)
			l.Set("id_token_hint", modify(l))
			page := l.confirms(l.leave(), "deny")
			l.stays(page)
			l.stillIn()
			l.outHere(l.confirms(l.leave(), "allow"))
		})
	}
}

// unsigned returns the header of a JWT with alg none, and the claims behind it
// if there are any.
func unsigned(claims map[string]any) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	if claims == nil {
		return header
	}
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err) // the claims are plain
	}
	return header + "." + base64.RawURLEncoding.EncodeToString(body) + "."
}

func TestConf_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(t *testing.T) {
	l := shared(t).leaving(t)
	l.Set("post_logout_redirect_uri", "https://suite.example.org/test/a/lanyard/elsewhere")
	l.outHere(l.confirms(l.leave(), "allow"))
}

func TestConf_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(t *testing.T) {
	l := shared(t).leaving(t)
	l.Set("post_logout_redirect_uri", postLogout+"?foo=bar")
	l.outHere(l.confirms(l.leave(), "allow"))
}

func TestConf_oidcc_rp_initiated_logout_no_id_token_hint(t *testing.T) {
	for _, named := range []bool{false, true} {
		l := shared(t).leaving(t)
		l.Del("id_token_hint")
		if named { // a client_id alone proves nothing
			l.Set("client_id", l.client.ID)
		}
		l.outHere(l.confirms(l.leave(), "allow"))
	}
}

func TestConf_oidcc_rp_initiated_logout_no_params(t *testing.T) {
	l := shared(t).leaving(t)
	clear(l.Values)
	l.outHere(l.confirms(l.leave(), "allow"))
}

func TestConf_oidcc_rp_initiated_logout_only_state(t *testing.T) {
	l := shared(t).leaving(t)
	l.Del("id_token_hint")
	l.Del("post_logout_redirect_uri")
	l.outHere(l.confirms(l.leave(), "allow"))
}

func TestConf_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(t *testing.T) {
	l := shared(t).leaving(t)
	l.Del("post_logout_redirect_uri")
	l.outHere(l.leave())
}

func TestConf_oidcc_rp_initiated_logout_no_state(t *testing.T) {
	l := shared(t).leaving(t)
	l.Del("state")
	l.redirected(l.leave())
	l.out()
}
