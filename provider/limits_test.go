package provider_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// limited is a house with the limits in force, behind a proxy that says where
// requests come from.
func limited(t *testing.T) *house {
	return newHouse(t, func(c *provider.Config) {
		c.Limits = nil
		c.Observer = observe.New(observe.Config{
			Now: c.Now, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		})
	})
}

// fromAddress returns an edit that has a request come from an address.
func fromAddress(address string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-Forwarded-For", address) }
}

const hisAddress, herAddress = "198.51.100.7", "192.0.2.7"

// counted returns how many answers there are of each status. It demands of
// every 429 that it says when to try again and that no client takes it for the
// end of a session.
func counted(t *testing.T, n int, ask func(i int) answer) map[int]int {
	t.Helper()
	statuses := map[int]int{}
	for i := range n {
		a := ask(i)
		statuses[a.Status]++
		if a.Status != http.StatusTooManyRequests {
			continue
		}
		if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
			t.Fatalf("Retry-After is %q", a.Header.Get("Retry-After"))
		}
		if a.str("error") != "temporarily_unavailable" {
			t.Fatalf("answered %s", a.Raw)
		}
	}
	return statuses
}

func TestWrongSecretsOfOneClientAreLimited(t *testing.T) {
	const chosen = "a secret that somebody chose, of 32"
	for _, tt := range []struct {
		name, secret string
		wrong        int
	}{{"chosen", chosen, 20}, {"generated", provider.NewSecret(), 200}} {
		t.Run(tt.name, func(t *testing.T) {
			h := limited(t)
			h.client(oauth.Client{ID: "backend", AuthMethod: "client_secret_post", Secret: tt.secret, GrantTypes: []string{"client_credentials"}})
			b := h.browser(devicestest.AppHeaders())
			asks := func(secret, address string) answer {
				return b.do("POST", "/oauth2/introspect",
					url.Values{"token": {"x"}, "client_id": {"backend"}, "client_secret": {secret}}, fromAddress(address))
			}
			got := counted(t, tt.wrong+50, func(i int) answer { return asks("guess "+strconv.Itoa(i), hisAddress) })
			if got[401] != tt.wrong || got[429] != 50 {
				t.Errorf("wrong secrets from one address: %v", got)
			}
			asks(tt.secret, herAddress).want(t, 200, "")
			asks(tt.secret, hisAddress).want(t, 200, "") // it has succeeded before
			asks("another guess", hisAddress).want(t, 429, "temporarily_unavailable")
			asks("another guess", herAddress).want(t, 401, "invalid_client")
			h.clock.Advance(5 * time.Second)
			asks("another guess", hisAddress).want(t, 401, "invalid_client")
		})
	}
}

