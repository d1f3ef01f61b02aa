package provider_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestOmissions leaves every set of parameters out of good requests (C13):
// what is left is never good, and does nothing.
func TestOmissions(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "backend", AuthMethod: "client_secret_post", Secret: backendSecret})
	laptop := h.browser(devicestest.LaptopHeaders())
	secret := []string{"client_id", "backend", "client_secret", backendSecret}
	tokens := func() answer {
		return laptop.token(redeem(laptop.code(ada, ask("client_id", "backend")), secret...))
	}
	got := tokens()
	for name, row := range map[string]struct {
		path string
		form url.Values
	}{
		"a code":           {tokenPath, redeem(laptop.code(ada, ask("client_id", "backend")), secret...)},
		"a public code":    {tokenPath, redeem(laptop.code(ada, ask()))},
		"a refresh":        {tokenPath, refreshForm(got.str("refresh_token"), secret...)},
		"a revocation":     {"/oauth2/revoke", with(url.Values{"token": {tokens().str("refresh_token")}}, secret...)},
		"an introspection": {"/oauth2/introspect", with(url.Values{"token": {got.str("refresh_token")}}, secret...)},
		"a login":          {"/login", url.Values{"identifier": {ada}, "password": {password}}},
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			for parameter := range row.form {
				names = append(names, parameter)
			}
			slices.Sort(names)
			stranger := h.browser(devicestest.LaptopHeaders())
			h.unchanged(t, func() {
				for set := 1; set < 1<<len(names); set++ {
					for _, blank := range []bool{false, true} {
						form := url.Values{}
						var left []string
						for i, parameter := range names {
							if set&(1<<i) == 0 {
								form[parameter] = row.form[parameter]
							} else if left = append(left, parameter); blank {
								form[parameter] = []string{""}
							}
						}
						a := stranger.do("POST", row.path, form)
						if a.Status < 400 || a.Status >= 500 {
							t.Errorf("without %v (blank %t): %d %s", left, blank, a.Status, a.Raw)
						}
					}
				}
			})
			if a := stranger.do("POST", row.path, row.form); a.Status != 200 {
				t.Errorf("the whole request: %d %s", a.Status, a.Raw)
			}
		})
	}
}

// TestPaths finds no way round by odd spellings of a path (C9), and nothing of
// the operator's on the public listener (T33).
func TestPaths(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	token := laptop.signIn(ada).str("refresh_token")
	h.unchanged(t, func() {
		for _, path := range []string{
			"/oauth2//token", "//oauth2/token", "/oauth2/token/", "/oauth2/./token", "/oauth2/x/../token", "/oauth2/token;x=1",
			"/oauth2/token%00", "/oauth2/token%20", "/oauth2%2ftoken", "/OAUTH2/TOKEN", "/oauth2/token.json", "/oauth2/..%2ftoken",
			"/oauth2/token%2f", "/oauth2\\token", "/oauth2/introspect/..;/token", "/.;/oauth2/token",
			"/admin/clients", "/admin/oauth2/introspect", "/admin/devices", "/metrics/prometheus", "/debug/pprof/", "/openapi.json",
			"/login/", "/consent/x", "/oauth2/auth/", "/oauth2/auth/resume/", "/.well-known/", "/oauth2/sessions/logout/",
		} {
			for _, method := range []string{"GET", "POST"} {
				a := laptop.do(method, h.issuer+path, refreshForm(token), func(r *http.Request) { r.URL.Opaque = path })
				if a.Status < 300 || a.Status >= 500 {
					t.Errorf("%s %s: %d %s", method, path, a.Status, a.Raw)
				}
				to, err := url.Parse(a.Header.Get("Location"))
				if err != nil || to.Host != "" || strings.HasPrefix(to.Path, "//") {
					t.Errorf("%s %s leads to %s", method, path, to)
				}
			}
		}
	})
	laptop.token(refreshForm(token)).want(t, 200, "")
}

// TestRestart opens the same database with another server (C2): what was spent
// before is spent, the grace goes on, and the lineage with it.
func TestRestart(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	second := laptop.token(refreshForm(first.str("refresh_token")))
	won := laptop.token(refreshForm(second.str("refresh_token")))
	session, device := laptop.cookie(sessionCookie), laptop.cookie(deviceCookie)
	h.must(h.store.Close())

	again := newHouseOn(t, h.url)
	after := again.browser(devicestest.LaptopHeaders()).holding(sessionCookie, session, deviceCookie, device)
	if retry := after.token(refreshForm(second.str("refresh_token"))); retry.str("refresh_token") != won.str("refresh_token") {
		t.Errorf("the retry: %d %s", retry.Status, retry.Raw)
	}
	after.userinfo(won.str("access_token")).want(t, 200, "")
	if who := after.whoami(t); who != "ada" {
		t.Errorf("the session is %q's", who)
	}
	after.token(refreshForm(first.str("refresh_token"))).refused(t, 400, "invalid_grant")
	after.token(refreshForm(won.str("refresh_token"))).refused(t, 400, "invalid_grant")
	again.told(t, h.grantOf(first), devices.EventGrantCreated, devices.EventReuseDetected, devices.EventDeviceRefused, devices.EventGrantRevoked)
}

