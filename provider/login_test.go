package provider_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// flowFrom returns the flow of the page that an authorization request leads to.
func (b *browser) flowFrom(t *testing.T, q url.Values) string {
	t.Helper()
	to, err := url.Parse(b.do("GET", "/oauth2/auth?"+q.Encode(), nil).Header.Get("Location"))
	if err != nil || to.Query().Get("flow") == "" {
		t.Fatalf("no flow: %s", to)
	}
	return to.Query().Get("flow")
}

// TestLoginRefusals shows that an unknown name, a wrong password and a
// disabled subject are told apart by nothing (C18, T32), and change nothing.
func TestLoginRefusals(t *testing.T) {
	h := newHouse(t)
	h.disable("bob", true)
	laptop := h.browser(devicestest.LaptopHeaders())
	flow := laptop.flowFrom(t, ask())
	var pages []string
	for _, form := range []url.Values{
		{"identifier": {ada}, "password": {"wrong"}},
		{"identifier": {"nobody@example.com"}, "password": {password}},
		{"identifier": {bob}, "password": {password}},
		{"identifier": {ada}, "password": {""}},
		{"identifier": {ada}, "password": {password + " "}},
		{"identifier": {ada}, "password": {strings.ToUpper(password)}},
		{"identifier": {ada}, "password": {strings.Repeat("x", 10_000)}},
		{"identifier": {"' OR '1'='1"}, "password": {"' OR '1'='1"}},
	} {
		form.Set("flow", flow)
		h.unchanged(t, func() {
			a := laptop.do("POST", "/login", form)
			a.page(t, 401)
			if a.entered() {
				t.Errorf("Set-Cookie %q", a.Header.Get("Set-Cookie"))
			}
			pages = append(pages, regexp.MustCompile(`value="[^"]*"`).ReplaceAllString(a.Raw, ""))
		})
	}
	for _, page := range pages[1:] {
		if diff := cmp.Diff(pages[0], page); diff != "" {
			t.Errorf("the refusals differ:\n%s", diff)
		}
	}
	h.unchanged(t, func() {
		laptop.do("POST", "/login", url.Values{"identifier": {ada, bob}, "password": {password}}).page(t, 400)
		laptop.do("POST", "/login", url.Values{"identifier": {ada + "\x00"}, "password": {password}}).page(t, 400)
		laptop.do("POST", "/login", url.Values{"identifier": {strings.Repeat("x", 65<<10)}}).page(t, 413)
		laptop.do("POST", "/login", nil, func(r *http.Request) { setBody(r, "{}", "application/json") }).page(t, 400)
	})
	t.Run("in other letters it is the same name", func(t *testing.T) {
		laptop.do("POST", "/login", url.Values{"identifier": {strings.ToUpper(ada)}, "password": {password}}).want(t, 200, "")
	})
}

// TestGuessing is slowed down, and says for how long.
func TestGuessing(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	last := answer{}
	for range 12 {
		if last = laptop.do("POST", "/login", url.Values{"identifier": {ada}, "password": {"wrong"}}); last.Status != 401 {
			break
		}
	}
	if last.page(t, 429); last.Header.Get("Retry-After") == "" {
		t.Errorf("headers %v", last.Header)
	}
	h.unchanged(t, func() {
		laptop.do("POST", "/login", url.Values{"identifier": {ada}, "password": {password}}).page(t, 429)
	})
	h.clock.Advance(10 * time.Minute)
	laptop.do("POST", "/login", url.Values{"identifier": {ada}, "password": {password}}).want(t, 200, "")
}