// What strangers send is limited by where they send it from, and their
// neighbours' own tokens are served.
func TestJunkIsLimited(t *testing.T) {
	h := limited(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	mine := laptop.signIn(ada)
	junk := func(token string) string { return token[:len(token)-4] + "AAAA" }
	refresh, access := junk(mine.str("refresh_token")), junk(mine.str("access_token"))
	for _, tt := range []struct {
		name, address string
		status        int
		ask           func(address string) answer
	}{
		{"refresh token", "203.0.113.1", 400, func(address string) answer {
			return laptop.token(refreshForm(refresh), fromAddress(address))
		}},
		{"refresh token of no form", "198.51.100.1", 400, func(address string) answer {
			return laptop.token(refreshForm("junk"), fromAddress(address))
		}},
		{"code", "198.18.1.1", 400, func(address string) answer {
			return laptop.token(url.Values{
				"grant_type": {"authorization_code"}, "client_id": {"notes"}, "code": {"junk"},
				"redirect_uri": {callback}, "code_verifier": {strings.Repeat("v", 43)},
			}, fromAddress(address))
		}},
		{"no such client", "198.18.2.1", 401, func(address string) answer {
			return laptop.token(url.Values{
				"grant_type": {"refresh_token"}, "client_id": {"nobody"}, "refresh_token": {refresh},
			}, fromAddress(address))
		}},
		{"token to revoke", "198.18.3.1", 200, func(address string) answer {
			return laptop.do("POST", "/oauth2/revoke", url.Values{"client_id": {"notes"}, "token": {refresh}}, fromAddress(address))
		}},
		{"access token", "198.18.4.1", 401, func(address string) answer {
			return laptop.do("GET", "/userinfo", nil, bearer(access), fromAddress(address))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.unchanged(t, func() {
				got := counted(t, 300, func(int) answer { return tt.ask(tt.address) })
				if got[tt.status] != 200 || got[429] != 100 {
					t.Errorf("300 in a row: %v", got)
				}
			})
			laptop.do("GET", "/userinfo", nil, bearer(mine.str("access_token")), fromAddress(tt.address)).want(t, 200, "")
			next := laptop.token(refreshForm(mine.str("refresh_token")), fromAddress(tt.address))
			if next.want(t, 200, ""); next.Status == 200 {
				mine = next
			}
			h.clock.Advance(time.Second)
			if got := counted(t, 10, func(int) answer { return tt.ask(tt.address) }); got[tt.status] != 5 {
				t.Errorf("a second later: %v", got)
			}
		})
	}
}

// A program that refreshes in a loop is slowed down, and loses nothing.
func TestRefreshesOfOneGrantAreLimited(t *testing.T) {
	h := limited(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	mine, other := laptop.signIn(ada), laptop.signIn(ada)
	got := counted(t, 300, func(int) answer {
		next := laptop.token(refreshForm(mine.str("refresh_token")))
		if next.Status == 200 {
			mine = next
		}
		return next
	})
	if got[200] != 150 || got[429] != 150 {
		t.Errorf("300 in a row: %v", got)
	}
	h.unchanged(t, func() {
		laptop.token(refreshForm(mine.str("refresh_token"))).want(t, 429, "temporarily_unavailable")
	})
	laptop.userinfo(mine.str("access_token")).want(t, 200, "")
	laptop.token(refreshForm(other.str("refresh_token"))).want(t, 200, "")
	h.clock.Advance(time.Second)
	laptop.token(refreshForm(mine.str("refresh_token"))).want(t, 200, "")
}

// A sign-in or a client that finds the queue full is told to come again: it is
// neither wrong nor trouble.
func TestTooManyComparisonsAtOnce(t *testing.T) {
	h := newHouse(t, func(c *provider.Config) {
		users := local.New(c.Storage.Clients.(local.Users), c.Now)
		users.Hashing = hashing.New(1)
		users.Hashing.MaxWait = time.Millisecond
		c.Identity, c.Hashing = provider.LocalIdentity(users), users.Hashing
	})
	h.client(oauth.Client{
		ID: "backend", AuthMethod: "client_secret_post", Secret: "a secret that somebody chose, long enough",
		GrantTypes: []string{"client_credentials"},
	})
	answers := make([]answer, 40)
	var all sync.WaitGroup
	for i := range answers {
		b := h.browser(devicestest.LaptopHeaders())
		all.Go(func() {
			answers[i] = b.do("POST", "/login", url.Values{"identifier": {"nobody"}, "password": {"a guess of twelve"}})
		})
	}
	b := h.browser(devicestest.AppHeaders())
	busy := 0
	for range 20 { // one at a time, among them
		a := b.do("POST", "/oauth2/introspect", url.Values{
			"token": {"x"}, "client_id": {"backend"}, "client_secret": {"a guess"},
		})
		if a.Status == 429 {
			a.want(t, 429, "temporarily_unavailable")
			busy++
		} else {
			a.refused(t, 401, "invalid_client")
		}
	}
	all.Wait()
	for _, a := range answers {
		switch {
		case a.Status == 429 && a.Header.Get("Retry-After") != "":
			busy++
		case a.Status != 401:
			t.Errorf("answered %d: %s", a.Status, a.Raw)
		}
	}
	if busy == 0 {
		t.Error("there was room for all")
	}
}
