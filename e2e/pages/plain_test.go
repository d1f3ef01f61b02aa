package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// reader is somebody at the pages with a browser that runs no scripts.
type reader struct {
	*house.Browser
	t    *testing.T
	at   string
	page *house.Page
}

func newReader(t *testing.T, h *house.House, looks http.Header) *reader {
	return &reader{Browser: house.NewBrowser(looks), t: t, at: h.Issuer}
}

// visit goes to a page, and signs in where that is asked.
func (r *reader) visit(path string, u house.User) {
	r.t.Helper()
	p, err := r.Visit(r.at + path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.page = p
	if _, asked := p.Form("/login"); asked && u.Identifier != "" {
		r.submit("/login", map[string]string{"identifier": u.Identifier, "password": u.Password}, "")
	}
}

func (r *reader) submit(action string, values map[string]string, button string) {
	r.t.Helper()
	f, has := r.page.Form(action)
	if !has {
		r.t.Fatalf("%s has no form for %s:\n%s", r.page.URL, action, r.page.Text)
	}
	p, err := r.Submit(r.page, f, values, button)
	if err != nil {
		r.t.Fatal(err)
	}
	r.page = p
}

func (r *reader) sees(texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.page.Text, text) {
			r.t.Fatalf("%s (%d) does not say %q:\n%s", r.page.URL, r.page.Status, text, r.page.Text)
		}
	}
}

func TestAnOwnerSeesAndEndsDevices(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public", "--name", "Notes")
		laptop, phone := h.NewHand(notes, house.Laptop()), h.NewHand(notes, house.Phone())
		for _, hand := range []*house.Hand{laptop, phone} {
			if a, err := hand.SignIn(ada, "openid offline_access", nil); err != nil || a.Status != 200 {
				t.Fatal(a.Status, err)
			}
		}
		at := &reader{Browser: laptop.Browser, t: t, at: h.Issuer}
		at.visit("/devices", ada)
		at.sees("Your devices", "You are signed in on 2 devices", "This device", "Chrome on Windows", "Safari on iPhone", "Used by Notes")

		at.visit("/devices/"+phone.Tokens.Device, ada)
		at.submit("/name", map[string]string{"name": "Ada's <b>phone</b>"}, "")
		at.sees("Ada's <b>phone</b>", "Safari on iPhone", "Signed in")

		at.visit("/devices/"+phone.Tokens.Device+"/end", ada)
		at.sees("Sign out this device?", "Ada's <b>phone</b>", "Notes")
		at.submit("/end", nil, "")
		at.sees("The device was signed out", "Apps that lost access", "Notes", "All access ended immediately")
		if a, err := phone.Refresh(); err != nil || a.Error() != "invalid_grant" {
			t.Errorf("the phone goes on: %d %v", a.Status, err)
		}
		if a, err := laptop.Refresh(); err != nil || a.Status != 200 {
			t.Errorf("the laptop does not: %d %v", a.Status, err)
		}
		at.visit("/devices?ended=1", ada)
		at.sees("Signed-out devices", "Ada's <b>phone</b>", "by you, from another device")
	})
}
