package webui_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// lostLaptop is an owner whose laptop is lost, at the list on a phone that is
// too young to act without a fresh sign-in.
func lostLaptop(t *testing.T) (phone *browser, laptop string) {
	t.Helper()
	h := newHouse(t)
	h.browser(onWindows).signIn()
	h.clock.Advance(48 * time.Hour)
	phone = h.browser(onIPhone)
	phone.signIn()
	h.clock.Advance(10 * time.Minute)
	return phone, h.devices()[0].ID
}

// live reports whether a device of Ada's is.
func (h *house) live(id string) bool {
	h.t.Helper()
	d, err := h.store.Device(h.t.Context(), "ada", id)
	if err != nil {
		h.t.Fatal(err)
	}
	return d.Live()
}

// submit sends the page's form with that action as a browser would.
func (b *browser) submit(action string, more url.Values) {
	b.t.Helper()
	_, rest, found := strings.Cut(b.page, `action="`+action+`"`)
	body, _, whole := strings.Cut(rest, "</form>")
	if !found || !whole {
		b.t.Fatalf("no form %s on %s:\n%s", action, b.at, b.page)
	}
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(body, -1) {
		form.Set(field[1], field[2])
	}
	for name, values := range more {
		form[name] = values
	}
	b.post(strings.TrimPrefix(action, b.issuer), form)
}

