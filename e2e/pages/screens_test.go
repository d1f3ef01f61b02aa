package pages_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/e2e/house"
)

var screens = flag.String("screens", "", "write a picture of every page into this directory")

// shot is a page to look at.
type shot struct {
	name, path string
	before     func(c *chrome) // what is done there first
}

// TestPagesInEveryLight looks at every page wide and narrow, light and dark:
// nothing that axe-core finds, nothing to scroll sideways, and nothing too
// small to hit.
func TestPagesInEveryLight(t *testing.T) {
	browser := chromium(t)
	var ada *chrome
	w := newWorld(t, func(h *house.House, u house.User) {
		ada = open(t, browser, h, windows())
		ada.signIn("/devices", u)
		ada.sees("Your devices", "Ada Lovelace")
	})
	phone := "/devices/" + w.phone.Tokens.Device
	twins := []*house.Hand{w.NewHand(w.notes, mac()), w.NewHand(w.notes, mac())}
	for _, mac := range twins {
		if a, err := mac.SignIn(w.ada, offline, nil); err != nil || a.Status != 200 {
			t.Fatal(a.Status, err)
		}
	}
	gone := "/devices/" + twins[0].Tokens.Device
	ada.visit(phone)
	ada.write("#name", "Ada’s phone")
	ada.click("form[action$='/name'] button")
	ada.sees("Ada’s phone")
	inspect := func(c *chrome, s shot, pictures bool) {
		t.Run(s.name, func(t *testing.T) {
			for _, width := range []int64{1280, 390, 320} {
				for _, dark := range []bool{false, true} {
					c.size(width, 900, dark)
					c.visit(s.path)
					if s.before != nil {
						s.before(c)
					}
					c.check(t, fmt.Sprintf("%d wide, dark: %t", width, dark))
					if pictures && width != 320 {
						c.picture(t, s.name, width, dark)
					}
				}
			}
		})
	}
	look := func(c *chrome, s shot) { inspect(c, s, *screens != "") }
	look(ada, shot{"devices-ja", "/devices?ui_locales=ja", nil})
	look(ada, shot{"devices-de", "/devices?ui_locales=de", nil})
	look(ada, shot{"devices", "/devices?ui_locales=en", nil})
	ada.sees("Name this device")
	look(ada, shot{"device", phone, nil})
	look(ada, shot{"end", gone + "/end", nil})
	look(ada, shot{"not-me", phone + "/not-me", nil})
	look(ada, shot{"others", "/devices/others", nil})
	look(ada, shot{"secure", "/devices/secure", nil})
	look(ada, shot{"password", "/devices/password", nil})
	look(ada, shot{"not-found", "/devices/unknown", nil})
	ada.visit(gone + "/end")
	ada.click("main button.wrong")
	ada.sees("The device was signed out")
	look(ada, shot{"ended", gone + "/ended?not-me=1", nil})
	look(ada, shot{"ended-devices", "/devices?ended=1", nil})

	stranger := open(t, browser, w.House, windows())
	look(stranger, shot{"login", "/devices", nil})
	look(stranger, shot{"error", "/oauth2/auth", nil})
	look(stranger, shot{"goodbye", "/devices/goodbye", nil})
	look(stranger, shot{"home", "/", nil})
	look(stranger, shot{"goodbye-not-me", "/devices/goodbye?not-me=1", nil})
	asking := w.Client("--id", "asking", "--public", "--name", "Photo Prints", "--ask")
	ask := w.NewHand(asking, house.Laptop()).NewAsk("openid profile email offline_access devices", nil)
	look(ada, shot{"consent", strings.TrimPrefix(ask.URL, w.Issuer), nil})
	look(ada, shot{"logout", "/oauth2/sessions/logout", nil})
	outside := open(t, browser, w.House, windows())
	outside.at = w.Admin
	look(outside, shot{"operator-signin", "/pages", nil})
	operator := operate(t, browser, w.House, windows())
	operator.sees("Alert outcomes", w.ada.Subject)
	look(operator, shot{"operator", "/pages?subject=" + w.ada.Subject, nil})
	look(operator, shot{"operator-device", "/pages" + phone, nil})
	look(operator, shot{"operator-events", "/pages/events", nil})
	inspect(operator, shot{"operator-following", "/pages/events?follow=1", nil}, false)
	// Ada says that it was her: a false alarm.
	ada.visit(phone)
	ada.click("form[action$='/seen'] button")
	ada.misses("Needs your attention")
	look(operator, shot{"operator-verdicts", "/pages", func(c *chrome) { c.unfold() }})
	operator.sees("False alarms: 100% (1 of 1 answered).")
	inspect(operator, shot{"operator-nothing", "/pages?address=nonsense", nil}, false)
	look(operator, shot{"operator-not-found", "/pages/devices/unknown", nil})
	look(operator, shot{"operator-revoke", "/pages/revoke?subject=" + w.ada.Subject, nil})
	operator.click("main button.wrong")
	operator.sees("4 devices were signed out")
	look(operator, shot{"operator-zh", "/pages?subject=" + w.ada.Subject + "&ui_locales=zh", nil})
}

// check fails where the page keeps somebody out. Tables may scroll in a region
// of their own (WCAG 1.4.10).
func (c *chrome) check(t *testing.T, how string) {
	t.Helper()
	text, err := axe()
	if err != nil {
		t.Fatal(err)
	}
	found := evaluate[[]string](c, text+`;
		axe.run(document, {resultTypes: ["violations"]}).then(r =>
			r.violations.map(v => v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; ")))`)
	for _, violation := range found {
		t.Errorf("%s: axe: %s", how, violation)
	}
	wide := evaluate[[]string](c, `(() => {
		const most = document.documentElement.clientWidth, out = [];
		if (document.documentElement.scrollWidth > most) out.push("scrolls to " + document.documentElement.scrollWidth);
		for (const e of document.querySelectorAll(".scroll:has(.stack)")) {
			if (most < 768 && e.scrollWidth > e.clientWidth) out.push("a table of " + e.scrollWidth + " is cut");
		}
		for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")) {
			const r = e.getBoundingClientRect();
			if (e.closest(".skip") || r.width === 0) continue;
			// A finger's width; half of that is the least (WCAG 2.5.5, 2.5.8).
			const deed = e.matches("main button:not(.small), main a.button:not(.small), main select, main input:not([type=checkbox])");
			const least = deed ? 44 : 24;
			if (r.height < least || r.width < 24) out.push(e.outerHTML.slice(0, 80) + " is " + r.width + "×" + r.height);
			if (e.closest(".scroll")) continue;
			if (r.right > most + 1 || r.left < -1) out.push(e.outerHTML.slice(0, 80) + " is off the page");
		}
		return out;
	})()`)
	for _, complaint := range wide {
		t.Errorf("%s: %s", how, complaint)
	}
}

// picture writes a screenshot.
func (c *chrome) picture(t *testing.T, name string, width int64, dark bool) {
	t.Helper()
	light := "light"
	if dark {
		light = "dark"
	}
	kind := "wide"
	if width < 1000 {
		kind = "narrow"
	}
	png, err := chromedp.Run(c.ctx, chromedp.FullScreenshot(100))
	c.must(err)
	file := filepath.Join(*screens, fmt.Sprintf("%s-%s-%s.png", name, kind, light))
	if err := os.WriteFile(file, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
