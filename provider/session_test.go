package provider_test

import (
	"encoding/base64"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
)

const (
	sessionCookie = "lanyard_session"
	deviceCookie  = "lanyard_device"
)

// cookie returns a cookie that a browser holds, or nothing.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.issuer) // it is one
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// holding makes the browser hold exactly these cookies, by name and value.
func (b *browser) holding(pairs ...string) *browser {
	u, _ := url.Parse(b.issuer)        // it is one
	b.http.Jar, _ = cookiejar.New(nil) // fails only with options
	for i := 0; i < len(pairs); i += 2 {
		b.http.Jar.SetCookies(u, []*http.Cookie{{Name: pairs[i], Value: pairs[i+1], Path: "/"}})
	}
	return b
}

// whoami returns who is signed in with the browser, or nobody.
func (b *browser) whoami(t *testing.T) string {
	t.Helper()
	to, _ := b.authorize("", ask("prompt", "none"))
	code := to.Query().Get("code")
	if code == "" {
		if got := to.Query().Get("error"); got != "login_required" {
			t.Errorf("went to %s", to)
		}
		return ""
	}
	claims, _ := claimsOf(t, b.token(redeem(code)).str("id_token"))
	sub, _ := claims["sub"].(string)
	return sub
}

// TestLoginAcrossOrigins posts the pages' forms from other sites (login CSRF,
// T16 and C12): nothing comes of it.
func TestLoginAcrossOrigins(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	stranger := h.browser(devicestest.LaptopHeaders())
	from := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	login := url.Values{"identifier": {bob}, "password": {password}}
	for name, edit := range map[string]func(*http.Request){
		"another site":                 from("Sec-Fetch-Site", "cross-site"),
		"another host of the site":     from("Sec-Fetch-Site", "same-site"),
		"another origin":               from("Origin", "https://evil.example.net"),
		"no origin that it tells":      from("Origin", "null"),
		"another port":                 from("Origin", "http://127.0.0.1:1"),
		"a longer host":                from("Origin", h.issuer+".evil.example.net"),
		"a header that makes no sense": from("Sec-Fetch-Site", "none of your business"),
	} {
		t.Run(name, func(t *testing.T) {
			h.unchanged(t, func() {
				for path, form := range map[string]url.Values{
					"/login": login, "/consent": {"decision": {"allow"}, "flow": {"x"}},
					"/oauth2/sessions/logout/confirm": {"decision": {"allow"}},
				} {
					for _, b := range []*browser{stranger, laptop} {
						if a := b.do("POST", path, form, edit); a.Status != 403 || a.Header.Get("Set-Cookie") != "" ||
							!strings.Contains(a.Raw, "The form was sent from another website") {
							t.Errorf("%s: %d, Set-Cookie %q", path, a.Status, a.Header.Get("Set-Cookie"))
						}
					}
				}
			})
		})
	}
	if who := laptop.whoami(t); who != "ada" {
		t.Errorf("the laptop is %q's", who)
	}
	for name, edit := range map[string]func(*http.Request){
		"its own page":   from("Sec-Fetch-Site", "same-origin"),
		"its own origin": from("Origin", h.issuer),
		"its own origin, behind a proxy": func(r *http.Request) {
			r.Host = "10.0.0.5:4477"
			r.Header.Set("Origin", h.issuer)
		},
		"a command line": func(*http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			h.browser(devicestest.LaptopHeaders()).do("POST", "/login", login, edit).want(t, 200, "")
		})
	}
	t.Run("by GET", func(t *testing.T) {
		h.unchanged(t, func() {
			a := stranger.do("GET", "/login?"+login.Encode(), nil)
			if a.Status != 200 || a.entered() {
				t.Errorf("%d, Set-Cookie %q", a.Status, a.Header.Get("Set-Cookie"))
			}
			stranger.do("POST", "/login?"+login.Encode(), url.Values{"x": {"y"}}).page(t, 401)
		})
	})
}

