package conformance_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// each runs a module for a client of each signing algorithm.
func each(t *testing.T, s *suite, module func(t *testing.T, p *party)) {
	t.Helper()
	for _, client := range []registration{s.first, s.second} {
		t.Run(client.alg, func(t *testing.T) { module(t, s.with(t, client)) })
	}
}

func TestConf_oidcc_server(t *testing.T) { server(t, shared(t)) }

func server(t *testing.T, s *suite) {
	each(t, s, func(t *testing.T, p *party) {
		got := p.flow()
		p.secondOpinion(got)
	})
}

// secondOpinion has go-oidc, which shares no code with these tests but for the
// arithmetic, look at the same ID token.
func (p *party) secondOpinion(got signed) {
	p.t.Helper()
	provider, err := oidc.NewProvider(p.t.Context(), p.issuer)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: p.client.ID, SupportedSigningAlgs: []string{p.client.alg}}).
		Verify(p.t.Context(), got.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := token.VerifyAccessToken(got.Access); err != nil {
		p.t.Error(err)
	}
	info, err := provider.UserInfo(p.t.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: got.Access}))
	if err != nil || info.Subject != token.Subject {
		p.t.Errorf("userinfo is of %+v (%v)", info, err)
	}
}

func TestConf_oidcc_response_type_missing(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	a := p.ask("response_type", "")
	if code := p.refused(a, p.visit(a)); code != "invalid_request" && code != "unsupported_response_type" {
		t.Errorf("the client was told %s", code)
	}
}

// The suite's dynamic clients name no algorithm and so get RS256. Here the
// default is ES256, and RS256 is there for the asking.
func TestConf_oidcc_idtoken_signature(t *testing.T) {
	each(t, shared(t), func(t *testing.T, p *party) {
		got := p.flow()
		head, rest, _ := strings.Cut(got.ID, ".")
		body, signature, _ := strings.Cut(rest, ".")
		if head == "" || body == "" || signature == "" {
			t.Errorf("the ID token is %s", got.ID)
		}
	})
}

func TestConf_oidcc_userinfo_get(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	got := p.flow() // which uses GET with the header
	p.checkExactly(p.userinfo(got), "sub")
}

func TestConf_oidcc_userinfo_post_header(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	got := p.flow()
	r := p.request(http.MethodPost, p.at.UserInfo, nil)
	r.Header.Set("Authorization", "Bearer "+got.Access)
	p.checkExactly(p.told(p.do(r), got), "sub")
}

func TestConf_oidcc_userinfo_post_body(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	got := p.flow()
	r := p.request(http.MethodPost, p.at.UserInfo, url.Values{"access_token": {got.Access}})
	p.checkExactly(p.told(p.do(r), got), "sub")
}

func TestConf_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	if got := p.flow("nonce", ""); got.ask.Has("nonce") {
		t.Errorf("the request had a nonce: %v", got.ask)
	}
}

// Scopes and parameters in any order, as RFC 6749 §3.3 says.
func TestConf_oidcc_alternate_happy_flow(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	a := p.ask("scope", "email openid")
	pairs := strings.Split(a.Encode(), "&")
	for i, j := 0, len(pairs)-1; i < j; i, j = i+1, j-1 {
		pairs[i], pairs[j] = pairs[j], pairs[i]
	}
	got := p.finish(a, p.follow(p.browser.Visit(p.at.Authorization+"?"+strings.Join(pairs, "&"))))
	p.checkExactly(p.userinfo(got), append(ofScope("email"), "sub")...)
}

func TestConf_oidcc_display_page(t *testing.T)  { accepts(t, "display", "page") }
func TestConf_oidcc_display_popup(t *testing.T) { accepts(t, "display", "popup") }

func TestConf_oidcc_ensure_request_with_unknown_parameter_succeeds(t *testing.T) {
	accepts(t, "extra", "foobar")
}

func TestConf_oidcc_ui_locales(t *testing.T)     { accepts(t, "ui_locales", "se") }
func TestConf_oidcc_claims_locales(t *testing.T) { accepts(t, "claims_locales", "se") }

// accepts runs the happy flow with parameters that must not break it.
func accepts(t *testing.T, more ...string) signed {
	t.Helper()
	p := shared(t).with(t, shared(t).first)
	return p.flow(more...)
}

func TestConf_oidcc_login_hint(t *testing.T) {
	got := accepts(t, "login_hint", shared(t).ada.Identifier)
	if len(got.outcome.logins) != 1 {
		t.Fatalf("there were %d login pages", len(got.outcome.logins))
	}
	if f, _ := got.outcome.logins[0].Form("/login"); f.Fields["identifier"] != shared(t).ada.Identifier {
		t.Errorf("the login page has %q filled in", f.Fields["identifier"])
	}
}

func TestConf_oidcc_ensure_request_with_acr_values_succeeds(t *testing.T) {
	got := accepts(t, "acr_values", "1 2")
	if acr := got.claims["acr"]; acr != "1" && acr != "2" {
		t.Errorf("acr is %v", acr)
	}
}

func TestConf_oidcc_ensure_registered_redirect_uri(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	for _, wrong := range []string{
		callback + "/" + "elsewhere", callback + "?a=b", callback + "#", strings.Replace(callback, "https", "http", 1),
		"https://suite.example.org.evil.example/test/a/lanyard/callback",
	} {
		a := p.ask("redirect_uri", wrong)
		p.page(p.visit(a))
	}
}

// The request is posted by a page of the client's.
func TestConf_oidcc_ensure_post_request_succeeds(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	for _, signedIn := range []bool{false, true} {
		a := p.ask()
		got := p.finish(a, p.posted(p.at.Authorization, a.Values))
		if (len(got.outcome.logins) == 0) != signedIn {
			t.Errorf("there were %d login pages", len(got.outcome.logins))
		}
	}
}

func TestConf_oidcc_server_client_secret_post(t *testing.T) {
	s := shared(t)
	p := s.with(t, s.post)
	p.flow()

	// The method that the client is not registered for, and a wrong secret.
	for name, with := range map[string]func(*party){
		"basic":        func(p *party) { p.client.auth = "client_secret_basic" },
		"wrong secret": func(p *party) { p.client.Secret += "x" },
	} {
		t.Run(name, func(t *testing.T) {
			q := s.with(t, s.post)
			a := q.ask()
			code := q.code(a, q.visit(a))
			with(q)
			q.failed(q.call(q.exchange(a, code)), http.StatusUnauthorized, "invalid_client")
		})
	}
}

// PKCE is in all modules here. This one adds that it counts.
func TestConf_oidcc_ensure_request_with_valid_pkce_succeeds(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	p.flow()
	for name, verifier := range map[string]string{"another": p.ask().verifier, "none": ""} {
		t.Run(name, func(t *testing.T) {
			q := shared(t).with(t, p.client)
			a := q.ask()
			code := q.code(a, q.visit(a))
			form := q.exchange(a, code)
			form.Set("code_verifier", verifier)
			q.failed(q.call(form), http.StatusBadRequest, "invalid_grant")
		})
	}
	a := p.ask("code_challenge", "", "code_challenge_method", "")
	if code := p.refused(a, p.visit(a)); code != "invalid_request" {
		t.Errorf("without PKCE the client was told %s", code)
	}
}
