package conformance_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"
)

// These modules go through the authorization endpoint twice with one browser.

// asked fails unless the visit went through the login page, or did not.
func (p *party) asked(o outcome, wanted bool) {
	p.t.Helper()
	if (len(o.logins) > 0) != wanted {
		p.t.Errorf("there were %d login pages", len(o.logins))
	}
}

// same fails unless two ID tokens are of the same authentication.
func (p *party) same(first, second signed) {
	p.t.Helper()
	for _, name := range []string{"sub", "auth_time", "sid"} {
		if first.claims[name] != second.claims[name] {
			p.t.Errorf("%s was %v and is %v", name, first.claims[name], second.claims[name])
		}
	}
}

// later fails unless the second ID token is of a later authentication.
func (p *party) later(first, second signed) {
	p.t.Helper()
	if first.claims["sub"] != second.claims["sub"] {
		p.t.Errorf("sub was %v and is %v", first.claims["sub"], second.claims["sub"])
	}
	if before, after := first.claims.time(p, "auth_time"), second.claims.time(p, "auth_time"); !after.After(before) {
		p.t.Errorf("auth_time was %v and is %v", before, after)
	}
}

func TestConf_oidcc_prompt_login(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	first := p.flow()
	time.Sleep(1100 * time.Millisecond) // auth_time is in seconds
	second := p.flow("prompt", "login")
	p.asked(second.outcome, true)
	p.later(first, second)
}

func TestConf_oidcc_prompt_none_not_logged_in(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	p.flow()                        // so that consent is not what is missing …
	p = shared(t).with(t, p.client) // … in another browser
	a := p.ask("prompt", "none")
	if code := p.refused(a, p.visit(a)); code != "login_required" {
		t.Errorf("the client was told %s", code)
	}
}

func TestConf_oidcc_prompt_none_logged_in(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	first := p.flow()
	time.Sleep(1100 * time.Millisecond) // so that a new auth_time would show
	second := p.flow("prompt", "none")
	p.silent(second.outcome)
	p.same(first, second)
}

// silent fails where the browser saw anything but redirects.
func (p *party) silent(o outcome) {
	p.t.Helper()
	p.asked(o, false)
	if len(o.consents) > 0 || slices.ContainsFunc(p.browser.Seen, func(a *http.Response) bool { return a.StatusCode/100 != 3 }) {
		p.t.Errorf("the browser saw pages: %v", p.browser.Seen)
	}
}

func TestConf_oidcc_id_token_hint(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	first := p.flow()
	second := p.flow("prompt", "none", "id_token_hint", first.ID)
	p.silent(second.outcome)
	p.same(first, second)
}

func TestConf_oidcc_max_age_1(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	first := p.flow()
	time.Sleep(2 * time.Second) // as the suite does
	second := p.flow("max_age", "1")
	p.asked(second.outcome, true)
	p.later(first, second)
}

func TestConf_oidcc_max_age_10000(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	first := p.flow("max_age", strconv.Itoa(15000))
	time.Sleep(1100 * time.Millisecond) // so that a new auth_time would show
	second := p.flow("max_age", strconv.Itoa(10000))
	p.asked(second.outcome, false)
	p.same(first, second)
}
