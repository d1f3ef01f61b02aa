package conformance_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// party is a relying party, as the suite plays it, with a user's browser. It
// knows of the server what discovery tells it.
type party struct {
	*suite
	t       *testing.T
	client  registration
	browser *house.Browser
	at      metadata
}

// metadata is what the party uses of OpenID Connect Discovery 1.0 §3.
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Scopes        []string `json:"scopes_supported"`
	Issued        bool     `json:"authorization_response_iss_parameter_supported"`
}

// with returns a party with this client and a browser that nobody has used.
func (s *suite) with(t *testing.T, client registration) *party {
	t.Helper()
	p := &party{suite: s, t: t, client: client, browser: house.NewBrowser(house.Laptop())}
	p.read(p.get(s.issuer+"/.well-known/openid-configuration"), &p.at)
	return p
}

// answer is an answer to the party.
type answer struct {
	status int
	header http.Header
	body   string
}

func (p *party) do(r *http.Request) answer {
	p.t.Helper()
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(body)}
}

func (p *party) get(address string) answer {
	p.t.Helper()
	return p.do(p.request(http.MethodGet, address, nil))
}

func (p *party) request(method, address string, form url.Values) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// read reads a good JSON answer.
func (p *party) read(a answer, into any) {
	p.t.Helper()
	if a.status != http.StatusOK || !isJSON(a.header) {
		p.t.Fatalf("status %d, %s\n%s", a.status, a.header.Get("Content-Type"), a.body)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		p.t.Fatalf("%v in %s", err, a.body)
	}
}

func isJSON(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return kind == "application/json"
}

// ask is an authorization request.
type ask struct {
	url.Values
	verifier string
	at       time.Time // when it was made
}

// ask returns an authorization request for the scope openid. Values of more
// win over its own; empty ones leave it out. PKCE is always there, which the
// suite does not send: the server demands it of every client.
func (p *party) ask(more ...string) ask {
	p.t.Helper()
	a := ask{verifier: rand.Text() + rand.Text(), at: time.Now()}
	sum := sha256.Sum256([]byte(a.verifier))
	a.Values = url.Values{
		"client_id": {p.client.ID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"},
		"state": {rand.Text()}, "nonce": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(more); i += 2 {
		a.Set(more[i], more[i+1])
	}
	maps.DeleteFunc(a.Values, func(_ string, values []string) bool { return values[0] == "" })
	return a
}

// outcome is where a visit of the server ends: at the client, or at a page.
type outcome struct {
	away             *url.URL
	page             *house.Page
	logins, consents []*house.Page // the pages of these kinds on the way
}

// visit goes to the authorization endpoint with a request and through what the
// server asks.
func (p *party) visit(a ask) outcome {
	p.t.Helper()
	return p.follow(p.browser.Visit(p.at.Authorization + "?" + a.Encode()))
}

// follow signs in and consents wherever it is asked to.
func (p *party) follow(page *house.Page, err error) (o outcome) {
	p.t.Helper()
	for range 5 {
		if err != nil {
			p.t.Fatal(err)
		}
		if page.Away != nil {
			o.away = page.Away
			return o
		}
		if f, is := page.Form("/login"); is {
			o.logins = append(o.logins, page)
			page, err = p.browser.Submit(page, f, map[string]string{
				"identifier": p.ada.Identifier, "password": p.ada.Password,
			}, "")
		} else if f, is := page.Form("/consent"); is {
			o.consents = append(o.consents, page)
			page, err = p.browser.Submit(page, f, nil, "allow")
		} else {
			o.page = page
			return o
		}
	}
	p.t.Fatal("the sign-in goes in circles")
	return o
}

// code returns the code that came back and nothing but it, the state and the
// issuer (RFC 6749 §4.1.2, RFC 9207 §2).
func (p *party) code(a ask, o outcome) string {
	p.t.Helper()
	got := p.returned(a, o)
	if got.Get("error") != "" {
		p.t.Fatalf("the client was told %v", got)
	}
	for name := range got {
		if !slices.Contains([]string{"code", "state", "iss"}, name) {
			p.t.Errorf("the answer has a parameter %q", name)
		}
	}
	if bits := entropy(got.Get("code")); bits < 128 {
		p.t.Errorf("the code %q has %.0f bits", got.Get("code"), bits)
	}
	return got.Get("code")
}

// returned returns what the client was told.
func (p *party) returned(a ask, o outcome) url.Values {
	p.t.Helper()
	if o.away == nil {
		p.t.Fatalf("the browser ended at %s: %d %s", o.page.URL, o.page.Status, o.page.Text)
	}
	bare := *o.away
	bare.RawQuery = ""
	if bare.String() != callback {
		p.t.Fatalf("the browser was sent to %s", o.away)
	}
	got := o.away.Query()
	for name, values := range got {
		if len(values) != 1 {
			p.t.Errorf("the answer has %s as %q", name, values)
		}
	}
	if got.Get("state") != a.Get("state") || a.Has("state") != got.Has("state") {
		p.t.Errorf("the state came back as %q", got.Get("state"))
	}
	if !p.at.Issued || got.Get("iss") != p.at.Issuer {
		p.t.Errorf("the answer is of the issuer %q (announced: %v)", got.Get("iss"), p.at.Issued)
	}
	return got
}

// refused returns the error that the client was told, and nothing but it (OIDC
// Core §3.1.2.6).
func (p *party) refused(a ask, o outcome) string {
	p.t.Helper()
	got := p.returned(a, o)
	for name := range got {
		if !slices.Contains([]string{"error", "error_description", "error_uri", "state", "iss"}, name) {
			p.t.Errorf("the refusal has a parameter %q", name)
		}
	}
	p.checkWords(got.Get("error"), got.Get("error_description"))
	return got.Get("error")
}

// page fails unless the visit ended at an error page, and returns it.
func (p *party) page(o outcome) *house.Page {
	p.t.Helper()
	if o.away != nil {
		p.t.Fatalf("the browser was sent to %s", o.away)
	}
	if o.page.Status < 400 || o.page.Status > 499 || !strings.HasPrefix(o.page.Header.Get("Content-Type"), "text/html") {
		p.t.Errorf("the page has status %d and is %s", o.page.Status, o.page.Header.Get("Content-Type"))
	}
	return o.page
}
