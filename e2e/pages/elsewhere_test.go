package pages_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// surf goes on from a page until none leads elsewhere: over redirects to other
// origins, and over pages that go on by themselves.
func (r *reader) surf() {
	r.t.Helper()
	for range 12 {
		to := ""
		if r.page.Away != nil {
			to = r.page.Away.String()
		} else if _, refresh, is := strings.Cut(r.page.Header.Get("Refresh"), "url="); is {
			next, err := r.page.URL.Parse(refresh)
			if err != nil {
				r.t.Fatal(err)
			}
			to = next.String()
		}
		if to == "" {
			return
		}
		p, err := r.Visit(to)
		if err != nil {
			r.t.Fatal(err)
		}
		r.page = p
	}
	r.t.Fatalf("%s goes in circles", r.page.URL)
}

// goes goes to a page of the house, and signs in wherever that is asked.
func (r *reader) goes(path string, u house.User) {
	r.t.Helper()
	r.visit(path, house.User{})
	r.surf()
	r.proves(u)
}

// proves signs in where the page asks for it.
func (r *reader) proves(u house.User) {
	r.t.Helper()
	if _, asked := r.page.Form("/login"); asked && u.Identifier != "" {
		r.submit("/login", map[string]string{"identifier": u.Identifier, "password": u.Password}, "")
		r.surf()
	}
}

// two are a house whose pages sign in at another one, as at any OpenID
// provider.
type two struct {
	*house.House
	idp      *house.House
	ada, eve house.User
}

const pagesSecret = "a secret that these two servers share"

func newTwo(t *testing.T) two {
	t.Helper()
	idp := house.New(t, house.SQLite)
	h := house.New(t, house.SQLite, house.Set("webui.sign_in", "oidc"), house.Set("webui.issuer", idp.Issuer),
		house.Set("webui.client_id", "pages"), house.Set("webui.client_secret", pagesSecret))
	h.Start() // before the other: it waits for nobody
	w := two{House: h, idp: idp}
	idp.Start()
	idp.Client("--id", "pages", "--secret", pagesSecret, "--redirect-uri", h.Issuer+"/devices/callback",
		"--post-logout-redirect-uri", h.Issuer+"/devices/goodbye")
	w.ada, w.eve = idp.User("ada@example.com", "--name", "Ada Lovelace"), idp.User("eve@example.com")
	return w
}

// TestPagesOfAnotherProvider: signing in, seeing, ending, being ended and
// signing out where another server knows the owners.
func TestPagesOfAnotherProvider(t *testing.T) {
	w := newTwo(t)
	laptop, phone := newReader(t, w.House, house.Laptop()), newReader(t, w.House, house.Phone())
	laptop.goes("/devices", w.ada)
	laptop.sees("Your devices", "This device", "Chrome on Windows", "Ada Lovelace")
	// The same browser comes back as the same device.
	laptop.goes("/devices/signin?fresh=1", w.ada)
	laptop.sees("You are signed in on this device only", "Chrome on Windows")
	phone.goes("/devices", w.ada)
	phone.sees("You are signed in on 2 devices", "Safari on iPhone")

	var list []struct {
		ID      string
		Current bool `json:"is_current"`
	}
	get(t, laptop, "/api/v1/devices", &list)
	if len(list) != 2 || !list[0].Current || list[1].Current {
		t.Fatalf("the API: %+v", list)
	}
	laptop.goes("/devices/"+list[1].ID+"/end", w.ada)
	laptop.submit("/end", nil, "")
	laptop.sees("The device was signed out")
	phone.goes("/devices", house.User{})
	phone.sees("This device was signed out")
	// It may come back with the password only, as somebody to look at.
	link := "/devices/signin?fresh=1"
	if !strings.Contains(phone.page.Body, link) {
		t.Errorf("the way back: %s", phone.page.Body)
	}
	phone.visit(link, house.User{})
	phone.surf()
	if _, asked := phone.page.Form("/login"); !asked {
		t.Fatalf("an ended device is let in again: %s", phone.page.Text)
	}
	phone.proves(w.ada)
	phone.sees("Your devices")
	laptop.goes("/devices", house.User{})
	laptop.sees("One of them needs your attention")

	// Out of the pages is out of the provider's sign-in behind them.
	laptop.submit("/devices/signout", nil, "")
	laptop.surf()
	if laptop.page.URL.Path != "/devices/goodbye" || !strings.HasPrefix(w.Issuer, "http://"+laptop.page.URL.Host) {
		t.Fatalf("signing out ends at %s (%d): %s", laptop.page.URL, laptop.page.Status, laptop.page.Text)
	}
	laptop.goes("/devices", house.User{})
	if _, asked := laptop.page.Form("/login"); !asked {
		t.Errorf("still signed in: %s %s", laptop.page.URL, laptop.page.Text)
	}
}

