package pages_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// operate opens a browser that is signed in as an operator.
func operate(t *testing.T, browser context.Context, h *house.House, l look) *chrome {
	t.Helper()
	c := open(t, browser, h, l)
	c.at = h.Admin
	c.visit("/pages")
	c.write("#token", h.Token)
	c.click("main button")
	c.sees("Decisions, last 14 days")
	return c
}

// unfold opens everything that is folded.
func (c *chrome) unfold() {
	c.t.Helper()
	evaluate[bool](c, `document.querySelectorAll("details").forEach(d => d.open = true) === undefined`)
}

// TestAnOperatorFollowsEvents: new ones are added to the page as they come, and
// without scripts the page comes again by itself.
func TestAnOperatorFollowsEvents(t *testing.T) {
	browser := chromium(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			h := house.Open(t, house.SQLite)
			ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public")
			signIn := func() string {
				t.Helper()
				hand := h.NewHand(notes, house.Phone())
				if a, err := hand.SignIn(ada, offline, nil); err != nil || a.Status != 200 {
					t.Fatal(a.Status, err)
				}
				return hand.Tokens.Device
			}
			first := signIn()
			look := windows()
			look.scripts = scripts
			c := operate(t, browser, h, look)
			c.visit("/pages/events?follow=1")
			c.sees("device.enrolled", first)
			evaluate[int](c, `window.kept = 1`)
			for range 2 {
				c.sees(signIn())
			}
			if kept := evaluate[bool](c, `"kept" in window`); kept != scripts {
				t.Errorf("the page is the same one: %t", kept)
			}
			if rows := evaluate[int](c, `document.querySelectorAll("tbody tr").length`); rows < 6 {
				t.Errorf("%d rows", rows)
			}
			// Who stops is left alone.
			c.click(".deeds a.button")
			c.sees("Follow")
		})
	}
}

// TestAnOperatorInEveryLanguage looks at the operator's pages on a small screen
// in every language: the longest words too must fit.
func TestAnOperatorInEveryLanguage(t *testing.T) {
	browser := chromium(t)
	var ada *chrome
	w := newWorld(t, func(h *house.House, u house.User) {
		ada = open(t, browser, h, windows())
		ada.signIn("/devices", u)
		ada.sees("Your devices")
	})
	c := operate(t, browser, w.House, windows())
	c.size(320, 900, false)
	for _, language := range []string{"en", "de", "fr", "es", "zh", "ja"} {
		for _, path := range []string{
			"/pages?subject=" + w.ada.Subject + "&", "/pages/devices/" + w.phone.Tokens.Device + "?", "/pages/events?",
			"/pages/revoke?subject=" + w.ada.Subject + "&",
		} {
			c.visit(path + "ui_locales=" + language)
			c.unfold()
			c.check(t, fmt.Sprintf("%s in %s", path, language))
		}
	}
}