var hidden = regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`)

// TestAYoungDeviceActsAfterAFreshSignIn: the button leads through the sign-in
// and to what it is for, without another press.
func TestAYoungDeviceActsAfterAFreshSignIn(t *testing.T) {
	t.Run("sign out a device", func(t *testing.T) {
		phone, laptop := lostLaptop(t)
		phone.get("/devices/" + laptop + "/end")
		if !strings.Contains(phone.page, "You will be asked to sign in again") {
			t.Error("the page does not say that a sign-in comes first")
		}
		phone.submit("/devices/"+laptop+"/end", nil)
		if !phone.live(laptop) {
			t.Fatal("done without the sign-in")
		}
		phone.prove()
		phone.is("/devices/"+laptop+"/ended", http.StatusOK)
		if phone.live(laptop) {
			t.Error("the laptop is signed in")
		}
	})
	t.Run("it was not me", func(t *testing.T) {
		phone, laptop := lostLaptop(t)
		phone.get("/devices/" + laptop + "/not-me")
		phone.submit("/devices/"+laptop+"/not-me", nil)
		phone.prove()
		phone.is("/devices/"+laptop+"/ended", http.StatusOK)
		if d := phone.devices()[0]; d.RevokedReason != devices.ReasonNotMe || phone.at.Query().Get("not-me") == "" {
			t.Errorf("ended as %q, at %s", d.RevokedReason, phone.at)
		}
	})
	t.Run("all others", func(t *testing.T) {
		phone, laptop := lostLaptop(t)
		phone.get("/devices/others")
		phone.submit("/devices/others", nil)
		phone.prove()
		phone.is("/devices/others/ended", http.StatusOK)
		if phone.live(laptop) || !strings.Contains(phone.page, "One device was signed out") {
			t.Errorf("the laptop is signed in, or the receipt does not name it:\n%s", phone.page)
		}
	})
	t.Run("name and permissions", func(t *testing.T) {
		phone, laptop := lostLaptop(t)
		phone.get("/devices/" + laptop)
		phone.submit("/devices/"+laptop+"/name", url.Values{"name": {"Ada’s & Bob’s laptop"}})
		phone.prove()
		phone.is("/devices/"+laptop, http.StatusOK)
		phone.clock.Advance(10 * time.Minute)
		phone.submit("/devices/"+laptop+"/permissions", url.Values{"update": {"1"}})
		phone.prove()
		phone.is("/devices/"+laptop, http.StatusOK)
		if d := phone.devices()[0]; d.Name != "Ada’s & Bob’s laptop" || !d.CanUpdateOthers || d.CanDeleteOthers {
			t.Errorf("got %q, %v, %v", d.Name, d.CanUpdateOthers, d.CanDeleteOthers)
		}
	})
}

// TestAnActionIsOfWhoeverSentIt: signing in as somebody else, after a sign-out
// in another tab, or a second time with the same answer, does nothing.
func TestAnActionIsOfWhoeverSentIt(t *testing.T) {
	asked := func(t *testing.T) (*browser, string) {
		phone, laptop := lostLaptop(t)
		phone.get("/devices/" + laptop + "/end")
		phone.submit("/devices/"+laptop+"/end", nil)
		return phone, laptop
	}
	untouched := func(t *testing.T, b *browser, laptop, says string) {
		t.Helper()
		if !b.live(laptop) || !strings.Contains(b.page, says) {
			t.Errorf("the laptop is live: %t; at %s (%d):\n%s", b.live(laptop), b.at, b.status, b.page)
		}
	}
	t.Run("somebody else", func(t *testing.T) {
		phone, laptop := asked(t)
		hash, err := local.HashPassword("eve has another one")
		if err == nil {
			err = phone.store.CreateUser(t.Context(), oauth.User{
				Subject: "eve", Identifier: "eve", PasswordHash: hash, CreatedAt: phone.clock.Now(),
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		phone.submit(phone.issuer+"/login", url.Values{"identifier": {"eve"}, "password": {"eve has another one"}})
		untouched(t, phone, laptop, "Nothing was changed")
		phone.is("/devices/callback", http.StatusForbidden)
	})
	t.Run("signed out meanwhile", func(t *testing.T) {
		phone, laptop := asked(t)
		id, _, _ := strings.Cut(phone.session(), ".")
		if err := phone.store.EndWebSession(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		phone.prove()
		untouched(t, phone, laptop, "Nothing was changed")
	})
	t.Run("the answer again", func(t *testing.T) {
		phone, laptop := asked(t)
		var answer *url.URL
		phone.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if r.URL.Path == "/devices/callback" {
				answer = r.URL
				return http.ErrUseLastResponse
			}
			return nil
		}
		phone.prove()
		phone.client.CheckRedirect = nil
		phone.get("/devices/callback?state=guessed&code=guessed")
		untouched(t, phone, laptop, "You are not signed in")
		phone.do("GET", answer.String(), nil)
		if phone.live(laptop) {
			t.Errorf("a guess took the answer: at %s (%d)", phone.at, phone.status)
		}
		phone.do("GET", answer.String(), nil)
		if !strings.Contains(phone.page, "You are not signed in") {
			t.Errorf("the answer is good twice: at %s (%d)", phone.at, phone.status)
		}
	})
}

// TestALinkNeverActs: another site can lead an owner to a fresh sign-in, but
// not to what comes after it.
func TestALinkNeverActs(t *testing.T) {
	phone, laptop := lostLaptop(t)
	for _, link := range []string{
		"/devices/signin?fresh=1&back=%2Fdevices%2F" + laptop + "%2Fend",
		"/devices/signin?fresh=1&back=%2Fdevices%2Fothers&action=%7B%22p%22%3A%22%2Fdevices%2Fothers%22%7D",
	} {
		phone.clock.Advance(10 * time.Minute)
		phone.get(link)
		phone.prove()
		if phone.status != http.StatusOK || !phone.live(laptop) {
			t.Errorf("%s: at %s (%d), the laptop is live: %t", link, phone.at, phone.status, phone.live(laptop))
		}
	}
	// A form that was sent is forgotten when another sign-in begins.
	phone.clock.Advance(10 * time.Minute)
	phone.get("/devices/" + laptop + "/end")
	phone.submit("/devices/"+laptop+"/end", nil)
	phone.get("/devices/signin?fresh=1")
	phone.prove()
	phone.is("/devices", http.StatusOK)
	if !phone.live(laptop) {
		t.Error("a link completed the form")
	}
}
