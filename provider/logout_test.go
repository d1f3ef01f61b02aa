package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

const (
	logoutPath = "/oauth2/sessions/logout"
	goodbye    = "https://notes.example.com/goodbye"
)

// logoutHouse is a house whose client "app" may be returned to after logout.
func logoutHouse(t *testing.T) (*house, *browser, answer) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "app", PostLogout: []string{goodbye, "https://notes.example.com/bye?lang=en"}})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.token(redeem(laptop.code(ada, ask("client_id", "app")), "client_id", "app"))
	got.want(t, 200, "")
	return h, laptop, got
}

// follow sends a logout request and follows it as long as it stays here.
func (b *browser) follow(method string, form url.Values, edits ...func(*http.Request)) answer {
	b.t.Helper()
	var a answer
	if method == http.MethodPost {
		a = b.do("POST", logoutPath, form, edits...)
	} else {
		a = b.do("GET", logoutPath+"?"+form.Encode(), nil)
	}
	for range 3 {
		if next := a.Header.Get("Location"); strings.HasPrefix(next, b.issuer+"/") {
			a = b.do("GET", next, nil)
		}
	}
	return a
}

// TestLogout ends the session and returns to the client, by GET and by POST,
// from its own site and from another (RP-Initiated Logout 1.0 §2, §3).
func TestLogout(t *testing.T) {
	for name, row := range map[string]struct {
		method string
		pairs  []string
		to     string
	}{
		"by GET":                         {"GET", nil, goodbye + "?state=a+state"},
		"by POST":                        {"POST", nil, goodbye + "?state=a+state"},
		"without a state":                {"GET", []string{"state", ""}, goodbye},
		"with the client named":          {"GET", []string{"client_id", "app"}, goodbye + "?state=a+state"},
		"to an address with a query":     {"GET", []string{"post_logout_redirect_uri", "https://notes.example.com/bye?lang=en"}, "https://notes.example.com/bye?lang=en&state=a+state"},
		"to nowhere":                     {"GET", []string{"post_logout_redirect_uri", ""}, ""},
		"to nowhere, without a state":    {"POST", []string{"post_logout_redirect_uri", "", "state", ""}, ""},
		"with locales and a login":       {"GET", []string{"ui_locales", "de", "logout_hint", "ada"}, goodbye + "?state=a+state"},
		"with an ID token of a year ago": {"GET", []string{"old", "1"}, goodbye + "?state=a+state"},
	} {
		t.Run(name, func(t *testing.T) {
			h, laptop, got := logoutHouse(t)
			if row.pairs != nil && row.pairs[0] == "old" {
				h.clock.Advance(20 * time.Hour) // it expired after ten minutes
			}
			form := with(url.Values{
				"id_token_hint": {got.str("id_token")}, "post_logout_redirect_uri": {goodbye}, "state": {"a state"},
			}, row.pairs...)
			a := laptop.follow(row.method, form, func(r *http.Request) {
				// A form of another site comes without cookies.
				r.Header.Set("Origin", "https://notes.example.com")
			})
			if a.Header.Get("Location") != row.to || row.to == "" && (a.Status != 200 || !strings.Contains(a.Raw, "You are signed out")) {
				t.Errorf("%d, Location %q, want %q", a.Status, a.Header.Get("Location"), row.to)
			}
			if who := laptop.whoami(t); who != "" {
				t.Errorf("it is still %q", who)
			}
			if laptop.cookie(deviceCookie) == "" {
				t.Error("the device is forgotten with the session")
			}
			laptop.token(refreshForm(got.str("refresh_token"), "client_id", "app")).want(t, 200, "") // offline
		})
	}
}

