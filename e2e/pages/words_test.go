package pages_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// inLanguages are words of a text in each of the languages.
type inLanguages map[string]string

// TestTooManyNewDevices: who comes with one new device too many reads for how
// long and what to do meanwhile, where they sign in here and where elsewhere.
func TestTooManyNewDevices(t *testing.T) {
	want := inLanguages{
		"en": "Try again in 60 minutes, or sign in on a device that you have used before.", "de": "in 60 Minuten",
		"fr": "dans 60 minutes", "es": "dentro de 60 minutos", "zh": "60 分钟", "ja": "60 分後",
	}
	limit := house.Set("devices.max_new_per_hour", 1)
	here := house.Open(t, house.SQLite, limit)
	idp := house.New(t, house.SQLite)
	elsewhere := house.New(t, house.SQLite, limit, house.Set("webui.sign_in", "oidc"), house.Set("webui.issuer", idp.Issuer),
		house.Set("webui.client_id", "pages"), house.Set("webui.client_secret", pagesSecret))
	elsewhere.Start()
	idp.Start()
	idp.Client("--id", "pages", "--secret", pagesSecret, "--redirect-uri", elsewhere.Issuer+"/devices/callback")
	for name, at := range map[string]struct {
		house *house.House
		ada   house.User
	}{"here": {here, here.User("ada@example.com")}, "elsewhere": {elsewhere, idp.User("ada@example.com")}} {
		laptop := newReader(t, at.house, house.Laptop())
		laptop.goes("/devices", at.ada)
		laptop.sees("Your devices")
		for language, text := range want {
			looks := house.Phone()
			looks.Set("Accept-Language", language)
			phone := newReader(t, at.house, looks)
			phone.goes("/devices", at.ada)
			if phone.page.Status != http.StatusTooManyRequests || !strings.Contains(phone.page.Text, text) || phone.page.Header.Get("Retry-After") == "" {
				t.Errorf("%s in %s (%d): %s", name, language, phone.page.Status, phone.page.Text)
			}
		}
		laptop.goes("/devices", at.ada)
		laptop.sees("on this device only")
	}
}

// TestTheDoorstep: who comes by the server's name alone, and what machines ask
// every server for.
func TestTheDoorstep(t *testing.T) {
	h := house.Open(t, house.SQLite)
	for language, text := range (inLanguages{
		"en": "You sign in here", "de": "Hier melden Sie sich an", "fr": "C’est ici que vous vous connectez",
		"es": "Aquí inicia sesión", "zh": "您在此登录", "ja": "ここでサインインします",
	}) {
		looks := house.Laptop()
		looks.Set("Accept-Language", language)
		r := newReader(t, h, looks)
		r.visit("/", house.User{})
		r.sees(text)
		if r.page.Status != http.StatusOK || !strings.Contains(r.page.Body, `href="/devices"`) || strings.Contains(r.page.Body, "anyard") {
			t.Errorf("%s: %d %s", language, r.page.Status, r.page.Body)
		}
	}
	for path, want := range map[string]struct {
		status     int
		kind, text string
	}{
		"/favicon.ico": {200, "image/svg+xml", "<svg"},
		"/robots.txt":  {200, "text/plain; charset=utf-8", "User-agent: *\nDisallow: /\n"},
		"/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200": {404, "text/plain; charset=utf-8", ""},
	} {
		a, err := http.Get(h.Issuer + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(a.Body)
		_ = a.Body.Close() // it was read
		if err != nil || a.StatusCode != want.status || a.Header.Get("Content-Type") != want.kind || !strings.Contains(string(text), want.text) {
			t.Errorf("%s: %d %v %s", path, a.StatusCode, a.Header, text)
		}
	}
	a := plain(t, "GET", h.Issuer+"/.well-known/change-password", nil, nil, "")
	if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || to != h.Issuer+"/devices/password" {
		t.Errorf("a new password: %d %s", a.StatusCode, to)
	}
}

// fields returns what the fields of a page complete themselves with, by name.
func fields(t *testing.T, page string) map[string]string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for n := range root.Descendants() {
		at := map[string]string{}
		for _, a := range n.Attr {
			at[a.Key] = a.Val
		}
		if n.Data == "input" && at["type"] != "hidden" && at["type"] != "checkbox" {
			found[at["name"]] = strings.TrimPrefix(at["autocomplete"]+" "+at["value"], " ")
		}
	}
	return found
}

// TestPasswordManagers know what each field is, and whose password it is.
func TestPasswordManagers(t *testing.T) {
	h := house.Open(t, house.SQLite)
	ada := h.User("ada@example.com", "--name", "Ada Lovelace")
	r := newReader(t, h, house.Laptop())
	is := func(name, want string) {
		t.Helper()
		if got := strings.TrimSpace(fields(t, r.page.Body)[name]); got != want {
			t.Errorf("%s: %s is %q, want %q", r.page.URL.Path, name, got, want)
		}
	}
	r.visit("/devices/password", house.User{})
	is("identifier", "username")
	is("password", "current-password")
	r.submit("/login", map[string]string{"identifier": ada.Identifier, "password": ada.Password}, "")
	for range 2 {
		is("username", "username ada@example.com")
		is("password", "new-password")
		is("again", "new-password")
		r.submit("/password", map[string]string{"password": "short", "again": "short"}, "") // and as it comes back
	}
	r.at = h.Admin
	r.visit("/pages", house.User{})
	is("username", "username operator")
	is("token", "current-password")
}

// TestWithoutCookies: a browser that keeps none is told so, and not asked for
// the password again and again.
func TestWithoutCookies(t *testing.T) {
	h := house.Open(t, house.SQLite)
	ada := h.User("ada@example.com")
	v := newVisitor(t)
	v.client.Jar = nil
	at, _ := v.load("GET", h.Issuer+"/devices", nil)
	form := url.Values{"identifier": {ada.Identifier}, "password": {ada.Password}, "flow": {at.Query().Get("flow")}}
	a, err := v.client.PostForm(h.Issuer+"/login", form)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(a.Body)
	_ = a.Body.Close() // it was read
	if err != nil || a.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "Cookies are blocked") {
		t.Errorf("%d %v %s", a.StatusCode, err, text)
	}
}

// TestTitlesDiffer: who has several pages open tells them apart by their tabs.
func TestTitlesDiffer(t *testing.T) {
	p := newPair(t)
	seen := map[string]string{}
	phone := "/devices/" + p.adasPhone.Tokens.Device
	for _, path := range []string{
		"/devices", "/devices?ended=1", phone, phone + "/end", phone + "/not-me", "/devices/others", "/devices/secure", "/devices/password",
		"/devices/unknown", "/devices/goodbye", "/",
	} {
		p.ada.visit(path, house.User{})
		_, title, _ := strings.Cut(p.ada.page.Body, "<title>")
		title, _, _ = strings.Cut(title, "</title>")
		if seen[title] != "" {
			t.Errorf("%s and %s are both called %q", path, seen[title], title)
		}
		seen[title] = path
	}
}
