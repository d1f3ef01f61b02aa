package pages_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

const attemptCookie = "lanyard_pages_attempt"

// TestCopiedSessionOfAnotherProvider: a thief with every cookie that the
// provider has set has its session. At the pages it opens no new device,
// whatever the thief strips from the request and writes into the cookie.
func TestCopiedSessionOfAnotherProvider(t *testing.T) {
	w := newTwo(t)
	ada := newReader(t, w.House, house.Laptop())
	p, err := ada.Visit(w.idp.Issuer + "/login")
	if err != nil {
		t.Fatal(err)
	}
	ada.page = p
	ada.proves(w.ada)
	copied := ada.Cookies(w.idp.Issuer)
	ada.goes("/devices", w.ada)
	ada.proves(w.ada)
	ada.sees("You are signed in on this device only")
	for name, forge := range map[string]func(*http.Cookie) string{
		"honest":     func(c *http.Cookie) string { return c.Value },
		"backdated":  backdated,
		"no attempt": func(*http.Cookie) string { return "" },
	} {
		for _, way := range []string{"/devices/signin", "/devices/signin?fresh=1"} {
			thief := newReader(t, w.House, house.Laptop())
			thief.SetCookies(w.idp.Issuer, copied)
			begun := plain(t, "GET", w.Issuer+way, nil, nil, "")
			for _, c := range begun.Cookies() {
				if c.Name == attemptCookie {
					thief.SetCookies(w.Issuer, []*http.Cookie{{Name: attemptCookie, Value: forge(c)}})
				}
			}
			to, err := begun.Location()
			if err != nil {
				t.Fatal(err)
			}
			query := to.Query()
			query.Del("prompt")
			query.Del("max_age")
			to.RawQuery = query.Encode()
			p, err = thief.Visit(to.String())
			if err != nil {
				t.Fatal(err)
			}
			thief.page = p
			thief.surf()
			if _, asked := thief.page.Form("/login"); !asked && thief.page.Status == http.StatusOK {
				t.Errorf("%s, %s: the thief is let in: %s", name, way, thief.page.Text)
			}
		}
	}
	ada.goes("/devices", house.User{})
	ada.sees("You are signed in on this device only")
}

// backdated makes the attempt older and its sign-in a fresh one, as far as the
// cookie can be read.
func backdated(c *http.Cookie) string {
	var claims map[string]any
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		return c.Value[:len(c.Value)-1] + "A"
	}
	claims["t"], claims["f"] = time.Now().Add(-9*time.Minute), true
	raw, _ = json.Marshal(claims) // it was JSON
	return base64.RawURLEncoding.EncodeToString(raw)
}

// TestAttemptsAreUsedOnce: the answer of the provider opens one session, and an
// attempt of one house is none of another's.
func TestAttemptsAreUsedOnce(t *testing.T) {
	w := newTwo(t)
	ada := newReader(t, w.House, house.Laptop())
	ada.goes("/devices", w.ada)
	begun := plain(t, "GET", w.Issuer+"/devices/signin", nil, nil, "")
	var attempt *http.Cookie
	for _, c := range begun.Cookies() {
		if c.Name == attemptCookie {
			attempt = c
		}
	}
	if attempt == nil {
		t.Fatal("no cookie of the attempt")
	}
	if raw, err := base64.RawURLEncoding.DecodeString(attempt.Value); err == nil && json.Valid(raw) {
		t.Errorf("the cookie can be read: %s", raw)
	}
	state := url.QueryEscape(param(t, begun, "state"))
	for name, cookies := range map[string][]*http.Cookie{
		"none": nil, "another cookie of the server's": {{Name: attemptCookie, Value: ada.Cookies(w.Issuer)[0].Value}},
	} {
		a := plain(t, "GET", w.Issuer+"/devices/callback?code=x&state="+state, cookies, nil, "")
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
}