// TestLogoutAsks sends requests that might be anybody's. The subject is asked,
// nothing is ended, and nobody is redirected (T25, C12).
func TestLogoutAsks(t *testing.T) {
	h, laptop, got := logoutHouse(t)
	bobs := h.browser(devicestest.LaptopHeaders()).signIn(bob)
	again := h.browser(devicestest.PhoneHeaders())
	elsewhere := again.token(redeem(again.code(ada, ask("client_id", "app")), "client_id", "app"))
	claims, _ := claimsOf(t, got.str("id_token"))
	for name, pairs := range map[string][]string{
		"nothing":                        {"id_token_hint", "", "post_logout_redirect_uri", "", "state", ""},
		"only a state":                   {"id_token_hint", "", "post_logout_redirect_uri", ""},
		"no hint":                        {"id_token_hint", ""},
		"no hint, but the client":        {"id_token_hint", "", "client_id", "app"},
		"a hint of somebody else":        {"id_token_hint", bobs.str("id_token")},
		"a hint of another sign-in":      {"id_token_hint", elsewhere.str("id_token")},
		"a junk hint":                    {"id_token_hint", "junk"},
		"a hint cut short":               {"id_token_hint", got.str("id_token")[:100]},
		"a hint with a flipped bit":      {"id_token_hint", flip(got.str("id_token"), 6*len(got.str("id_token"))-14)},
		"an unsigned hint":               {"id_token_hint", unsigned(claims, `{"alg":"none","typ":"JWT"}`)},
		"a hint that a stranger signed":  {"id_token_hint", newSigner("k1").sign(claims)},
		"an access token":                {"id_token_hint", got.str("access_token")},
		"another client":                 {"client_id", "notes"},
		"an unknown client":              {"client_id", "nobody"},
		"an address that is none of its": {"post_logout_redirect_uri", "https://evil.example.net"},
		"its redirect URI":               {"post_logout_redirect_uri", callback},
		"its address with a query":       {"post_logout_redirect_uri", goodbye + "?x=1"},
		"its address with a slash":       {"post_logout_redirect_uri", goodbye + "/"},
		"its address with a fragment":    {"post_logout_redirect_uri", goodbye + "#x"},
		"its address in other letters":   {"post_logout_redirect_uri", strings.ToUpper(goodbye)},
		"a script":                       {"post_logout_redirect_uri", "javascript:alert(1)"},
		"a state that is a script":       {"id_token_hint", "", "state", `"><script>alert(1)</script>`},
	} {
		form := with(url.Values{
			"id_token_hint": {got.str("id_token")}, "post_logout_redirect_uri": {goodbye}, "state": {"a state"},
		}, pairs...)
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" by "+method, func(t *testing.T) {
				h.unchanged(t, func() {
					a := laptop.follow(method, form)
					if a.page(t, 200); !strings.Contains(a.Raw, logoutPath+"/confirm") || len(a.Header.Values("Set-Cookie")) > 0 {
						t.Errorf("Set-Cookie %q: %s", a.Header.Values("Set-Cookie"), a.Raw)
					}
				})
			})
		}
	}
	if who := laptop.whoami(t); who != "ada" {
		t.Errorf("it is %q", who)
	}
	for name, form := range map[string]url.Values{
		"two states":    {"state": {"a", "b"}},
		"a NUL":         {"state": {"a\x00"}},
		"a junk flow":   {"flow": {"junk"}},
		"a wrong media": nil,
	} {
		t.Run(name, func(t *testing.T) {
			h.unchanged(t, func() {
				if form == nil {
					laptop.do("POST", logoutPath, nil, func(r *http.Request) { setBody(r, "{}", "application/json") }).page(t, 400)
					return
				}
				laptop.do("GET", logoutPath+"?"+form.Encode(), nil).page(t, 400)
			})
		})
	}
}

// TestLogoutAnswered answers the page: no, and then yes.
func TestLogoutAnswered(t *testing.T) {
	h, laptop, got := logoutHouse(t)
	form := func(pairs ...string) url.Values { return with(laptop.filled(logoutPath, "deny"), pairs...) }
	h.unchanged(t, func() {
		for _, decision := range []string{"deny", "", "ALLOW"} {
			a := laptop.do("POST", logoutPath+"/confirm", form("decision", decision))
			if a.page(t, 200); !strings.Contains(a.Raw, "still signed in") {
				t.Errorf("%q: %s", decision, a.Raw)
			}
		}
		laptop.do("GET", logoutPath+"/confirm?decision=allow", nil)
		laptop.do("POST", logoutPath+"/confirm?decision=allow", form())
	})
	a := laptop.do("POST", logoutPath+"/confirm", form("decision", "allow",
		"post_logout_redirect_uri", "https://evil.example.net", "id_token_hint", got.str("id_token")))
	if a.page(t, 200); !strings.Contains(a.Raw, "You are signed out") {
		t.Errorf("%s", a.Raw)
	}
	if who := laptop.whoami(t); who != "" {
		t.Errorf("it is still %q", who)
	}
}

// TestLogoutOfNobody says goodbye to whoever is not signed in, and lets the
// cookie be: the request may be another site's, which browsers give none.
func TestLogoutOfNobody(t *testing.T) {
	h, laptop, got := logoutHouse(t)
	stranger := h.browser(devicestest.LaptopHeaders())
	h.unchanged(t, func() {
		for _, method := range []string{"GET", "POST"} {
			a := stranger.follow(method, url.Values{"x": {"y"}})
			if a.page(t, 200); len(a.Header.Values("Set-Cookie")) > 0 {
				t.Errorf("Set-Cookie %q", a.Header.Values("Set-Cookie"))
			}
		}
		a := stranger.follow("GET", url.Values{"id_token_hint": {got.str("id_token")}, "post_logout_redirect_uri": {goodbye}})
		if a.Header.Get("Location") != goodbye {
			t.Errorf("%d %s", a.Status, a.Header.Get("Location"))
		}
	})
	if who := laptop.whoami(t); who != "ada" {
		t.Errorf("the owner is %q", who)
	}
}