// TestSessionFixation plants session cookies before a sign-in (T14 and C11):
// none is adopted, and a known one has another secret afterwards.
func TestSessionFixation(t *testing.T) {
	h := newHouse(t)
	thief := h.browser(devicestest.LaptopHeaders())
	thief.signIn(bob)
	thiefs, thiefsDevice := thief.cookie(sessionCookie), thief.cookie(deviceCookie)
	random := newID() + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for name, planted := range map[string][]string{
		"nothing":                       {},
		"a random one":                  {sessionCookie, random},
		"junk":                          {sessionCookie, "junk"},
		"the thief's own":               {sessionCookie, thiefs},
		"the thief's own, and device's": {sessionCookie, thiefs, deviceCookie, thiefsDevice},
	} {
		t.Run(name, func(t *testing.T) {
			victim := h.browser(devicestest.LaptopHeaders()).holding(planted...)
			h.clock.Advance(time.Second)
			got := victim.token(redeem(victim.code(ada, ask("prompt", "login"))))
			now := victim.cookie(sessionCookie)
			id, _, _ := strings.Cut(now, ".")
			if len(planted) > 0 && (now == planted[1] || strings.HasPrefix(planted[1], id)) {
				t.Errorf("a planted session was adopted: %s", now)
			}
			if victim.cookie(deviceCookie) == thiefsDevice {
				t.Error("the victim has the thief's device cookie, and no other")
			}
			if d := h.devices("bob")[0]; d.ID == got.str("device_id") {
				t.Error("the victim's tokens are bound to the thief's device")
			}
			if who := h.browser(devicestest.LaptopHeaders()).holding(planted...).whoami(t); who == "ada" {
				t.Error("the planted cookies are the victim's session")
			}
			if who := victim.whoami(t); who != "ada" {
				t.Errorf("the victim is %q", who)
			}
		})
	}
	t.Run("signing in again", func(t *testing.T) {
		laptop := h.browser(devicestest.LaptopHeaders())
		laptop.signIn(ada)
		before, device := laptop.cookie(sessionCookie), laptop.cookie(deviceCookie)
		h.clock.Advance(time.Second)
		laptop.code(ada, ask("prompt", "login"))
		if laptop.cookie(sessionCookie) == before || laptop.cookie(deviceCookie) != device {
			t.Error("the session has its old secret, or the device a new one")
		}
		old := h.browser(devicestest.LaptopHeaders()).holding(sessionCookie, before, deviceCookie, device)
		if who := old.whoami(t); who != "" {
			t.Errorf("the old secret is still %q", who)
		}
	})
}

// TestTwoSubjects is C3: two people sign in with one browser, one after the
// other. Nothing of the first is left for the second.
func TestTwoSubjects(t *testing.T) {
	for _, row := range []string{"signing out between", "without signing out"} {
		t.Run(row, func(t *testing.T) {
			h := newHouse(t)
			family := h.browser(devicestest.LaptopHeaders())
			adas := family.signIn(ada)
			online := family.token(redeem(family.code("", ask("scope", "openid"))))
			pending := family.code("", ask())
			adasSession := family.cookie(sessionCookie)
			if row == "signing out between" {
				family.signOut().want(t, 200, "")
				if who := family.whoami(t); who != "" {
					t.Errorf("after signing out it is %q", who)
				}
			}
			h.clock.Advance(time.Second)
			bobs := family.token(redeem(family.code(bob, ask("prompt", "login"))))
			claims, _ := claimsOf(t, bobs.str("id_token"))
			if claims["sub"] != "bob" || bobs.str("sid") == adas.str("sid") || bobs.str("device_id") == adas.str("device_id") {
				t.Errorf("bob's ID token says %v", claims)
			}
			if who := family.whoami(t); who != "bob" {
				t.Errorf("the browser is %q's", who)
			}
			old := h.browser(devicestest.LaptopHeaders()).holding(sessionCookie, adasSession, deviceCookie, family.cookie(deviceCookie))
			if who := old.whoami(t); who != "" {
				t.Errorf("the first session is still %q's", who)
			}
			family.token(redeem(pending)).refused(t, 400, "invalid_grant")
			family.userinfo(online.str("access_token")).want(t, 401, "invalid_token")
			family.token(refreshForm(bobs.str("refresh_token"))).want(t, 200, "")
			// What she let be offline is hers until she ends it, on her device.
			again := family.token(refreshForm(adas.str("refresh_token")))
			if again.want(t, 200, ""); again.str("device_id") != adas.str("device_id") {
				t.Errorf("her grant is on %s", again.str("device_id"))
			}
			h.clock.Advance(time.Second)
			back := family.token(redeem(family.code(ada, ask("prompt", "login"))))
			if back.str("device_id") != adas.str("device_id") || len(h.devices("ada")) != 1 {
				t.Error("her device is not recognised in the shared browser")
			}
		})
	}
}

