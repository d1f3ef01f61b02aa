//go:build ory

package ory_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// spellings are what somebody might write for the token endpoint.
var spellings = []string{
	"/oauth2/%74oken", "/oauth2%2Ftoken", "/oauth2%2ftoken", "/%6fauth2/token", "/%6F%61uth2/%74%6Fken", "/oauth2/%2e/token",
	"//oauth2/token", "/oauth2//token", "/oauth2/./token", "/x/../oauth2/token", "/x/%2e%2e/oauth2/token", "/x/..%2foauth2/token",
	"/OAuth2/Token", "/oauth2/token?x=1", "/oauth2/token?", "/oauth2/token/", "/oauth2/token//", "/oauth2/token/?a=1",
	"/oauth2/token%2f", "/oauth2/token%2F", "/oauth2/token%2f%2f", "/oauth2/token%2f/", "/oauth2/%74oken/", "/oauth2/%74oken%2F",
	"/oauth2%2Ftoken/", "/oauth2%2ftoken%2f", "/%2foauth2/token", "/oauth2/token/.", "/oauth2/token/%2e", "/oauth2/token/x/..",
	"/oauth2/token/x/%2e%2e/", "/oauth2/token;x=1", "/oauth2/token/;x=1", "/oauth2;x=1/token", "/oauth2/token%3Bx", "/oauth2/token%00",
	"/oauth2/token%20", "/oauth2%5Ctoken", "/oauth2/%2574oken", "/oauth2/token%252f",
}

// current returns the address of an ory.Current before a Hydra.
func current(t *testing.T, hydra string) string {
	t.Helper()
	shim := httptest.NewServer(ory.Current(hydra))
	t.Cleanup(shim.Close)
	return strings.TrimPrefix(shim.URL, "http://")
}

// asks posts to a path as it is written, and returns the status and the body.
// No redirect is followed.
func asks(t *testing.T, method, address, path, form string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(form))
	good(t, err)
	r.Header = house.Thief()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := http.DefaultTransport.RoundTrip(r)
	good(t, err)
	defer func() { _ = a.Body.Close() }() // it was read
	text, err := io.ReadAll(a.Body)
	good(t, err)
	return a.StatusCode, string(text)
}

// answers reports whether the token endpoint answers there.
func answers(t *testing.T, address, path string) bool {
	t.Helper()
	_, body := asks(t, http.MethodPost, address, path, "grant_type=refresh_token&refresh_token=x&client_id=y")
	return strings.Contains(body, "error_description")
}

// The shim reads paths as it was seen of Hydra v25.4 and later.
func TestCurrentHydra(t *testing.T) {
	s := open(t, change{plan: func(p *ory.Plan) { p.WithoutKratos = true }})
	now := "http://" + current(t, s.HydraPublic)
	for path, want := range map[string][2]bool{ // v2.3.0, v25.4 and later
		"/oauth2/token": {true, true}, "/oauth2/%74oken": {true, true}, "/oauth2/token/": {false, true}, "/oauth2/token?x=1": {true, true},
		"/oauth2/token%2f": {false, true}, "/oauth2/%74oken/": {false, true}, "/oauth2/token/?a=1": {false, true},
		"/oauth2%2Ftoken": {true, false}, "/oauth2/tokens": {false, false},
	} {
		if got := [2]bool{answers(t, "http://"+s.HydraPublic, path), answers(t, now, path)}; got != want {
			t.Errorf("%s is the token endpoint of v2.3.0 and of a current Hydra: %v, want %v", path, got, want)
		}
	}
}

// Hydra knows its token endpoint under other spellings too. None may lead there
// past lanyard.
func envoySpellings(t *testing.T, s *site) {
	asked, asking := s.asking(t)
	leads, leading := s.leading(t)
	taken := 0
	for _, spelt := range spellings {
		if answers(t, "http://"+s.Upstream, spelt) {
			taken++
		}
		asked.questions()
		if answers(t, asking, spelt) && len(asked.questions()) == 0 {
			t.Errorf("Hydra answers %s, and nobody was asked", spelt)
		}
		if answers(t, leading, spelt) && leads.last() != "lanyard" {
			t.Errorf("%s goes around the gateway", spelt)
		}
	}
	if taken < 4 {
		t.Errorf("Hydra takes %d of these spellings: they test nothing", taken)
	}
}

func envoySpellingsNow(t *testing.T, s *site) {
	now := *s
	now.Upstream = current(t, s.HydraPublic)
	envoySpellings(t, &now)
}

// nginxBlock returns what docs/ory.md has nginx do with the token endpoint.
func nginxBlock(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/ory.md")
	good(t, err)
	block := regexp.MustCompile("(?s)```nginx\n( *location /oauth2/token .*?)```").FindStringSubmatch(string(text))
	if block == nil {
		t.Fatal("docs/ory.md has no block of nginx for the token endpoint")
	}
	return block[1]
}

