package provider_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider"
)

// TestAStrangersProofIsNotRemembered knocks with good proofs of keys that
// nobody knows: who has neither a client nor a token leaves no row behind.
func TestAStrangersProofIsNotRemembered(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	good := laptop.signIn(ada).str("refresh_token")
	forged := good[:len(good)-2] + "AA"
	for name, form := range map[string]url.Values{
		"no client":         {"grant_type": {"client_credentials"}},
		"an unknown client": refreshForm(good, "client_id", "nobody"),
		"a forged token":    refreshForm(forged),
		"a forged code":     redeem("ly_ac_" + strings.Repeat("A", 43)),
	} {
		t.Run(name, func(t *testing.T) {
			h.unchanged(t, func() {
				a := h.browser(devicestest.ThiefHeaders()).token(form, h.prover().proves("POST", "/oauth2/token"))
				if a.Status < 400 || a.Status >= 500 {
					t.Errorf("got %d %s", a.Status, a.Raw)
				}
			})
		})
	}
}

// TestAStrangersLooksAreNotParsed counts the User-Agents that are parsed: a new
// one costs milliseconds, so it waits until its sender has shown something
// good.
func TestAStrangersLooksAreNotParsed(t *testing.T) {
	var eyes *observe.Observer
	h := newHouse(t, func(c *provider.Config) { eyes = c.Observer })
	laptop := h.browser(devicestest.LaptopHeaders())
	good := laptop.signIn(ada).str("refresh_token")
	page, _ := laptop.authorize("", ask("prompt", "login"))
	before := eyes.Parses()
	for i, knock := range []func(*browser){
		func(b *browser) { b.token(refreshForm(good[:len(good)-2] + "AA")) },
		func(b *browser) { b.token(url.Values{"grant_type": {"client_credentials"}}) },
		func(b *browser) { b.do("GET", "/oauth2/auth?"+ask().Encode(), nil) },
		func(b *browser) { b.do("GET", "/oauth2/sessions/logout", nil) },
		func(b *browser) { b.do("GET", "/consent?"+page.RawQuery, nil) },
		func(b *browser) { b.do("POST", "/login", url.Values{"identifier": {ada}, "password": {"wrong"}}) },
		func(b *browser) {
			b.do("GET", "/oauth2/auth?"+ask().Encode(), nil, func(r *http.Request) {
				r.AddCookie(&http.Cookie{Name: "lanyard_session", Value: newID() + "." + strings.Repeat("A", 43)})
			})
		},
	} {
		knock(h.browser(http.Header{"User-Agent": {fmt.Sprintf("Mozilla/5.0 (X11; Linux %d) Novel/%d.0", i, i)}}))
	}
	if n := eyes.Parses() - before; n != 0 {
		t.Errorf("%d User-Agents of strangers were parsed", n)
	}
}
