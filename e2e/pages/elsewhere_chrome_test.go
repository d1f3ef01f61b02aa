package pages_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	_ "modernc.org/sqlite"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// TestARealBrowserAtAnotherProvider: the pages are one site, the provider is
// another. A browser keeps strict cookies at home then, and holds what follows a
// form to that form's policy; all of it works without scripts.
func TestARealBrowserAtAnotherProvider(t *testing.T) {
	w := newTwo(t)
	w.Stop()
	at, err := url.Parse(w.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	local := "http://localhost:" + at.Port()
	w.Change(house.Set("issuer", local))
	if err := w.Launch(); err != nil {
		t.Fatal(err)
	}
	w.idp.CLI("clients", "delete", "pages")
	w.idp.Client("--id", "pages", "--secret", pagesSecret, "--redirect-uri", local+"/devices/callback",
		"--post-logout-redirect-uri", local+"/devices/goodbye")

	l := windows()
	l.scripts = false
	c := open(t, chromium(t), w.House, l)
	c.at, c.idp = local, w.idp.Issuer
	c.signIn("/devices", w.ada)
	c.sees("Your devices", "This device", "Chrome on Windows", "Ada Lovelace")

	// Another device, which is ended from here; the sign-in is an hour old.
	phone := newReader(t, w.House, house.Phone())
	phone.at = local
	phone.goes("/devices", w.ada)
	phone.sees("You are signed in on 2 devices")
	db, err := sql.Open("sqlite", strings.TrimPrefix(w.Database, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "UPDATE web_sessions SET auth_time = auth_time - 3600000000"); err != nil {
		t.Fatal(err)
	}
	c.visit("/devices/others")
	c.sees("Sign out all other devices?")
	c.click("main form button")
	c.prove(w.ada) // the form leads to the other site, over a page of its own, and is completed after that
	c.sees("device was signed out")
	phone.goes("/devices", house.User{})
	phone.sees("This device was signed out")

	// Signing out goes over the provider, and back.
	c.visit("/devices")
	c.click(`form[action$="/devices/signout"] button`)
	c.sees("You are signed out")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if here, err := chromedp.Run(c.ctx, chromedp.Location()); err == nil && here == local+"/devices/goodbye" {
			break
		}
	}
	c.visit("/devices")
	c.do(chromedp.WaitVisible(chromedp.CSS("#password")))
}