// TestStolenSession carries the session cookie off. Without the device cookie
// it is nobody's, and the owner's session lives on.
func TestStolenSession(t *testing.T) {
	for name, row := range map[string]struct {
		looks  http.Header
		device func(b *browser) []string
		passes bool
	}{
		"without the device cookie":                               {devicestest.LaptopHeaders(), func(*browser) []string { return nil }, false},
		"with another device cookie":                              {devicestest.LaptopHeaders(), func(*browser) []string { return []string{deviceCookie, secretText()} }, false},
		"with a damaged device cookie":                            {devicestest.LaptopHeaders(), func(b *browser) []string { return []string{deviceCookie, b.cookie(deviceCookie)[1:]} }, false},
		"with both, and other looks":                              {devicestest.ThiefHeaders(), func(b *browser) []string { return []string{deviceCookie, b.cookie(deviceCookie)} }, false},
		"with both, and the same looks, as T1 and T2 cannot tell": {devicestest.LaptopHeaders(), func(b *browser) []string { return []string{deviceCookie, b.cookie(deviceCookie)} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			laptop := h.browser(devicestest.LaptopHeaders())
			got := laptop.signIn(ada)
			held := append([]string{sessionCookie, laptop.cookie(sessionCookie)}, row.device(laptop)...)
			who := h.browser(row.looks).holding(held...).whoami(t)
			if (who == "ada") != row.passes {
				t.Errorf("whoever brings it is %q", who)
			}
			if mine := laptop.whoami(t); mine != "ada" {
				t.Errorf("the owner is %q", mine)
			}
			laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
			told := h.events(got.str("device_id"))
			if hijack := strings.Contains(strings.Join(told, " "), "session.hijack_suspected"); hijack == row.passes {
				t.Errorf("told %v", told)
			}
		})
	}
}

func secretText() string {
	return base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
}

