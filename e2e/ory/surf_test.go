//go:build ory

package ory_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// surfer is somebody at lanyard's pages with a browser that runs no scripts.
type surfer struct {
	*house.Browser
	*site
	t     *testing.T
	email string
	page  *house.Page
}

func (s *site) surfer(t *testing.T, p *ory.Person, looks http.Header) *surfer {
	return &surfer{Browser: house.NewBrowser(looks), site: s, t: t, email: p.Email}
}

// goes goes to a page of lanyard's and on to wherever that leads, up to a
// page with something to fill in or to read.
func (b *surfer) goes(path string) {
	b.t.Helper()
	p, err := b.Visit(b.House.Issuer + path)
	good(b.t, err)
	b.page = p
	b.on()
}

func (b *surfer) on() {
	b.t.Helper()
	for range 20 {
		to := ""
		if b.page.Away != nil {
			to = b.page.Away.String()
		} else if _, refresh, is := strings.Cut(b.page.Header.Get("Refresh"), "url="); is {
			next, err := b.page.URL.Parse(refresh)
			good(b.t, err)
			to = next.String()
		}
		if to == "" {
			return
		}
		p, err := b.Visit(to)
		good(b.t, err)
		b.page = p
	}
	b.t.Fatalf("%s goes in circles", b.page.URL)
}

// asked reports whether the page is Kratos' sign-in.
func (b *surfer) asked() bool {
	_, is := b.page.Form("/self-service/login")
	return is
}

// proves fills in Kratos' sign-in, which must be what the page is.
func (b *surfer) proves() {
	b.t.Helper()
	f, is := b.page.Form("/self-service/login")
	if !is {
		b.t.Fatalf("%s (%d) is not Kratos' sign-in:\n%s", b.page.URL, b.page.Status, b.page.Text)
	}
	p, err := b.Submit(b.page, f, map[string]string{"identifier": b.email, "password": ory.Password}, "password")
	good(b.t, err)
	b.page = p
	b.on()
}

// proveMore gives a code where Kratos asks for a second factor.
func (b *surfer) proveMore(code string) {
	b.t.Helper()
	f, is := b.page.Form("/self-service/login")
	if _, asked := f.Fields["lookup_secret"]; !is || !asked {
		b.t.Fatalf("%s (%d) asks for no second factor:\n%s", b.page.URL, b.page.Status, b.page.Text)
	}
	p, err := b.Submit(b.page, f, map[string]string{"lookup_secret": code}, "lookup_secret")
	good(b.t, err)
	b.page = p
	b.on()
}

func (b *surfer) submits(action string) {
	b.t.Helper()
	f, is := b.page.Form(action)
	if !is {
		b.t.Fatalf("%s (%d) has no form for %s:\n%s", b.page.URL, b.page.Status, action, b.page.Text)
	}
	p, err := b.Submit(b.page, f, nil, "")
	good(b.t, err)
	b.page = p
	b.on()
}

func (b *surfer) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(b.page.Text, text) {
			b.t.Fatalf("%s (%d) does not say %q:\n%s", b.page.URL, b.page.Status, text, b.page.Text)
		}
	}
}

// is sees that the browser ended at a page of lanyard's.
func (b *surfer) is(path string) {
	b.t.Helper()
	if at := "http://" + b.page.URL.Host + b.page.URL.Path; at != b.House.Issuer+path {
		b.t.Fatalf("at %s (%d), want %s:\n%s", b.page.URL, b.page.Status, path, b.page.Text)
	}
}

// only returns the cookies of that name.
func (b *surfer) only(names ...string) []*http.Cookie {
	return slices.DeleteFunc(b.Cookies(b.House.Issuer), func(c *http.Cookie) bool { return !slices.Contains(names, c.Name) })
}

// calls asks lanyard with the browser's cookies, and follows nothing.
func (b *surfer) calls(method, path string, header http.Header) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.House.Issuer+path, bytes.NewReader(nil))
	good(b.t, err)
	for _, h := range []http.Header{b.Looks, header} {
		for name, values := range h {
			r.Header[name] = values
		}
	}
	for _, c := range b.Cookies(b.House.Issuer) {
		r.AddCookie(c)
	}
	a, err := http.DefaultTransport.RoundTrip(r)
	good(b.t, err)
	good(b.t, a.Body.Close())
	return a
}

// pages serves Kratos' pages, and has Kratos lead to them and back to
// lanyard's.
func (s *site) pages(t *testing.T) {
	t.Helper()
	at, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", house.Address(t))
	good(t, err)
	ui := httptest.NewUnstartedServer(ory.Pages{Kratos: s.KratosPublic})
	good(t, ui.Listener.Close())
	ui.Listener = at
	ui.Start()
	t.Cleanup(ui.Close)
	good(t, s.Reconfigure(t.Context(), "kratos", func(config map[string]any) {
		flows := config["selfservice"].(map[string]any)
		flows["allowed_return_urls"] = []string{s.House.Issuer + "/devices/"}
		flows["methods"].(map[string]any)["lookup_secret"] = map[string]any{"enabled": true}
		config["session"] = map[string]any{"whoami": map[string]any{"required_aal": "highest_available"}}
		for name, flow := range flows["flows"].(map[string]any) {
			flow.(map[string]any)["ui_url"] = ui.URL + "/" + name
		}
	}))
}
