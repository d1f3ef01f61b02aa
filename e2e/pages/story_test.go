package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// TestALostPhone: Ada ends it from her laptop in two taps. Its pages and its
// tokens end at that moment. It goes the same way without scripts.
func TestALostPhone(t *testing.T) {
	browser := chromium(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			h := house.Open(t, house.SQLite, house.Setting{Key: "devices.permissions", Value: "first"})
			ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public", "--name", "Notes")
			on, in := windows(), iphone()
			on.scripts, in.scripts = scripts, scripts
			laptop, phone := open(t, browser, h, on), open(t, browser, h, in)
			laptop.signIn("/devices", ada)
			laptop.sees("Your devices", "only", "Chrome on Windows 11", "This device")
			phone.signIn("/devices", ada)
			phone.sees("2 devices", "Safari on iPhone")
			// An application on the phone holds a token.
			app := h.NewHand(notes, house.Phone())
			for _, cookie := range phone.cookies() {
				app.Browser.SetCookies(h.Issuer, []*http.Cookie{cookie})
			}
			if a, err := app.SignIn(ada, offline, nil); err != nil || a.Status != 200 {
				t.Fatal(a.Status, err)
			}
			// The phone may not end the laptop, which came first: it is offered no
			// button for it, and told the way out.
			phone.visit("/devices")
			phone.click(".card:not(.here) h2 a")
			phone.sees("Details", "This device cannot sign out other devices", "change your password", "Change password")
			phone.misses("Sign out this device")
			here, err := chromedp.Run(phone.ctx, chromedp.Location())
			phone.must(err)
			phone.visit(strings.TrimPrefix(here, h.Issuer) + "/end")
			phone.sees("This device cannot sign out other devices", "change your password")
			// She gives it a name, and ends it.
			laptop.visit("/devices/" + app.Tokens.Device)
			laptop.write("#name", "Ada’s <b>phone</b>")
			laptop.click("form[action$='/name'] button")
			laptop.sees("Ada’s <b>phone</b>", "Safari on iPhone", "Notes", "Expires")
			laptop.visit("/devices")
			laptop.click(".card:not(.here) a.button")
			laptop.sees("Sign out this device?", "Ada’s <b>phone</b>", "Used by Notes")
			laptop.click("main button.wrong")
			laptop.sees("The device was signed out", "Apps that lost access", "Notes", "All access ended immediately")
			// The phone is out, and so is the application on it.
			phone.visit("/devices")
			phone.sees("This device was signed out")
			if a, err := app.Refresh(); err != nil || a.Error() != "invalid_grant" {
				t.Errorf("the application goes on: %d %v %s", a.Status, err, a.Body)
			}
			laptop.visit("/devices")
			laptop.sees("on this device only")
		})
	}
}

// TestARefusalIsExplained: who looks sees what was refused, and why.
func TestARefusalIsExplained(t *testing.T) {
	browser := chromium(t)
	var ada *chrome
	w := newWorld(t, func(h *house.House, u house.User) {
		ada = open(t, browser, h, windows())
		ada.signIn("/devices", u)
		ada.sees("Your devices")
	})
	ada.visit("/devices")
	ada.sees("One of them needs your attention", "Unusual activity: a different operating system was used")
	ada.visit("/devices/" + w.phone.Tokens.Device)
	ada.sees("Refused.", "Access for \u2068Notes\u2069 was used from \u2068Firefox on Linux\u2069, "+
		"but belongs to \u2068Safari on iPhone\u2069.", "Used 3 times", "Access ended: a different operating system was used")
	ada.click("form[action$='/seen'] button")
	ada.misses("Needs your attention")
	ada.sees("Details")
	ada.visit("/devices/" + w.phone.Tokens.Device)
	ada.click(".history .bad .notme")
	ada.sees("This wasn’t you?", "Change password")
	ada.click("main button.wrong")
	ada.sees("The device was signed out", "Corner Shop", "May still work until", "Does someone else know your password?")
	ada.click("main .doubt a.button")
	ada.write("#password", "a new lanyard for Ada")
	ada.write("#again", "a new lanyard for Eve")
	ada.click("main form button")
	ada.sees("The passwords do not match")
	ada.write("#password", "a new lanyard for Ada")
	ada.write("#again", "a new lanyard for Ada")
	ada.click("main form button")
	ada.sees("Your password was changed", "signed out")
	if a, err := w.other.Refresh(); err != nil || a.Error() != "invalid_grant" {
		t.Errorf("the tablet goes on after a new password: %d %v", a.Status, err)
	}
	// The list says so, then goodbye.
	ada.visit("/devices")
	ada.sees("You are signed in on this device only")
	ada.misses("Chrome on Android")
	ada.click("header form button")
	ada.sees("You are signed out")
	ada.do(chromedp.NavigateBack())
	ada.sees("Sign in", "Password")
	if strings.Contains(ada.text(), "Chrome on Android") {
		t.Error("the list is there after signing out")
	}
	w.ada.Password = "a new lanyard for Ada"
	ada.prove(w.ada)
	ada.sees("Sign out")
}