// TestFlows shows that a page is shown only for a request that came in here,
// half an hour ago at most.
func TestFlows(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "gone"})
	laptop := h.browser(devicestest.LaptopHeaders())
	good, gone := laptop.flowFrom(t, ask()), laptop.flowFrom(t, ask("client_id", "gone"))
	h.must(h.store.DeleteClient(t.Context(), "gone", h.clock.Now()))
	h.clock.Advance(10 * time.Second)
	bad := map[string]string{
		"junk": "junk", "cut": good[:len(good)-1], "longer": good + "A", "flipped": flip(good, 100), "none": "",
		"of a deleted client": gone, "an access token": laptop.signInAs(h, bob).str("access_token"), "8 kB": strings.Repeat("A", 8<<10),
	}
	stranger := h.browser(devicestest.LaptopHeaders())
	refuse := func(flow string) {
		t.Helper()
		h.unchanged(t, func() {
			q := "?" + url.Values{"flow": {flow}}.Encode()
			form := url.Values{"flow": {flow}, "identifier": {ada}, "password": {password}, "decision": {"allow"}}
			if flow != "" {
				stranger.do("GET", "/login"+q, nil).page(t, 400)
				stranger.do("POST", "/login", form).page(t, 400)
			}
			stranger.do("GET", "/consent"+q, nil).page(t, 400)
			stranger.do("POST", "/consent", form).page(t, 400)
			stranger.do("GET", "/oauth2/auth/resume"+q, nil).page(t, 400)
		})
	}
	for _, flow := range bad {
		refuse(flow)
	}
	h.clock.Advance(29 * time.Minute)
	stranger.do("GET", "/login?"+url.Values{"flow": {good}}.Encode(), nil).page(t, 200)
	h.clock.Advance(2 * time.Minute)
	refuse(good)
	// Who came too late starts again with one click, and nothing is lost.
	for _, path := range []string{"/login", "/consent", "/oauth2/auth/resume"} {
		late := stranger.do("GET", path+"?"+url.Values{"flow": {good}}.Encode(), nil)
		way := regexp.MustCompile(`href="([^"]*/oauth2/auth\?[^"]*)"`).FindStringSubmatch(late.Raw)
		if way == nil {
			t.Fatalf("%s: no way on: %s", path, late.Raw)
		}
		anew, err := url.Parse(html.UnescapeString(way[1]))
		if err != nil {
			t.Fatal(err)
		}
		to := stranger.do("GET", anew.RequestURI(), nil).Header.Get("Location")
		if !strings.Contains(to, "/login?flow=") || anew.Query().Get("state") != ask().Get("state") {
			t.Errorf("%s: %s leads to %s", path, anew, to)
		}
	}
	if junk := stranger.do("GET", "/login?flow=junk", nil); strings.Contains(junk.Raw, "/oauth2/auth?") {
		t.Errorf("junk can be made anew: %s", junk.Raw)
	}
}

// signInAs signs in with a browser of its own.
func (b *browser) signInAs(h *house, identifier string) answer {
	return h.browser(b.looks).signIn(identifier)
}

// TestDeviceLimit refuses a further device where the operator says so, and
// never one that is known.
func TestDeviceLimit(t *testing.T) {
	h := newHouse(t, func(c *provider.Config) {
		c.Gate.Registry.Rules.MaxPerSubject, c.Gate.Registry.Rules.Eviction = 2, devices.EvictRefuseNew
	})
	laptop, phone := h.browser(devicestest.LaptopHeaders()), h.browser(devicestest.PhoneHeaders())
	laptop.signIn(ada)
	got := phone.signIn(ada)
	thief := h.browser(devicestest.ThiefHeaders())
	h.unchanged(t, func() {
		for range 3 {
			a := thief.do("POST", "/login", url.Values{"identifier": {ada}, "password": {password}, "flow": {thief.flowFrom(t, ask())}})
			a.page(t, 403)
			if !strings.Contains(a.Raw, "the maximum number of devices") || a.entered() {
				t.Errorf("Set-Cookie %q: %s", a.Header.Get("Set-Cookie"), a.Raw)
			}
		}
	})
	h.clock.Advance(time.Second)
	laptop.code(ada, ask("prompt", "login"))
	h.must(h.gate.Registry.RevokeByOperator(t.Context(), "ada", got.str("device_id")))
	thief.signIn(ada)
}

// TestNewDevicesWithinAnHour tells who signs in on one new device after
// another when to come back, and lets a known one in.
func TestNewDevicesWithinAnHour(t *testing.T) {
	h := newHouse(t, func(c *provider.Config) { c.Gate.Registry.Rules.MaxNewPerHour = 2 })
	laptop, thief := h.browser(devicestest.LaptopHeaders()), h.browser(devicestest.ThiefHeaders())
	laptop.signIn(ada)
	h.clock.Advance(10 * time.Minute)
	thief.signInAs(h, ada)
	h.unchanged(t, func() {
		a := thief.do("POST", "/login", url.Values{"identifier": {ada}, "password": {password}, "flow": {thief.flowFrom(t, ask())}})
		a.page(t, 429)
		if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 49*60 || wait > 50*60+1 ||
			!strings.Contains(a.Raw, "Try again in 50 minutes") && !strings.Contains(a.Raw, "Try again in 51 minutes") ||
			a.entered() {
			t.Errorf("Retry-After %q, Set-Cookie %q: %s", a.Header.Get("Retry-After"), a.Header.Get("Set-Cookie"), a.Raw)
		}
	})
	laptop.code(ada, ask("prompt", "login"))
	h.clock.Advance(50 * time.Minute)
	thief.signInAs(h, ada)
}

