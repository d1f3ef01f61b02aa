package bridge_test

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// ring is a device cookie of somebody who signed in here with another account.
func ring(n byte) *http.Cookie {
	raw := make([]byte, 32)
	raw[0] = n
	return &http.Cookie{Name: "lanyard_device", Value: base64.RawURLEncoding.EncodeToString(raw)}
}

// A page of another site can send a browser anywhere, with challenges that its
// author was given in a browser of their own, marked for that one.
func TestChallengesOfAnotherBrowserChangeNothingHere(t *testing.T) {
	h := open(t)
	victim := []*http.Cookie{ring(1), h.begin()}
	theirs := h.begin()
	for range 5 {
		for _, path := range []string{"/bridge/login?login_challenge=abc", "/bridge/consent?consent_challenge=c"} {
			for name, cookies := range map[string][]*http.Cookie{"one that began a sign-in": victim, "one that did not": victim[:1], "a new one": nil} {
				answer := h.visit(http.MethodGet, path, cookies...)
				if c := cookie(answer); c != nil {
					t.Errorf("%s: %s sets the device cookie to %q", name, path, c.Value)
				}
				if to := answer.Header.Get("Location"); to == consented {
					t.Errorf("%s: %s gives consent", name, path)
				}
			}
		}
	}
	if list, err := h.store.Devices(t.Context(), "ada"); err != nil || len(list) != 0 || h.accepted != "" {
		t.Errorf("devices: %+v (%v), accepted on %q", list, err, h.accepted)
	}
	// In the browser that they were made in they are good.
	h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", theirs), consented)
}

// A sign-in that was begun without the bridge's login page is repeated from its
// consent page, with a demand for another: nothing tells who signed in.
func TestConsentRepeatsWhatWasBegunElsewhere(t *testing.T) {
	h := open(t)
	answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", ring(1))
	mine := named(answer, "lanyard_bridge")
	if to := answer.Header.Get("Location"); mine == nil || !strings.HasPrefix(to, asked+"&prompt=login&lanyard_browser=") {
		t.Fatalf("%d to %q", answer.StatusCode, to)
	}
	answer = h.proves(answer, ring(1), mine)
	h.leads(answer, consented)
	if c := cookie(answer); c == nil || !strings.HasSuffix(c.Value, "."+ring(1).Value) {
		t.Errorf("the ring is %v", c)
	}
}

// looks is a device of Ada's that Kratos' hook met without a cookie.
func (h *house) looks() string {
	h.t.Helper()
	seen := devicestest.Returns(devicestest.Laptop("ada"))
	seen.Proof.CookieHashes = nil
	met, err := h.registry.EnrollHeld(h.t.Context(), "ada", seen, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return met.Device.ID
}

func (h *house) ties(subject, device string) {
	h.t.Helper()
	tie := devices.Tie{Kind: devices.TieHydraLogin, Ref: h.sid, Subject: subject, DeviceID: device, At: h.clock.Now()}
	if err := h.store.PutTie(h.t.Context(), tie); err != nil {
		h.t.Fatal(err)
	}
}

// If Hydra leads straight to Kratos, the hook alone says that somebody signed
// in; without it, there is no going round for ever.
func TestLoginsThatTheBridgeDoesNotSee(t *testing.T) {
	for _, hook := range []bool{true, false} {
		h := open(t)
		device := h.looks()
		answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c")
		mine := named(answer, "lanyard_bridge")
		h.clock.Advance(time.Second)
		h.request, h.sid = answer.Header.Get("Location"), rand.Text()
		if hook {
			h.ties("ada", device)
		}
		answer = h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine)
		if hook {
			h.leads(answer, consented)
		}
		if (h.accepted == device) != hook || (h.rejected == "login_required") == hook || (cookie(answer) != nil) != hook {
			t.Errorf("hook %v: accepted on %q, rejected with %q, sets %v", hook, h.accepted, h.rejected, answer.Cookies())
		}
	}
}

