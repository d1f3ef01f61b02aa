//go:build ory

package ory_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// copies puts the cookies of a browser at Hydra and Kratos, but none of
// Lanyard's, into another one.
func (s *site) copies(b *surfer, thief *ory.Person) {
	for _, c := range b.Cookies(s.Gateway) {
		if !strings.HasPrefix(c.Name, "lanyard_") {
			thief.SetCookie(s.Gateway, c.Name, c.Value)
		}
	}
}

// request is an authorization request of a client.
func (s *site) request(id string) string {
	return s.Gateway + "/oauth2/auth?" + url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {ory.Redirect}, "scope": {"openid offline_access"},
		"state": {"0123456789abcdef"}, "code_challenge_method": {"S256"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, // RFC 7636, Appendix B
	}.Encode()
}

// walk goes from there until a page or the client, and returns where that is.
// Each request to Hydra's authorization endpoint carries a body, if there is
// one: for Hydra, its parameters come before those of the URL.
func walk(t *testing.T, p *ory.Person, at, body string) string {
	t.Helper()
	for range 20 {
		method, header := http.MethodGet, http.Header{"Accept": {"text/html"}}
		if body != "" && strings.Contains(at, "/oauth2/auth?") {
			method = http.MethodPost
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		a, err := p.Do(method, at, header, []byte(body))
		good(t, err)
		next := a.Header.Get("Location")
		if next == "" {
			return at
		}
		if at = next; strings.HasPrefix(at, ory.Redirect) || strings.Contains(at, "/ui") {
			return at
		}
	}
	return at
}

// isKeptOut sees that a walk brought no code, and that the owner has as many
// devices as before.
func (s *site) isKeptOut(t *testing.T, name, end, subject string, before int) {
	t.Helper()
	if u, err := url.Parse(end); err != nil || u.Query().Get("code") != "" {
		t.Errorf("%s: the thief is let in: %s", name, end)
	}
	if n := len(s.devices(t, subject)); n != before {
		t.Errorf("%s: the thief has made %d devices", name, n-before)
	}
}

// The thief has sessions that are older than Lanyard, so that nobody knows
// whose device they are on, and writes into the body of each request that no
// sign-in is demanded. The URL, which Hydra shows, says that one is.
func copiedIntoABody(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	id, _ := s.client(t, true)
	for name, body := range map[string]string{"as it is": "", "prompt=": "prompt=", "prompt=consent": "prompt=consent"} {
		s.ties(t, "DELETE FROM ties WHERE kind = 'hydra_login' AND subject = $1", ada.Subject)
		before := len(s.devices(t, ada.Subject))
		thief := ada.Elsewhere(house.Laptop())
		s.copies(b, thief)
		s.isKeptOut(t, name, walk(t, thief, s.request(id), body), ada.Subject, before)
	}
	for name, more := range map[string]string{"a tab": "&prompt=login%09x", "a line": "&prompt=login%0A"} {
		s.ties(t, "DELETE FROM ties WHERE kind = 'hydra_login' AND subject = $1", ada.Subject)
		before := len(s.devices(t, ada.Subject))
		thief := ada.Elsewhere(house.Laptop())
		s.copies(b, thief)
		thief.SetCookie(s.Gateway, "lanyard_device", strings.Repeat("A", 43)) // no newcomer
		s.isKeptOut(t, name, walk(t, thief, s.request(id)+more, ""), ada.Subject, before)
	}
}

// ties changes what is known of sessions elsewhere.
func (s *site) ties(t *testing.T, change string, with ...any) {
	t.Helper()
	db, err := sql.Open("pgx", s.House.Database)
	good(t, err)
	defer func() { good(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), change, with...)
	good(t, err)
}

// Kratos' hook saw no cookie, as where Kratos is on another host, and the
// client was turned down: the session belongs to a device that is known by its
// looks, and nobody has had its cookie.
func copiedBeforeTheCookie(t *testing.T, s *site) {
	urls := func(login string) {
		good(t, s.Reconfigure(t.Context(), "hydra", func(config map[string]any) {
			config["urls"].(map[string]any)["login"] = login
		}))
	}
	foreign, err := s.Admin(http.MethodPost, "/admin/clients", map[string]any{
		"scope": "openid", "grant_types": []string{"authorization_code"}, "response_types": []string{"code"},
		"redirect_uris": []string{ory.Redirect}, "token_endpoint_auth_method": "none",
	})
	good(t, err)
	id, _ := s.client(t, true)
	direct := "http://" + s.KratosPublic + "/self-service/login/browser"
	for _, login := range []string{direct, s.House.Issuer + "/bridge/login"} {
		ada := s.registered(t, house.Laptop())
		b := s.surfer(t, ada, house.Laptop())
		urls(direct)
		p, err := b.Visit(strings.Replace(s.request(foreign.Text("client_id")), "+offline_access", "", 1))
		good(t, err)
		b.page = p
		for range 20 {
			if b.page.Away == nil || strings.HasPrefix(b.page.Away.String(), ory.Redirect) {
				break
			}
			p, err := b.Visit(b.page.Away.String())
			good(t, err)
			b.page = p
		}
		f, is := b.page.Form("/self-service/login")
		if !is {
			t.Fatalf("%s (%d) is not Kratos' sign-in:\n%s", b.page.URL, b.page.Status, b.page.Text)
		}
		p, err = b.Submit(b.page, f, map[string]string{"identifier": b.email, "password": ory.Password}, "password")
		for good(t, err); p.Away != nil && !strings.HasPrefix(p.Away.String(), ory.Redirect); good(t, err) {
			p, err = b.Visit(p.Away.String())
		}
		if b.deviceCookie() != "" || p.Away == nil {
			t.Fatalf("a client of somebody else's is not turned down: %s %s", p.URL, p.Text)
		}
		urls(login)
		before := len(s.devices(t, ada.Subject))
		for name, device := range map[string]string{"no cookie": "", "a cookie of the thief's": strings.Repeat("A", 43)} {
			thief := ada.Elsewhere(house.Laptop())
			s.copies(b, thief)
			if device != "" {
				thief.SetCookie(s.Gateway, "lanyard_device", device)
			}
			s.isKeptOut(t, login+", "+name, walk(t, thief, s.request(id), ""), ada.Subject, before)
			s.isKeptOut(t, login+", "+name+", in a body", walk(t, thief, s.request(id), "prompt=consent"), ada.Subject, before)
		}
	}
	urls(s.House.Issuer + "/bridge/login")
}

// Mallory signs in with her own account in the middle of a request that runs on
// a copy of Ada's session at Hydra: the session stays with Ada's device.
func copiedAndSignedInOver(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	id, _ := s.client(t, true)
	mallory := s.registered(t, house.Phone())
	thief := mallory.Elsewhere(house.Laptop())
	for _, c := range b.Cookies(s.Gateway) {
		if strings.HasPrefix(c.Name, "ory_hydra_session") {
			thief.SetCookie(s.Gateway, c.Name, c.Value)
		}
	}
	thief.SetCookie(s.Gateway, "lanyard_device", strings.Repeat("A", 43))
	_, at, err := thief.Begin(id)
	good(t, err)
	for !strings.Contains(at, "/self-service/login/browser") {
		at, err = thief.Visit(at)
		good(t, err)
	}
	u, err := url.Parse(at)
	good(t, err)
	a, err := thief.SignIn("?" + u.RawQuery)
	good(t, err)
	if a.Text("redirect_browser_to") == "" { // Hydra refuses her, and Kratos begins anew
		t.Fatalf("Mallory does not sign in: %d %s", a.Status, a.Body)
	}
	db, err := sql.Open("pgx", s.House.Database)
	good(t, err)
	defer func() { good(t, db.Close()) }()
	n := 0
	good(t, db.QueryRowContext(t.Context(),
		"SELECT count(*) FROM ties WHERE kind = 'hydra_login' AND subject = $1", ada.Subject).Scan(&n))
	if n == 0 {
		t.Error("Ada's session at Hydra belongs to Mallory's device")
	}
}