// TestClockSteps sets the clock back and forth by what clocks are off (T30): a
// good token is not refused for it.
func TestClockSteps(t *testing.T) {
	h := newHouse(t)
	laptop, key := h.browser(devicestest.LaptopHeaders()), h.prover()
	bound := laptop.token(redeem(laptop.code(ada, ask())), key.proves("POST", tokenPath))
	got := laptop.signIn(ada)
	for _, step := range []time.Duration{-10 * time.Second, 20 * time.Second, -10 * time.Second, -time.Hour, time.Hour, -30 * time.Second} {
		h.clock.Advance(step)
		if a := laptop.userinfo(got.str("access_token")); a.Status != 200 && step < 10*time.Minute {
			t.Errorf("after %v the access token is refused: %s", step, a.Raw)
		}
		got = laptop.token(refreshForm(got.str("refresh_token")))
		if got.want(t, 200, ""); got.JSON["expires_in"].(float64) < 1 || got.JSON["expires_in"].(float64) > 600 {
			t.Errorf("after %v: expires_in %v", step, got.JSON["expires_in"])
		}
		bound = laptop.token(refreshForm(bound.str("refresh_token")), key.proves("POST", tokenPath))
		bound.want(t, 200, "")
		laptop.userinfo(got.str("access_token")).want(t, 200, "")
		if who := laptop.whoami(t); who != "ada" {
			t.Errorf("after %v it is %q", step, who)
		}
	}
	code := laptop.code("", ask())
	h.clock.Advance(-10 * time.Second)
	laptop.token(redeem(code)).want(t, 200, "")
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

// TestSecretsStayIn looks for secrets where they must not be: in the log, and
// in the database (T36, T45, C32).
func TestSecretsStayIn(t *testing.T) {
	log := &lockedBuffer{}
	h := newHouse(t, func(c *provider.Config) {
		c.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	h.client(oauth.Client{ID: "backend", AuthMethod: "client_secret_post", Secret: backendSecret})
	laptop, key := h.browser(devicestest.LaptopHeaders()), h.prover()
	code := laptop.code(ada, ask())
	got := laptop.token(redeem(code))
	next := laptop.token(refreshForm(got.str("refresh_token")))
	proof := key.proof(key.claims("POST", tokenPath))
	secrets := map[string]string{
		"the password": password, "a wrong password": "a very wrong password", "the code": code, "the verifier": verifier,
		"a spent refresh token": got.str("refresh_token"), "the refresh token": next.str("refresh_token"),
		"the access token": next.str("access_token"), "the ID token": next.str("id_token"),
		"the client secret": backendSecret, "the session cookie": strings.Split(laptop.cookie(sessionCookie), ".")[1],
		"the device cookie": laptop.cookie(deviceCookie), "the proof": proof, "the system secret": string(system()[0]),
	}
	h.browser(devicestest.ThiefHeaders()).token(refreshForm(next.str("refresh_token"))).refused(t, 400, "invalid_grant")
	laptop.do("POST", "/login", url.Values{"identifier": {ada}, "password": {secrets["a wrong password"]}}).page(t, 401)
	stored := h.tables()
	h.must(h.store.Close())
	h.clock.Advance(time.Minute)
	for _, e := range []func() answer{
		func() answer { return laptop.token(refreshForm(next.str("refresh_token"))) },
		func() answer {
			return laptop.token(redeem(code), func(r *http.Request) { r.Header.Set("DPoP", proof) })
		},
		func() answer { return laptop.userinfo(next.str("access_token")) },
		func() answer {
			return laptop.do("POST", "/login", url.Values{"identifier": {ada}, "password": {password}})
		},
		func() answer {
			return laptop.do("POST", "/oauth2/introspect", url.Values{
				"token": {next.str("access_token")}, "client_id": {"backend"}, "client_secret": {backendSecret},
			})
		},
		func() answer {
			return laptop.do("GET", "/oauth2/auth?"+ask("id_token_hint", next.str("id_token")).Encode(), nil)
		},
	} {
		if a := e(); a.Status != 503 {
			t.Errorf("got %d %s", a.Status, a.Raw)
		}
	}
	if log.all.Len() == 0 {
		t.Error("trouble is not logged")
	}
	for name, secret := range secrets {
		if secret == "" {
			t.Fatalf("%s is empty", name)
		}
		if strings.Contains(log.all.String(), secret) {
			t.Errorf("%s is in the log: %s", name, log.all.String())
		}
		for table, rows := range stored {
			if strings.Contains(strings.Join(rows, "\n"), secret) {
				t.Errorf("%s is in the table %s", name, table)
			}
		}
	}
}

// TestTwoHeaders says who it is twice: nobody knows which is meant.
func TestTwoHeaders(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	laptop.token(refreshForm(got.str("refresh_token")), func(r *http.Request) {
		r.Header["Authorization"] = []string{"Basic bm90ZXM6", "Basic b3RoZXI6"}
	}).refused(t, 400, "invalid_request")
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
}

// TestCutByAClockAhead cuts access tokens at a server whose clock is ahead: the
// next one that another server mints is good.
func TestCutByAClockAhead(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	h.must(h.store.CutTokens(t.Context(), h.grant(got).ID, h.clock.Now().Add(5*time.Second)))
	laptop.do("GET", "/userinfo", nil, bearer(got.str("access_token"))).want(t, 401, "invalid_token")
	next := laptop.token(refreshForm(got.str("refresh_token")))
	laptop.do("GET", "/userinfo", nil, bearer(next.str("access_token"))).want(t, 200, "")
}