// TestItWasNotMeHere: who finds something on the device at hand ends it, and
// comes to a new password by two buttons and a sign-in.
func TestItWasNotMeHere(t *testing.T) {
	browser := chromium(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			h := house.Open(t, house.SQLite)
			ada := h.User("ada@example.com")
			on := windows()
			on.scripts = scripts
			laptop := open(t, browser, h, on)
			laptop.signIn("/devices", ada)
			laptop.sees("Your devices")
			laptop.click(".card.here h2 a")
			laptop.sees("Activity", "First sign-in")
			laptop.click(".history .notme")
			laptop.sees("This wasn’t you?", "you will be signed out")
			laptop.click("main button.wrong")
			laptop.sees("The device was signed out", "Does someone else know your password?", "Change password")
			laptop.click("main a.button")
			laptop.prove(ada)
			laptop.sees("At least 12 characters", "Sign out")
			laptop.write("#password", "a new lanyard for Ada")
			laptop.write("#again", "a new lanyard for Ada")
			laptop.click("main form button")
			laptop.sees("Your password was changed")
			laptop.visit("/devices?ended=1")
			laptop.sees("Signed out: you reported that it wasn’t you")
		})
	}
}

// TestBackAndTwice: a form that is sent twice ends a device once, and who goes
// back does not find it alive.
func TestBackAndTwice(t *testing.T) {
	browser := chromium(t)
	h := house.Open(t, house.SQLite)
	ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public")
	laptop := open(t, browser, h, windows())
	laptop.signIn("/devices", ada)
	laptop.sees("on this device only")
	hand := h.NewHand(notes, house.Phone())
	if a, err := hand.SignIn(ada, offline, nil); err != nil || a.Status != 200 {
		t.Fatal(a.Status, err)
	}
	laptop.visit("/devices")
	laptop.click(".card:not(.here) a.button")
	laptop.sees("Sign out this device?")
	evaluate[bool](laptop, `[1, 2].forEach(() => document.querySelector("main button.wrong").click()) === undefined`)
	laptop.sees("The device was signed out", "All access ended immediately")
	for _, want := range []string{"by you, from another device", "on this device only"} {
		evaluate[bool](laptop, `history.back() === undefined`)
		laptop.sees(want)
	}
}