// TestBadCookies is C21: a cookie that is not as it should be is none.
func TestBadCookies(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.signIn(ada)
	session, device := laptop.cookie(sessionCookie), laptop.cookie(deviceCookie)
	id, secret, _ := strings.Cut(session, ".")
	stranger := h.browser(devicestest.LaptopHeaders())
	whoami := func(cookies ...string) string {
		a := stranger.do("GET", "/oauth2/auth?"+ask("prompt", "none").Encode(), nil, func(r *http.Request) {
			r.Header["Cookie"] = cookies
		})
		to, _ := url.Parse(a.Header.Get("Location"))
		if a.Status != http.StatusSeeOther || to.Query().Get("code") == "" && to.Query().Get("error") != "login_required" {
			t.Errorf("%v: %d %s %s", cookies, a.Status, to, a.Raw)
		}
		return to.Query().Get("code")
	}
	if whoami(sessionCookie+"="+session+"; "+deviceCookie+"="+device) == "" {
		t.Fatal("the cookies themselves are not accepted")
	}
	h.unchanged(t, func() {
		for name, cookie := range map[string]string{
			"empty":                 "",
			"no secret":             id,
			"an empty secret":       id + ".",
			"no name":               "." + secret,
			"an unknown name":       newID() + "." + secret,
			"a short secret":        id + "." + secret[:42],
			"a long secret":         id + "." + secret + "AA",
			"a padded secret":       id + "." + secret + "=",
			"another secret":        id + "." + flip(secret, 7),
			"a second spelling":     id + "." + flip(secret, 6*43-1),
			"a name with a percent": "%" + id + "." + secret,
			"a quote":               `"` + session,
			"three parts":           session + "." + secret,
			"SQL":                   id + "' OR '1'='1." + secret,
			"8 kB":                  strings.Repeat("A", 8<<10),
			"the hash":              id + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
		} {
			if whoami(sessionCookie+"="+cookie+"; "+deviceCookie+"="+device) != "" {
				t.Errorf("%s is a session", name)
			}
		}
		for name, cookies := range map[string][]string{
			"twice":                {sessionCookie + "=" + session, sessionCookie + "=" + session, deviceCookie + "=" + device},
			"twice in a line":      {sessionCookie + "=" + session + "; " + sessionCookie + "=junk; " + deviceCookie + "=" + device},
			"by the name over TLS": {"__Host-" + sessionCookie + "=" + session + "; " + deviceCookie + "=" + device},
			"in upper case":        {strings.ToUpper(sessionCookie) + "=" + session + "; " + deviceCookie + "=" + device},
		} {
			if whoami(cookies...) != "" {
				t.Errorf("%s is a session", name)
			}
		}
	})
	for name, bad := range map[string]string{
		"empty": "", "junk": "junk", "twice": device + "; " + deviceCookie + "=" + device, "short": device[:42],
		"long": device + "AA", "dots": "....", "6 secrets": strings.Repeat(device+".", 5) + device, "8 kB": strings.Repeat("A", 8<<10),
	} {
		if whoami(sessionCookie+"="+session+"; "+deviceCookie+"="+bad) != "" {
			t.Errorf("a device cookie that is %s is a device", name)
		}
	}
	if who := laptop.whoami(t); who != "ada" {
		t.Errorf("the owner is %q", who)
	}
}

// TestSessionEnds ends sessions in every way there is.
func TestSessionEnds(t *testing.T) {
	for name, end := range map[string]func(h *house, b *browser, got answer){
		"a day idle": func(h *house, _ *browser, _ answer) { h.clock.Advance(24 * time.Hour) },
		"30 days": func(h *house, b *browser, _ answer) {
			for range 40 {
				h.clock.Advance(18 * time.Hour)
				b.do("GET", "/oauth2/auth?"+ask().Encode(), nil)
			}
		},
		"the device was ended": func(h *house, _ *browser, got answer) {
			h.must(h.gate.Registry.RevokeByOperator(h.t.Context(), "ada", got.str("device_id")))
		},
		"the subject was disabled": func(h *house, _ *browser, _ answer) { h.disable("ada", true) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			laptop := h.browser(devicestest.LaptopHeaders())
			got := laptop.signIn(ada)
			h.clock.Advance(23 * time.Hour)
			if who := laptop.whoami(t); who != "ada" {
				t.Fatalf("23 hours later it is %q", who)
			}
			end(h, laptop, got)
			if who := laptop.whoami(t); who != "" {
				t.Errorf("it is still %q", who)
			}
		})
	}
}

// TestCookieAttributes looks at the cookies of a server behind TLS.
func TestCookieAttributes(t *testing.T) {
	h := newHouse(t, func(c *provider.Config) { c.Issuer = "https://id.example.com" })
	laptop := h.browser(devicestest.LaptopHeaders())
	a := laptop.do("POST", "/login", url.Values{"identifier": {ada}, "password": {password}})
	found := map[string]bool{}
	for _, line := range a.Header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		found[c.Name] = true
		if c.Name == deviceCookie {
			continue // the observer is told on its own whether it is behind TLS
		}
		if c.Name != "__Host-lanyard_session" && c.Name != "__Host-lanyard_signin" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" ||
			c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 {
			t.Errorf("Set-Cookie %s", line)
		}
	}
	if len(found) != 3 || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("cookies %v, Cache-Control %q", found, a.Header.Get("Cache-Control"))
	}
}