// TestDeviceEviction is T31: whoever signs in again and again pushes out his
// own devices before the one that is in use.
func TestDeviceEviction(t *testing.T) {
	h := newHouse(t, func(c *provider.Config) { c.Gate.Registry.Rules.MaxPerSubject = 3 })
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	for range 5 {
		h.clock.Advance(time.Hour)
		got = laptop.token(refreshForm(got.str("refresh_token")))
		got.want(t, 200, "")
		h.clock.Advance(time.Minute)
		h.browser(devicestest.ThiefHeaders()).signIn(ada)
	}
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
	live := 0
	for _, d := range h.devices("ada") {
		if d.Live() {
			live++
		}
	}
	if live != 3 {
		t.Errorf("%d devices are live", live)
	}
}

// TestConsent is a client that is not the operator's own.
func TestConsent(t *testing.T) {
	h := newHouse(t)
	h.thirdParty(oauth.Client{
		ID: "third", Name: `Third <script>alert(1)</script>`, AuthMethod: "none", RedirectURIs: []string{callback},
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scope: "openid offline_access profile email",
	})
	q := func(pairs ...string) url.Values {
		return ask(append([]string{"client_id", "third", "scope", "openid profile"}, pairs...)...)
	}
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	to, a := laptop.authorize("", q("prompt", "none"))
	laptop.toClient(t, to, a, "consent_required")

	flow := laptop.flowFrom(t, q())
	shown := laptop.do("GET", "/consent?"+url.Values{"flow": {flow}}.Encode(), nil)
	shown.page(t, 200)
	for _, text := range []string{"Third &lt;script&gt;", "Know who you are", "See your name and profile", "Ada"} {
		if !strings.Contains(shown.Raw, text) {
			t.Errorf("the page does not say %q: %s", text, shown.Raw)
		}
	}
	h.unchanged(t, func() {
		for _, decision := range []string{"deny", "", "ALLOW", "yes"} {
			a := laptop.do("POST", "/consent", laptop.filled("/consent?"+url.Values{"flow": {flow}}.Encode(), decision))
			to, _ := url.Parse(a.Header.Get("Location"))
			laptop.toClient(t, to, a, "access_denied")
		}
		stranger := h.browser(devicestest.LaptopHeaders())
		for _, a := range []answer{
			stranger.do("POST", "/consent", url.Values{"flow": {flow}, "decision": {"allow"}}),
			stranger.do("GET", "/consent?"+url.Values{"flow": {flow}}.Encode(), nil),
		} {
			if !strings.HasPrefix(a.Header.Get("Location"), h.issuer+"/login?") {
				t.Errorf("a stranger gets %d %s", a.Status, a.Header.Get("Location"))
			}
		}
	})

	got := laptop.token(redeem(laptop.code(ada, q()), "client_id", "third"))
	got.want(t, 200, "")
	if list := h.query("SELECT subject, client_id, scopes FROM consents"); !slices.Equal(list, []string{`ada|third|["openid","profile"]`}) {
		t.Errorf("consents %v", list)
	}
	laptop.code("", q()) // remembered
	laptop.code("", q("prompt", "none"))
	laptop.code("", q("prompt", "none", "scope", "openid"))
	for _, pairs := range [][]string{
		{"scope", "openid profile email"}, {"scope", "openid offline_access"}, {"claims", `{"userinfo":{"email":null}}`},
		{"claims", `{"id_token":{"email#ja":null}}`},
	} {
		to, a = laptop.authorize("", q(append(pairs, "prompt", "none")...))
		laptop.toClient(t, to, a, "consent_required")
	}
	h.clock.Advance(time.Second)
	if next := laptop.do("GET", "/oauth2/auth?"+q("prompt", "consent").Encode(), nil).Header.Get("Location"); !strings.HasPrefix(next, h.issuer+"/consent?") {
		t.Errorf("asking for consent leads to %s", next)
	}
	if next := laptop.do("GET", "/oauth2/auth?"+ask("prompt", "consent").Encode(), nil).Header.Get("Location"); !strings.HasPrefix(next, h.issuer+"/consent?") {
		t.Errorf("asking the operator's own client for consent leads to %s", next)
	}
	bobs := h.browser(devicestest.LaptopHeaders())
	bobs.signIn(bob)
	to, a = bobs.authorize("", q("prompt", "none"))
	bobs.toClient(t, to, a, "consent_required")
}

