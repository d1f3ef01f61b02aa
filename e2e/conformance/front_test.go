package conformance_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/conformance/front"
	"github.com/lanyard-id/lanyard/e2e/house"
)

// What the official suite is reached through: it sends no PKCE.
func TestFrontCompletesPKCE(t *testing.T) {
	s := newSuite(t, house.SQLite, front.Complete)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			p := s.with(t, s.first)
			a := p.ask("code_challenge", "", "code_challenge_method", "", "scope", "openid offline_access")
			var o outcome
			if method == http.MethodGet {
				o = p.visit(a)
			} else {
				o = p.posted(p.at.Authorization, a.Values)
			}
			form := p.exchange(a, p.code(a, o))
			form.Del("code_verifier")
			got := p.granted(p.call(form), a.Get("scope"))
			p.verified(got, a.Get("nonce"), a.at)
			p.granted(p.refresh(got.Refresh, ""), a.Get("scope"))
		})
	}
	t.Run("a client that sends PKCE", func(t *testing.T) {
		p := s.with(t, s.first)
		p.flow()
		a := p.ask()
		form := p.exchange(a, p.code(a, p.visit(a)))
		form.Set("code_verifier", p.ask().verifier)
		p.failed(p.call(form), http.StatusBadRequest, "invalid_grant")
	})
}

// posted has a page of the client's post a form.
func (p *party) posted(address string, form url.Values) outcome {
	p.t.Helper()
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	here, _ := url.Parse("https://suite.example.org/")
	return p.follow(p.browser.Submit(&house.Page{URL: here}, house.Form{
		Action: address, Method: http.MethodPost, Fields: fields,
	}, nil, ""))
}