// TestTimesAreReadWithoutScripts: each of them is told both ways, and in a
// form for machines.
func TestTimesAreReadWithoutScripts(t *testing.T) {
	browser := chromium(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			h := house.Open(t, house.SQLite)
			ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public", "--name", "Notes")
			on := windows()
			on.scripts = scripts
			laptop := open(t, browser, h, on)
			laptop.signIn("/devices", ada)
			laptop.sees("Your devices", "just now (")
			hand := h.NewHand(notes, house.Phone())
			if a, err := hand.SignIn(ada, offline, nil); err != nil || a.Status != 200 {
				t.Fatal(a.Status, err)
			}
			laptop.visit("/devices/" + hand.Tokens.Device)
			laptop.sees("Expires ", "(in 89 days)")
			words := evaluate[[]string](laptop, `[...document.querySelectorAll("time")].map(t => t.dateTime + " " + t.textContent)`)
			if len(words) < 6 {
				t.Errorf("times %q", words)
			}
			for _, text := range words {
				// With scripts they are in the reader's zone, which needs no name.
				if strings.Contains(text, "UTC") == scripts || !strings.Contains(text, ", ") || !strings.Contains(text[:20], "T") {
					t.Errorf("a time says %q", text)
				}
			}
		})
	}
}

// TestWithTheKeyboardAlone: everything can be reached and seen with it.
func TestWithTheKeyboardAlone(t *testing.T) {
	browser := chromium(t)
	h := house.Open(t, house.SQLite)
	ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public")
	laptop := open(t, browser, h, windows())
	laptop.signIn("/devices", ada)
	laptop.sees("Your devices")
	hand := h.NewHand(notes, house.Phone())
	if a, err := hand.SignIn(ada, offline, nil); err != nil || a.Status != 200 {
		t.Fatal(a.Status, err)
	}
	laptop.visit("/devices")
	laptop.tab("Sign out Safari on iPhone")
	laptop.do(chromedp.KeyEvent(kb.Enter))
	laptop.sees("Sign out this device?")
	laptop.tab("Sign out this device")
	laptop.do(chromedp.KeyEvent(kb.Enter))
	laptop.sees("The device was signed out")
	if a, err := hand.Refresh(); err != nil || a.Error() != "invalid_grant" {
		t.Errorf("the phone goes on: %d %v", a.Status, err)
	}
}

// tab goes on with the keyboard until something of that name has the focus,
// which must show.
func (c *chrome) tab(name string) {
	c.t.Helper()
	var seen []string
	for range 60 {
		c.do(chromedp.KeyEvent(kb.Tab))
		text := evaluate[string](c, `document.activeElement.textContent.replace(/\s+/g, " ").trim()`)
		seen = append(seen, text)
		if width := evaluate[string](c, `getComputedStyle(document.activeElement).outlineStyle`); width == "none" {
			c.t.Errorf("the focus does not show on %q", text)
		}
		if text == name {
			return
		}
	}
	c.t.Fatalf("%q has no place among %q", name, seen)
}

// TestHostileTextStaysText: scripts in names and headers are shown, not run.
func TestHostileTextStaysText(t *testing.T) {
	const evil = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`
	browser := chromium(t)
	h := house.Open(t, house.SQLite)
	ada, notes := h.User("ada@example.com", "--name", evil), h.Client("--id", "notes", "--public", "--name", evil)
	laptop := open(t, browser, h, windows())
	laptop.signIn("/devices?ui_locales=%3Cscript%3E", ada)
	laptop.sees("Your devices", evil)
	looks := house.Phone()
	looks.Set("User-Agent", "Mozilla/5.0 (Linux; Android 14; "+evil+") Chrome/142.0.0.0 "+evil)
	hand := h.NewHand(notes, looks)
	if a, err := hand.SignIn(ada, offline, nil); err != nil || a.Status != 200 {
		t.Fatal(a.Status, err)
	}
	device := "/devices/" + hand.Tokens.Device
	laptop.visit(device)
	named := evil + " of mine" // as nothing else on the page, so that the answer is waited for
	laptop.write("#name", named)
	laptop.click("form[action$='/name'] button")
	laptop.sees("Details", named)
	for _, path := range []string{"/devices", device, device + "/end", "/devices/others", device + "?after=" + url.QueryEscape(evil)} {
		laptop.visit(path)
		laptop.sees(evil)
		if evaluate[bool](laptop, `"pwned" in window || document.querySelector("main img, main script") !== null`) {
			t.Errorf("%s: it was not kept as text", path)
		}
	}
}
