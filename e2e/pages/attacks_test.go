package pages_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// plain is a browser that follows nothing, for requests that no page makes.
func plain(t *testing.T, method, address string, cookies []*http.Cookie, header map[string]string, form string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range house.Laptop() {
		r.Header[name] = values
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer
}

// pair is Ada and Eve at their laptops, each with a phone.
type pair struct {
	*house.House
	ada, eve             *reader
	adaUser, eveUser     house.User
	adasPhone, evesPhone *house.Hand
}

func newPair(t *testing.T) pair {
	t.Helper()
	h := house.Open(t, house.SQLite)
	notes := h.Client("--id", "notes", "--public")
	p := pair{House: h, adaUser: h.User("ada@example.com"), eveUser: h.User("eve@example.com")}
	p.ada, p.eve = newReader(t, h, house.Laptop()), newReader(t, h, house.Laptop())
	p.ada.visit("/devices", p.adaUser)
	p.eve.visit("/devices", p.eveUser)
	p.adasPhone, p.evesPhone = h.NewHand(notes, house.Phone()), h.NewHand(notes, house.Phone())
	for hand, user := range map[*house.Hand]house.User{p.adasPhone: p.adaUser, p.evesPhone: p.eveUser} {
		if a, err := hand.SignIn(user, offline, nil); err != nil || a.Status != 200 {
			t.Fatal(a.Status, err)
		}
	}
	return p
}

func posts(device string) []string {
	at := "/devices/" + device
	return []string{
		at + "/end", at + "/not-me", at + "/name", at + "/permissions", at + "/seen", at + "/app",
		"/devices/others", "/devices/secure", "/devices/password", "/devices/signout",
	}
}

func TestFormsOfOtherSitesChangeNothing(t *testing.T) {
	p := newPair(t)
	cookies := p.ada.Cookies(p.Issuer)
	form := url.Values{"name": {"mine"}, "password": {"correct horse battery"}, "again": {"correct horse battery"}}.Encode()
	for _, path := range posts(p.adasPhone.Tokens.Device) {
		for name, header := range map[string]map[string]string{
			"another origin":        {"Origin": "https://evil.example"},
			"no origin to speak of": {"Origin": "null"},
			"a neighbour":           {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
			"another site":          {"Sec-Fetch-Site": "cross-site"},
		} {
			if a := plain(t, "POST", p.Issuer+path, cookies, header, form); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %s: %d", path, name, a.StatusCode)
			}
		}
		if a := plain(t, "GET", p.Issuer+path+"?"+form, cookies, nil, ""); a.StatusCode >= 500 {
			t.Errorf("GET %s: %d", path, a.StatusCode)
		}
	}
	p.ada.visit("/devices", house.User{})
	p.ada.sees("2 devices", "Safari on iPhone")
	if a, err := p.adasPhone.Refresh(); err != nil || a.Status != 200 {
		t.Errorf("the phone was ended: %d %v", a.Status, err)
	}
}

func TestAnotherSubjectsDeviceIsUnknown(t *testing.T) {
	p := newPair(t)
	foreign, unknown := p.adasPhone.Tokens.Device, "01920000-0000-7000-8000-000000000000"
	cookies := p.eve.Cookies(p.Issuer)
	for _, verb := range []string{"", "/end", "/not-me", "/ended"} {
		theirs := plain(t, "GET", p.Issuer+"/devices/"+foreign+verb, cookies, nil, "")
		nobodys := plain(t, "GET", p.Issuer+"/devices/"+unknown+verb, cookies, nil, "")
		if theirs.StatusCode != http.StatusNotFound || theirs.ContentLength != nobodys.ContentLength {
			t.Errorf("GET %s: %d, and %d bytes against %d", verb, theirs.StatusCode, theirs.ContentLength, nobodys.ContentLength)
		}
	}
	for _, path := range posts(foreign)[:5] {
		a := plain(t, "POST", p.Issuer+path, cookies, map[string]string{"Origin": p.Issuer}, "name=mine")
		if a.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, a.StatusCode)
		}
	}
	if a, err := p.adasPhone.Refresh(); err != nil || a.Status != 200 {
		t.Errorf("Ada's phone: %d %v", a.Status, err)
	}
}