// A copy of a session at Hydra makes no device of another browser: Hydra skips
// the sign-in, so nobody has proved anything there. What the request's URL
// demands, Hydra did not see if its body said otherwise.
func TestCopiedSessionsEnrollNothing(t *testing.T) {
	for name, belongs := range map[string]func(*house){
		"to the owner's browser": func(h *house) {
			h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", h.begin()), consented)
		},
		"to nobody":                  func(h *house) { h.looks() },
		"to a device without cookie": func(h *house) { h.ties("ada", h.looks()) },
		"to somebody else":           func(h *house) { h.looks(); h.ties("mallory", "hers") },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			belongs(h)
			copied := h.sid
			before, _ := h.store.Tie(t.Context(), devices.TieHydraLogin, copied)
			h.clock.Advance(time.Second)
			for request, repeats := range map[string]bool{
				asked: true, asked + "&prompt=consent": true, asked + "&prompt=&prompt=login": true,
				asked + "&prompt=login": false, asked + "&prompt=login%0A": false, asked + "&prompt=none": false,
			} {
				h.accepted, h.rejected = "", ""
				mine := h.begin() // the mark, and the note for another sign-in, are the thief's own
				_, mark, _ := strings.Cut(h.request, "lanyard_browser=")
				h.request, h.sid, h.skip = request+"&lanyard_browser="+mark, copied, true
				if c := cookie(h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine)); c != nil {
					t.Errorf("%s: the login gives %v", request, c)
				}
				answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine)
				to, err := url.Parse(answer.Header.Get("Location"))
				if err != nil || slices.Contains(strings.Fields(to.Query().Get("prompt")), "login") != repeats || cookie(answer) != nil {
					t.Errorf("%s: leads to %q, sets %v", request, to, answer.Cookies())
				}
				if (h.rejected == "login_required") == repeats {
					t.Errorf("%s: rejected with %q", request, h.rejected)
				}
				if list, err := h.store.Devices(t.Context(), "ada"); err != nil || len(list) != 1 || h.accepted != "" {
					t.Errorf("%s: devices %+v (%v), accepted on %q", request, list, err, h.accepted)
				}
				h.skip = false
			}
			if tie, _ := h.store.Tie(t.Context(), devices.TieHydraLogin, copied); tie != before {
				t.Errorf("tied: %+v, before: %+v", tie, before)
			}
		})
	}
}

// A note is good in the browser that got it, for its login session, for an hour.
func TestNotesOfSignIns(t *testing.T) {
	h := open(t)
	mine := h.begin()
	request, sid := h.request, h.sid
	note := h.notes[mine.Value]
	if note == nil || !note.HttpOnly || note.SameSite != http.SameSiteLaxMode || note.Path != "/" || note.Domain != "" || note.MaxAge != 0 {
		t.Fatalf("the cookie is %+v", note)
	}
	rejects := func(name string, cookies ...*http.Cookie) {
		t.Helper()
		if answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", cookies...); cookie(answer) != nil || h.accepted != "" {
			t.Errorf("%s: the browser is let in: %v", name, answer.Cookies())
		}
	}
	delete(h.notes, mine.Value)
	rejects("none", mine)
	rejects("two cookies", mine, note, note)
	other := h.begin()
	h.sid = sid
	rejects("of another browser", other)
	delete(h.notes, other.Value)
	rejects("copied into another browser", other, note)
	// Four tabs at once, but no more.
	h.notes[mine.Value] = note
	h.request = request
	for range 4 {
		h.sid = rand.Text()
		h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine)
	}
	if n := strings.Count(h.notes[mine.Value].Value, ".") + 1; n != 4 {
		t.Errorf("%d notes", n)
	}
	h.sid = sid
	rejects("the fifth", mine)
	h.notes[mine.Value] = note
	h.clock.Advance(time.Hour - time.Second)
	h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine), consented)
}