// TestHosts is C15: no header changes what the server calls itself, where it
// leads, or what its cookies are for.
func TestHosts(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	// A jar gives its cookies to a host: here they go whatever it is called.
	held := sessionCookie + "=" + laptop.cookie(sessionCookie) + "; " + deviceCookie + "=" + laptop.cookie(deviceCookie)
	laptop.http.Jar = nil
	hide := regexp.MustCompile(`(flow|code)=[A-Za-z0-9_-]+|name="(flow|shown|form)" value="[^"]*"|ly_[a-z]{2}_[A-Za-z0-9_-]+|eyJ[A-Za-z0-9_.-]+|lanyard_[a-z]+=[^;]+`)
	outputs := func(edit func(*http.Request)) []string {
		stranger := h.browser(devicestest.LaptopHeaders())
		var all []string
		keep := func(a answer) answer {
			lines := []string{a.Header.Get("Location"), a.Header.Get("WWW-Authenticate"), a.Header.Get("Link"), a.Raw}
			lines = append(lines, a.Header.Values("Set-Cookie")...)
			all = append(all, hide.ReplaceAllString(strings.Join(lines, "\n"), "…"))
			return a
		}
		keep(stranger.do("GET", "/.well-known/openid-configuration", nil, edit))
		keep(stranger.do("GET", "/.well-known/oauth-authorization-server", nil, edit))
		sent := keep(stranger.do("GET", "/oauth2/auth?"+ask().Encode(), nil, edit))
		keep(stranger.do("GET", sent.Header.Get("Location"), nil, edit))
		keep(stranger.do("GET", "/oauth2/auth?"+ask("client_id", "nobody").Encode(), nil, edit))
		keep(stranger.do("GET", "/oauth2/sessions/logout", nil, edit))
		keep(stranger.do("GET", "/userinfo", nil, edit))
		mine := func(r *http.Request) { r.Header.Set("Cookie", held) }
		keep(laptop.do("GET", "/oauth2/sessions/logout", nil, mine, edit))
		code := keep(laptop.do("GET", "/oauth2/auth?"+ask().Encode(), nil, mine, edit))
		to, _ := url.Parse(code.Header.Get("Location"))
		got := laptop.token(redeem(to.Query().Get("code")), edit)
		claims, _ := claimsOf(t, got.str("id_token"))
		iss, _ := claims["iss"].(string)
		login := stranger.do("POST", "/login", url.Values{"identifier": {ada}, "password": {password}}, edit)
		keep(login)
		return append(all, iss)
	}
	want := outputs(func(*http.Request) {})
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, edit := range map[string]func(*http.Request){
		"Host":                func(r *http.Request) { r.Host = "evil.example.net" },
		"Host with a port":    func(r *http.Request) { r.Host = "127.0.0.1:1" },
		"Host of nothing":     func(r *http.Request) { r.Host = "x" },
		"X-Forwarded-Host":    set("X-Forwarded-Host", "evil.example.net"),
		"X-Forwarded-Proto":   set("X-Forwarded-Proto", "https"),
		"X-Forwarded-Port":    set("X-Forwarded-Port", "1"),
		"X-Forwarded-Prefix":  set("X-Forwarded-Prefix", "/evil"),
		"X-Forwarded-Server":  set("X-Forwarded-Server", "evil.example.net"),
		"X-Forwarded-For":     set("X-Forwarded-For", "192.0.2.66"),
		"Forwarded":           set("Forwarded", "for=192.0.2.66;host=evil.example.net;proto=https"),
		"X-Original-URL":      set("X-Original-Url", "/evil"),
		"X-Rewrite-URL":       set("X-Rewrite-Url", "/evil"),
		"X-HTTP-Method":       set("X-Http-Method-Override", "DELETE"),
		"Front-End-Https":     set("Front-End-Https", "on"),
		"a Referer":           set("Referer", "https://evil.example.net/"),
		"X-Lanyard-Something": set("X-Lanyard-Subject", "bob"),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, outputs(edit)); diff != "" {
				t.Errorf("the answers changed:\n%s", diff)
			}
		})
	}
}