func get(t *testing.T, r *reader, path string, into any) {
	t.Helper()
	q, err := http.NewRequest(http.MethodGet, r.at+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range r.Looks {
		q.Header[name] = values
	}
	for _, c := range r.Cookies(r.at) {
		q.AddCookie(c)
	}
	a, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, a.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// TestTheProviderIsAway: nobody is signed in, and told so; those who are signed
// in already stay so.
func TestTheProviderIsAway(t *testing.T) {
	w := newTwo(t)
	laptop := newReader(t, w.House, house.Laptop())
	laptop.goes("/devices", w.ada)
	begun := plain(t, "GET", w.Issuer+"/devices/signin", nil, nil, "")
	w.idp.Stop()
	w.Stop() // what is known of the provider is forgotten
	if err := w.Launch(); err != nil {
		t.Fatal(err)
	}
	laptop.goes("/devices", house.User{})
	laptop.sees("Your devices")
	stranger := newReader(t, w.House, house.Phone())
	stranger.goes("/devices", house.User{})
	stranger.sees("Sign-in is not available right now", "Try again in a minute")
	if stranger.page.Status != http.StatusServiceUnavailable || stranger.page.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, %v", stranger.page.Status, stranger.page.Header)
	}
	// Nor does the half that was on its way get anywhere.
	state := param(t, begun, "state")
	answer := plain(t, "GET", w.Issuer+"/devices/callback?code=x&state="+state, begun.Cookies(), nil, "")
	if answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("an answer in between: %d", answer.StatusCode)
	}
	if !strings.Contains(w.Log(), "is it up, and are its URL and the client right?") {
		t.Error("the operator hears nothing of it")
	}
	if err := w.idp.Launch(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if stranger.goes("/devices", house.User{}); stranger.page.Status == http.StatusOK {
			break
		}
	}
	stranger.proves(w.ada)
	stranger.sees("Your devices")
}

func param(t *testing.T, a *http.Response, name string) string {
	t.Helper()
	to, err := a.Location()
	if err != nil {
		t.Fatal(err)
	}
	return url.QueryEscape(to.Query().Get(name))
}

// TestAnswersOfAnotherProvider: what the pages ask for, and which answers they
// take.
func TestAnswersOfAnotherProvider(t *testing.T) {
	w := newTwo(t)
	begun := plain(t, "GET", w.Issuer+"/devices/signin?back=//evil.example", nil, nil, "")
	to, err := begun.Location()
	if err != nil {
		t.Fatal(err)
	}
	asked := to.Query()
	if asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") == "" || asked.Get("nonce") == "" ||
		asked.Get("state") == "" || asked.Get("redirect_uri") != w.Issuer+"/devices/callback" {
		t.Errorf("asked with %v", asked)
	}
	fresh := plain(t, "GET", w.Issuer+"/devices/signin?fresh=1", nil, nil, "")
	if param(t, fresh, "max_age") != "0" || param(t, fresh, "prompt") != "login" {
		t.Error("a fresh sign-in asks for no fresh one")
	}
	state := url.QueryEscape(asked.Get("state"))
	for name, c := range map[string]struct{ query, says string }{
		"another issuer":         {"code=x&state=" + state + "&iss=https%3A%2F%2Fevil.example", "You are not signed in"},
		"two issuers":            {"code=x&state=" + state + "&iss=" + url.QueryEscape(w.idp.Issuer) + "&iss=x", "You are not signed in"},
		"no issuer":              {"code=x&state=" + state, "You are not signed in"},
		"a code of nobody's":     {"code=x&state=" + state + "&iss=" + url.QueryEscape(w.idp.Issuer), "You are not signed in"},
		"another state":          {"code=x&state=y&iss=" + url.QueryEscape(w.idp.Issuer), "You are not signed in"},
		"turned down":            {"error=access_denied&state=" + state, "refused the request: access_denied"},
		"turned down, in markup": {"error=%3Cb%3E&state=" + state, "not completed in this browser"},
	} {
		r := newReader(t, w.House, house.Laptop())
		r.SetCookies(w.Issuer, begun.Cookies())
		r.visit("/devices/callback?"+c.query, house.User{})
		r.sees(c.says)
		if r.page.Status != http.StatusBadRequest || slices.ContainsFunc(r.Cookies(w.Issuer), func(c *http.Cookie) bool {
			return c.Name == "lanyard_pages"
		}) {
			t.Errorf("%s: %d %v", name, r.page.Status, r.Cookies(w.Issuer))
		}
	}
}

// TestACopiedProviderSessionIsNoDevice: who copies the provider's cookies and
// the pages' signs in as a new device at best, and sees nothing with the
// session alone. A planted session is not taken up.
func TestACopiedSessionElsewhere(t *testing.T) {
	w := newTwo(t)
	ada := newReader(t, w.House, house.Laptop())
	ada.goes("/devices", w.ada)
	only := slices.DeleteFunc(ada.Cookies(w.Issuer), func(c *http.Cookie) bool { return c.Name != "lanyard_pages" })
	if a := plain(t, "GET", w.Issuer+"/devices", only, nil, ""); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a copied session opens the list: %d", a.StatusCode)
	}
	eve := newReader(t, w.House, house.Laptop())
	eve.SetCookies(w.Issuer, only)
	eve.goes("/devices", w.eve)
	eve.sees("You are signed in on this device only")
	for _, c := range eve.Cookies(w.Issuer) {
		if c.Name == "lanyard_pages" && c.Value == only[0].Value {
			t.Error("the planted session was taken up")
		}
	}
	ada.goes("/devices", w.ada)
	ada.sees("Ada Lovelace", "You are signed in on this device only")
}