// A browser whose cookie is known needs no mark, and its cookie stays as it is.
func TestAKnownBrowserIsNotSentRound(t *testing.T) {
	h := open(t)
	c := cookie(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", h.begin()))
	first := h.accepted
	h.request = asked
	answer := h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", c)
	h.leads(answer, consented)
	if h.accepted != first || len(answer.Cookies()) > 0 {
		t.Errorf("on %q, want %q; sets %v", h.accepted, first, answer.Cookies())
	}
}

func TestTheCookieOfTheBridge(t *testing.T) {
	h := open(t)
	mine := h.begin()
	if raw, err := base64.RawURLEncoding.DecodeString(mine.Value); err != nil || len(raw) != 32 || !mine.HttpOnly ||
		mine.SameSite != http.SameSiteLaxMode || mine.Path != "/" || mine.Domain != "" || mine.MaxAge != 0 {
		t.Errorf("the cookie is %+v", mine)
	}
	// Two tabs and a foreign page leave it as it is.
	if again := h.begin(mine); again.Value != mine.Value {
		t.Error("a second sign-in in the browser has another cookie")
	}
	kept := h.request
	h.request = asked + "&lanyard_browser=junk&lanyard_browser=" + strings.Repeat("A", 4000)
	answer := h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine)
	if to := answer.Header.Get("Location"); len(answer.Cookies()) > 0 || strings.Count(to, "lanyard_browser=") != 1 {
		t.Errorf("a planted mark: to %q, sets %v", to, answer.Cookies())
	}
	// Two marks, two cookies, and one that is no secret are no proof.
	planted := []*http.Cookie{mine, {Name: mine.Name, Value: mine.Value[:42] + "A"}}
	for name, cookies := range map[string][]*http.Cookie{
		"two marks": {mine}, "two cookies": planted, "junk": {{Name: mine.Name, Value: "junk"}}, "another": {{Name: mine.Name, Value: ring(9).Value}},
	} {
		if h.request = kept; name == "two marks" {
			h.request += "&lanyard_browser=junk"
		}
		if c := cookie(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", cookies...)); c != nil {
			t.Errorf("%s: the device cookie is set", name)
		}
	}
}

// A mark is good for an hour; then the browser gets another.
func TestAMarkGrowsOld(t *testing.T) {
	h := open(t)
	mine := h.begin()
	old := h.request
	h.clock.Advance(time.Hour - time.Second)
	h.leads(h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine), "https://kratos.example.com/self-service/login/browser?login_challenge=abc")
	h.clock.Advance(time.Second)
	answer := h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", mine)
	to := answer.Header.Get("Location")
	if to == old || !strings.HasPrefix(to, asked+"&prompt=login&lanyard_browser=") || cookie(answer) != nil {
		t.Errorf("an old mark: to %q", to)
	}
	h.request = to
	h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c", mine), consented)
}

// A browser that keeps no cookies is told so by its client, and not sent round
// for ever. Nor is a sign-in for a device without a browser, whose user code is
// spent.
func TestBrowsersThatCannotProveIt(t *testing.T) {
	for name, request := range map[string]string{
		"no cookies": asked + "&lanyard_browser=x", "RFC 8628": "https://auth.example.com/oauth2/device/verify?client_id=client",
		"no request": "",
	} {
		h := open(t)
		h.request = request
		h.leads(h.visit(http.MethodGet, "/bridge/login?login_challenge=abc"),
			"https://kratos.example.com/self-service/login/browser?login_challenge=abc")
		h.leads(h.visit(http.MethodGet, "/bridge/consent?consent_challenge=c"), "https://auth.example.com/oauth2/auth?error=e")
		if h.rejected != "interaction_required" || h.accepted != "" {
			t.Errorf("%s: rejected with %q, accepted on %q", name, h.rejected, h.accepted)
		}
	}
}

// What the client asked for is repeated as it wrote it.
func TestTheRequestIsRepeatedAsItWas(t *testing.T) {
	h := open(t)
	for _, request := range []string{
		asked, "https://auth.example.com/oauth2/auth?a=b;c&x&x&y=%zz&=z", "https://auth.example.com/oauth2/auth",
	} {
		h.request = request
		to := h.visit(http.MethodGet, "/bridge/login?login_challenge=abc", ring(1)).Header.Get("Location")
		before, mark, _ := strings.Cut(to, "lanyard_browser=")
		if strings.TrimRight(before, "?&") != request || mark == "" || url.QueryEscape(mark) != mark {
			t.Errorf("%q is repeated as %q", request, to)
		}
	}
}

func TestHydraIsAskedAboutTheLogin(t *testing.T) {
	h := open(t)
	h.status = http.StatusBadGateway
	answer := h.visit(http.MethodGet, "/bridge/login?login_challenge=abc")
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || len(answer.Cookies()) > 0 {
		t.Errorf("%d, sets %v", answer.StatusCode, answer.Cookies())
	}
}
