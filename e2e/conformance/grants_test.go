package conformance_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

func TestConf_oidcc_codereuse(t *testing.T) {
	s := shared(t)
	p := s.with(t, s.first)
	p.reused(0)
}

// The clock of the binary cannot be wound, so a wait is a real one. Nothing in
// the server ends between three and thirty seconds after a code was redeemed
// (a code lives for a minute), so three seconds show as much; the suite's
// thirty are there for the asking: CONFORMANCE_WAIT=30s.
func TestConf_oidcc_codereuse_30seconds(t *testing.T) { codereuse(t, shared(t)) }

func codereuse(t *testing.T, s *suite) {
	wait := 3 * time.Second
	if text := os.Getenv("CONFORMANCE_WAIT"); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	p := s.with(t, s.first)
	p.reused(wait)
}

// reused redeems a code twice. The second time fails, and what the first
// issued is dead from then on (RFC 6749 §4.1.2).
func (p *party) reused(wait time.Duration) {
	p.t.Helper()
	got := p.flow("scope", "openid offline_access", "prompt", "consent")
	time.Sleep(wait)
	p.userinfo(got) // it still works
	p.failed(p.call(p.exchange(got.ask, got.code)), http.StatusBadRequest, "invalid_grant")
	p.dead(got.Access)
	p.failed(p.refresh(got.Refresh, ""), http.StatusBadRequest, "invalid_grant")
}

func (p *party) refresh(token, scope string) answer {
	p.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return p.call(form)
}

func TestConf_oidcc_refresh_token(t *testing.T) { refreshToken(t, shared(t)) }

func refreshToken(t *testing.T, s *suite) {
	const scope = "openid offline_access"
	each(t, s, func(t *testing.T, p *party) {
		got := p.flow("scope", scope, "prompt", "consent")
		if len(got.outcome.consents) != 1 {
			t.Errorf("there were %d consent pages", len(got.outcome.consents))
		}
		issued := []tokens{got.tokens}
		last := got
		for i := range 6 {
			asked := ""
			if i == 0 {
				asked = scope // as the suite does for its first client
				time.Sleep(1100 * time.Millisecond)
			}
			since := time.Now()
			next := signed{tokens: p.granted(p.refresh(last.Refresh, asked), scope), ask: got.ask}
			next.claims = p.verified(next.tokens, "", since)
			p.follows(got, next, i == 0)
			p.userinfo(next)
			issued = append(issued, next.tokens)
			last = next
		}
		p.differ(issued)
		p.bound(last)
	})
}

// follows holds a refreshed ID token to OIDC Core §12.2.
func (p *party) follows(first, next signed, waited bool) {
	p.t.Helper()
	for _, name := range []string{"iss", "sub", "aud", "azp", "auth_time", "sid", "acr", "amr"} {
		if was, is := first.claims[name], next.claims[name]; fmt.Sprint(was) != fmt.Sprint(is) {
			p.t.Errorf("%s was %v and is %v", name, was, is)
		}
	}
	if was, is := first.claims.time(p, "iat"), next.claims.time(p, "iat"); is.Before(was) || waited && !is.After(was) {
		p.t.Errorf("iat was %v and is %v", was, is)
	}
}

// differ fails where one token of a grant would help to guess another: what
// they do not share must be unguessable by itself (RFC 6749 §10.10).
func (p *party) differ(issued []tokens) {
	p.t.Helper()
	for i, one := range issued {
		for _, other := range issued[:i] {
			for kind, pair := range map[string][2]string{
				"access": {one.Access, other.Access}, "refresh": {one.Refresh, other.Refresh}, "ID": {one.ID, other.ID},
			} {
				own := pair[0][commonPrefix(pair[0], pair[1]):]
				if bits := entropy(own); bits < 128 {
					p.t.Errorf("two %s tokens differ in %q only (%.0f bits)", kind, own, bits)
				}
			}
		}
	}
}

// commonPrefix returns how long the common beginning of two texts is.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// bound has the other clients present a refresh token. They are refused, and
// it goes on working for its own.
func (p *party) bound(own signed) {
	p.t.Helper()
	for _, other := range []registration{p.first, p.second, p.post} {
		if other.ID == p.client.ID {
			continue
		}
		thief := p.with(p.t, other)
		thief.failed(thief.refresh(own.Refresh, ""), http.StatusBadRequest, "invalid_grant")
	}
	stranger := p.with(p.t, p.client)
	stranger.client.Secret = strings.ToUpper(stranger.client.Secret)
	stranger.failed(stranger.refresh(own.Refresh, ""), http.StatusUnauthorized, "invalid_client")
	p.granted(p.refresh(own.Refresh, ""), "openid offline_access")
}
