//go:build ory

package ory_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

const attemptCookie = "lanyard_pages_attempt"

// backdated returns the attempts that a thief writes for the state: the one
// that the browser got, begun earlier and with a fresh sign-in, as far as it
// can be read, and one of the thief's own.
func backdated(t *testing.T, got []*http.Cookie, state string) []*http.Cookie {
	t.Helper()
	claims := map[string]any{"s": state, "n": "nonce", "v": "verifier", "b": "/devices"}
	for _, c := range got {
		raw, err := base64.RawURLEncoding.DecodeString(c.Value)
		if err == nil && c.Name == attemptCookie {
			_ = json.Unmarshal(raw, &claims) // a sealed one cannot be read
		}
	}
	claims["f"], claims["t"] = true, time.Now().Add(-9*time.Minute)
	raw, err := json.Marshal(claims)
	good(t, err)
	return []*http.Cookie{{Name: attemptCookie, Value: base64.RawURLEncoding.EncodeToString(raw)}}
}

// begunWithKratos has a thief with a copy of the owner's session at Kratos begin a
// sign-in at the pages. It returns the thief, the answer that begins it, and where
// Kratos leads back to.
func begunWithKratos(
	t *testing.T, s *site, ada *ory.Person, owner *surfer, looks http.Header, way string,
) (*surfer, *http.Response, *url.URL) {
	t.Helper()
	thief := s.surfer(t, ada, looks)
	thief.SetCookies(s.House.Issuer, owner.only("ory_kratos_session"))
	begun := thief.calls(http.MethodGet, way, nil)
	to, err := begun.Location()
	good(t, err)
	back, err := url.Parse(to.Query().Get("return_to"))
	good(t, err)
	return thief, begun, back
}

// A thief has a copy of Kratos' session, on a device that looks the same or
// another, and writes into the cookie of the sign-in that it is fresh.
func forgedWithKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.is("/devices")
	for name, looks := range map[string]http.Header{"same": house.Laptop(), "other": house.Thief()} {
		for _, way := range []string{"/devices/signin", "/devices/signin?fresh=1"} {
			_, begun, back := begunWithKratos(t, s, ada, b, looks, way)
			for kind, cookies := range map[string][]*http.Cookie{
				"genuine": begun.Cookies(), "forged": backdated(t, begun.Cookies(), back.Query().Get("state")),
			} {
				try := s.surfer(t, ada, looks)
				try.SetCookies(s.House.Issuer, b.only("ory_kratos_session"))
				try.SetCookies(s.House.Issuer, cookies)
				try.goes(back.RequestURI())
				if len(try.only("lanyard_pages")) > 0 {
					t.Errorf("%s looks, %s, a %s attempt: the thief is let in: %s", name, way, kind, try.page.Text)
				}
			}
		}
	}
	b.goes("/devices")
	b.sees("You are signed in on this device only")
}

// A thief with a copy of Kratos' session waits until the owner proves who they
// are in it, which is no proof of the thief's.
func patientWithKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Tablet())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.is("/devices")
	for name, looks := range map[string]http.Header{"same": house.Laptop(), "other": house.Thief()} {
		for _, way := range []string{"/devices/signin", "/devices/signin?fresh=1"} {
			thief, begun, back := begunWithKratos(t, s, ada, b, looks, way)
			thief.SetCookies(s.House.Issuer, begun.Cookies())
			b.goes("/devices/signin?fresh=1")
			b.proves()
			thief.goes(back.RequestURI())
			if len(thief.only("lanyard_pages")) > 0 {
				t.Errorf("%s looks, %s: the thief is let in: %s", name, way, thief.page.Text)
			}
		}
	}
	b.goes("/devices")
	b.is("/devices")
}

// With Hydra, a thief writes the same, and has the sessions at Hydra and at Kratos.
func forgedWithHydra(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	for name, looks := range map[string]http.Header{"same": house.Laptop(), "other": house.Thief()} {
		for _, forge := range []bool{false, true} {
			thief := s.surfer(t, ada, looks)
			for _, c := range b.Cookies(s.Gateway) {
				if c.Name != "lanyard_pages" && c.Name != "lanyard_device" {
					thief.SetCookies(s.Gateway, []*http.Cookie{c})
				}
			}
			begun := thief.calls(http.MethodGet, "/devices/signin", nil)
			thief.SetCookies(s.House.Issuer, begun.Cookies())
			to, err := begun.Location()
			good(t, err)
			if forge {
				thief.SetCookies(s.House.Issuer, backdated(t, begun.Cookies(), to.Query().Get("state")))
			}
			p, err := thief.Visit(to.String())
			good(t, err)
			thief.page = p
			thief.on()
			if len(thief.only("lanyard_pages")) > 0 {
				t.Errorf("%s looks, forged %v: the thief is let in: %s", name, forge, thief.page.Text)
			}
		}
	}
	b.goes("/devices")
	b.sees("You are signed in on this device only")
}