// TestHeaders: no page is framed, kept, or sniffed at.
func TestHeaders(t *testing.T) {
	p := newPair(t)
	cookies := p.ada.Cookies(p.Issuer)
	at := "/devices/" + p.adasPhone.Tokens.Device
	for _, path := range []string{
		"/devices", at, at + "/end", at + "/not-me", "/devices/others", "/devices/secure", "/devices/password", "/devices/goodbye",
		"/devices/signin", "/devices/callback", "/devices/unknown", "/login",
	} {
		for _, with := range [][]*http.Cookie{cookies, nil} {
			h := plain(t, "GET", p.Issuer+path, with, nil, "").Header
			csp := h.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") ||
				strings.Contains(csp, "unsafe") || h.Get("X-Frame-Options") != "DENY" ||
				h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", path, h)
			}
		}
	}
}

// TestFixation: whatever cookie a browser came with, it signs in under another.
func TestFixation(t *testing.T) {
	p := newPair(t)
	mallory := newReader(t, p.House, house.Laptop())
	mallory.visit("/devices", p.eveUser)
	planted := slices.DeleteFunc(mallory.Cookies(p.Issuer), func(c *http.Cookie) bool { return c.Name != "lanyard_pages" })
	if len(planted) != 1 {
		t.Fatal(planted)
	}
	victim := newReader(t, p.House, house.Laptop())
	victim.SetCookies(p.Issuer, planted)
	victim.visit("/devices", p.adaUser)
	victim.sees("Your devices")
	for _, c := range victim.Cookies(p.Issuer) {
		if c.Name == "lanyard_pages" && c.Value == planted[0].Value {
			t.Error("the planted session was taken up")
		}
	}
	// Nor does a copied session open anything without the device's own cookie.
	stolen := slices.DeleteFunc(p.ada.Cookies(p.Issuer), func(c *http.Cookie) bool { return c.Name != "lanyard_pages" })
	if a := plain(t, "GET", p.Issuer+"/devices", stolen, nil, ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a copied session opens the list: %d", a.StatusCode)
	}
	p.ada.visit("/devices", house.User{})
	p.ada.sees("Your devices")
}

func TestNothingLeadsElsewhere(t *testing.T) {
	p := newPair(t)
	for _, back := range []string{
		"https://evil.example/", "//evil.example", "/\\evil.example", "/devices/../../evil", "javascript:alert(1)",
		"/login", "/devicesevil", "http:/devices", "/devices/%0d%0aLocation:x", "https://evil.example/devices", "@evil",
	} {
		r := newReader(t, p.House, house.Laptop())
		r.visit("/devices/signin?back="+url.QueryEscape(back), p.adaUser)
		if r.page.Away != nil || !strings.HasPrefix(r.page.URL.Path, "/devices") || r.page.Status >= 500 {
			t.Errorf("%q leads to %v (%d)", back, r.page.URL, r.page.Status)
		}
	}
}

// TestAnswersOfOthers: an answer to a sign-in that this browser did not begin
// is refused, so nobody is signed in as somebody else.
func TestAnswersOfOthers(t *testing.T) {
	p := newPair(t)
	begun := plain(t, "GET", p.Issuer+"/devices/signin", nil, nil, "")
	for name, query := range map[string]string{
		"no state": "code=x", "another state": "code=x&state=y", "nothing": "", "an error": "error=access_denied&state=z",
	} {
		for _, cookies := range [][]*http.Cookie{nil, begun.Cookies()} {
			a := plain(t, "GET", p.Issuer+"/devices/callback?"+query, cookies, nil, "")
			if a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d", name, a.StatusCode)
			}
			for _, c := range a.Cookies() {
				if c.Name == "lanyard_pages" && c.Value != "" {
					t.Errorf("%s: signed in", name)
				}
			}
		}
	}
}

// TestASessionEndsWithItsDevice: also when it is ended elsewhere, and with the
// sign-in that it came from.
func TestASessionEndsWithItsDevice(t *testing.T) {
	p := newPair(t)
	id := func(r *reader) string {
		r.visit("/devices", house.User{})
		_, rest, _ := strings.Cut(r.page.Body, `card here`)
		_, rest, _ = strings.Cut(rest, `href="/devices/`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	p.CLI("devices", "revoke", id(p.ada))
	p.ada.visit("/devices", house.User{})
	p.ada.sees("This device was signed out")
	p.CLI("users", "disable", "eve@example.com")
	p.eve.visit("/devices", house.User{})
	p.eve.sees("Sign in", "Password")
}