// proxied returns the URL of an nginx with the guide's block, before a Hydra,
// in which edits change what they name.
func (s *site) proxied(t *testing.T, hydra string, edits ...string) string {
	t.Helper()
	locations := strings.NewReplacer(append(edits, "http://lanyard:4440", s.Gateway, "http://hydra:4444", "http://"+hydra)...).Replace(nginxBlock(t))
	proxy, err := ory.StartNginx(t.Context(), t.TempDir(), house.Address(t), locations+"location = /ready { return 200; }", "/ready")
	if proxy != nil {
		t.Cleanup(func() { good(t, proxy.Server.Stop()) })
	}
	good(t, err)
	return "http://" + proxy.Address
}

// Whatever spelling Hydra answers, nginx leads it to the gateway: it reaches
// nothing else here. And a thief who knows how Hydra reads paths gets no token,
// from the Hydra of these tests or from one that trims slashes.
func TestNoSpellingLeadsPastTheGateway(t *testing.T) {
	for name, now := range map[string]bool{"Hydra v2.3.0": false, "a current Hydra": true} {
		t.Run(name, func(t *testing.T) {
			s := open(t, change{current: now})
			alone := s.proxied(t, "127.0.0.1:9")
			for _, spelt := range spellings {
				if answers(t, "http://"+s.Upstream, spelt) && (!answers(t, alone, spelt) || !answers(t, s.Gateway, spelt)) {
					t.Errorf("%s goes around the gateway", spelt)
				}
			}
			ada := s.registered(t, house.Laptop())
			var chains []*ory.Chain // each of a client of its own: Hydra v2.3.0 ends those of one together
			for range 7 {
				id, _ := s.client(t, true)
				chains = append(chains, s.chain(t, ada, id, "", ""))
			}
			form := func(c *ory.Chain) string {
				return url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ClientID}, "refresh_token": {c.Held}}.Encode()
			}
			for i, at := range []string{s.Gateway, s.proxied(t, s.Upstream)} {
				for n, spelt := range []string{"/oauth2/token/", "/oauth2/%74oken", "/oauth2/token%2f"} {
					for _, method := range []string{http.MethodGet, http.MethodPut, "post", http.MethodPost} {
						status, body := asks(t, method, at, spelt, form(chains[3*i+n]))
						if status < 300 || strings.Contains(body, "access_token") {
							t.Errorf("a thief gets tokens at %s %s%s: %d %s", method, at, spelt, status, body)
						}
					}
				}
			}
			if seen := s.told(t, "session.hijack_suspected", ada.Subject); seen != 6 {
				t.Errorf("the thief was seen %d times of 6", seen)
			}
			status, body := asks(t, http.MethodPost, "http://"+s.Upstream, "/oauth2/token/", form(chains[6]))
			if now != (status == http.StatusOK) {
				t.Errorf("without the gateway: %d %s", status, body)
			}
		})
	}
}

// The doctor asks from the public side. If a proxy matches the exact path only,
// a current Hydra answers around the gateway.
func TestDoctorSeesOtherSpellings(t *testing.T) {
	for name, tt := range map[string]struct {
		now  bool
		want string
	}{
		"Hydra v2.3.0":    {false, "Hydra itself redirects from it"},
		"a current Hydra": {true, "is answered by Hydra"},
	} {
		t.Run(name, func(t *testing.T) {
			address := house.Address(t)
			s := open(t, change{
				current: tt.now, plan: func(p *ory.Plan) { p.Issuer = "http://" + address },
				late: func(ory.Plan) []house.Setting { return []house.Setting{house.Set("hooks.deadline", "2s")} },
			})
			names := []string{"http://lanyard:4440", s.Gateway, "http://hydra:4444", "http://" + s.Upstream}
			exact := strings.NewReplacer(append(names, "location /oauth2/token", "location = /oauth2/token")...).Replace(nginxBlock(t))
			proxy, err := ory.StartNginx(t.Context(), t.TempDir(), address, exact, "/.well-known/openid-configuration")
			good(t, err)
			printed := s.doctor(t, 1)
			for _, want := range []string{"missing  gateway: clients can go around it: http://" + address + "/oauth2/token/", tt.want, "location /oauth2/token {"} {
				if !strings.Contains(printed, want) {
					t.Errorf("%q is not in\n%s", want, printed)
				}
			}
			good(t, proxy.Server.Stop())
			good(t, proxy.Configure(strings.NewReplacer(names...).Replace(nginxBlock(t))))
			good(t, proxy.Server.Start(t.Context()))
			t.Cleanup(func() { good(t, proxy.Server.Stop()) })
			if printed = s.doctor(t, 0); !strings.Contains(printed, "good     gateway: http://"+address+"/oauth2/token, which Hydra tells its clients") {
				t.Errorf("with the guide's block:\n%s", printed)
			}
		})
	}
}
