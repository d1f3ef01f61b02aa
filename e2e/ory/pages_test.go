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

// The pages where owners sign in with a session of Kratos. Kratos starts after
// lanyard, which waits for nobody.
func TestPagesWithKratos(t *testing.T) {
	s := open(t, change{late: func(p ory.Plan) []house.Setting {
		return []house.Setting{
			house.Set("webui.sign_in", "kratos"), house.Set("hooks.kratos.public_url", "http://"+p.KratosPublic),
		}
	}})
	s.pages(t)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *site)
	}{
		{"an owner sees and ends devices", ownerWithKratos},
		{"a fresh sign-in comes in between", freshWithKratos},
		{"Kratos ends the session", endedAtKratos},
		{"signing out is signing out of Kratos", signOutOfKratos},
		{"an ended device ends its session", endedDeviceWithKratos},
		{"a copied session is nobody's", copiedFromKratos},
		{"a thief writes that the sign-in is fresh", forgedWithKratos},
		{"a thief waits for a fresh sign-in", patientWithKratos},
		{"one browser, two people", twoPeople},
		{"Kratos wants a second factor", secondFactor},
		{"nothing leads elsewhere", nowhereElse},
		{"the API takes the session", apiWithKratos},
		{"Kratos is away", kratosAway},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, s) })
	}
}

func ownerWithKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	phone := s.chain(t, ada.Elsewhere(house.Phone()), id, "", "")
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.is("/devices")
	b.sees("Your devices", "You are signed in on 2 devices", "This device", "Chrome on Windows", "Safari on iPhone", ada.Email)
	// What Kratos' hooks met by its looks is this browser, by its cookie now.
	tiers := map[string]string{}
	list := s.devices(t, ada.Subject)
	for _, d := range list {
		tiers[d.Tier] = d.ID
	}
	if len(list) != 2 || tiers["T2"] == "" || tiers["T1"] == "" {
		t.Fatalf("devices: %+v", list)
	}
	b.goes("/devices/" + tiers["T1"] + "/end")
	b.submits("/end")
	b.sees("The device was signed out")
	isRefused(t, phone)
	eventually(t, "the phone's session at Kratos ends", func() bool { return !s.signedIn(t, phone.Person) })
	eventually(t, "the receipt tells of both servers", func() bool {
		b.goes("/devices/" + tiers["T1"] + "/ended")
		return strings.Contains(b.page.Text, "Sign-in to your account \u2069: ended") ||
			strings.Contains(b.page.Text, "Sign-in to your account : ended")
	})
	b.sees("On other servers", "Access for", "Sign-in for apps")
	b.goes("/devices")
	b.sees("You are signed in on this device only")
}

// ages makes what Kratos knows of a proof an hour old.
func (s *site) ages(t *testing.T, subject string) {
	t.Helper()
	db, err := sql.Open("pgx", s.KratosDatabase)
	good(t, err)
	defer func() { good(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(),
		"UPDATE sessions SET authenticated_at = authenticated_at - interval '1 hour' WHERE identity_id = $1", subject)
	good(t, err)
}

func freshWithKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	phone := s.chain(t, ada.Elsewhere(house.Phone()), id, "", "")
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	s.ages(t, ada.Subject)
	target := ""
	for _, d := range s.devices(t, ada.Subject) {
		if d.Tier == "T1" {
			target = d.ID
		}
	}
	before := b.only("lanyard_pages")[0].Value
	b.goes("/devices/" + target + "/end")
	b.submits("/end")
	if !b.asked() {
		t.Fatalf("a young device ends another with an old sign-in: %s %s", b.page.URL, b.page.Text)
	}
	refreshes(t, phone)
	b.proves()
	b.is("/devices/" + target + "/ended")
	if b.only("lanyard_pages")[0].Value == before {
		t.Error("the session is the one before the sign-in")
	}
	b.sees("The device was signed out")
	isRefused(t, phone)
	// A fresh sign-in that is not given is none: coming back by oneself.
	s.ages(t, ada.Subject)
	begun := b.calls(http.MethodGet, "/devices/signin?fresh=1", nil)
	to, err := begun.Location()
	good(t, err)
	if to.Query().Get("refresh") != "true" {
		t.Errorf("asked with %s", to)
	}
	b.SetCookies(s.House.Issuer, begun.Cookies())
	back, err := url.Parse(to.Query().Get("return_to"))
	good(t, err)
	b.goes(back.RequestURI())
	b.sees("You are not signed in")
}

func endedAtKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.goes("/devices")
	b.is("/devices")
	_, err := ada.Do(http.MethodDelete, "http://"+s.KratosAdmin+"/admin/identities/"+ada.Subject+"/sessions", nil, nil)
	good(t, err)
	b.goes("/devices")
	if !b.asked() {
		t.Fatalf("the pages outlive Kratos' session: %s %s", b.page.URL, b.page.Text)
	}
	b.proves()
	b.is("/devices")
}

func signOutOfKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	copied := b.only("ory_kratos_session")
	b.submits("/devices/signout")
	b.is("/devices/goodbye")
	ada.SetCookie("http://"+s.KratosPublic, copied[0].Name, copied[0].Value)
	if s.signedIn(t, ada) {
		t.Error("Kratos' session lives on")
	}
	b.goes("/devices")
	if !b.asked() {
		t.Errorf("still signed in: %s", b.page.Text)
	}
	// Ending this very device does the same.
	b.proves()
	b.sees("You are signed in on this device only")
	b.goes("/devices/" + s.live(t, ada.Subject) + "/end")
	b.submits("/end")
	b.is("/devices/goodbye")
	b.goes("/devices")
	if !b.asked() {
		t.Errorf("still signed in: %s", b.page.Text)
	}
}

// live returns the one device that is left of somebody.
func (s *site) live(t *testing.T, subject string) string {
	t.Helper()
	var live []device
	for _, d := range s.devices(t, subject) {
		if d.State != "revoked" {
			live = append(live, d)
		}
	}
	if len(live) != 1 {
		t.Fatalf("live devices: %+v", live)
	}
	return live[0].ID
}

func endedDeviceWithKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	s.revoke(t, s.theDevice(t, ada.Subject))
	b.goes("/devices")
	b.sees("This device was signed out")
	// Whether or not Kratos has ended its session by now, that opens nothing,
	// and the hook keeps out who still holds the device's cookie.
	b.goes("/devices")
	if !b.asked() {
		b.sees("This device was signed out")
		b.goes("/devices/signin?fresh=1")
	}
	b.proves()
	b.sees("This device was signed out")
}

// A thief with Kratos' cookie has the session at Kratos. At the pages it opens
// nothing: the device's own cookie is not with it.
func copiedFromKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	for name, looks := range map[string]http.Header{"that looks the same": house.Laptop(), "that looks otherwise": house.Thief()} {
		for _, cookies := range [][]string{{"ory_kratos_session"}, {"ory_kratos_session", "lanyard_pages"}} {
			thief := s.surfer(t, ada, looks)
			thief.SetCookies(s.House.Issuer, b.only(cookies...))
			thief.goes("/devices")
			if !thief.asked() {
				t.Errorf("a browser %s with %v is let in: %s %s", name, cookies, thief.page.URL, thief.page.Text)
			}
		}
	}
	if n := s.told(t, "session.hijack_suspected", ada.Subject); n == 0 {
		t.Error("nobody is told")
	}
	b.goes("/devices")
	b.sees("You are signed in on this device only")
	// A session that was planted is not taken up.
	eve := s.registered(t, house.Laptop())
	victim := s.surfer(t, eve, house.Laptop())
	victim.SetCookies(s.House.Issuer, b.only("lanyard_pages"))
	victim.goes("/devices")
	victim.proves()
	victim.sees(eve.Email)
	if victim.only("lanyard_pages")[0].Value == b.only("lanyard_pages")[0].Value {
		t.Error("the planted session was taken up")
	}
}

func twoPeople(t *testing.T, s *site) {
	ada, eve := s.registered(t, house.Laptop()), s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.sees(ada.Email)
	// Eve signs in at Kratos in the same browser, and lanyard hears nothing.
	other := s.surfer(t, eve, house.Laptop())
	other.goes("/devices")
	other.proves()
	b.SetCookies(s.House.Issuer, other.only("ory_kratos_session"))
	b.email = eve.Email
	b.goes("/devices")
	if strings.Contains(b.page.Text, ada.Email) {
		t.Fatalf("Eve sees Ada's devices: %s", b.page.Text)
	}
}

func secondFactor(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	if a, err := ada.SignIn(""); err != nil || a.Status != http.StatusOK {
		t.Fatal(a.Status, err)
	}
	codes, err := ada.AddCodes()
	good(t, err)
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.proveMore(codes[0])
	b.is("/devices")
	b.sees("You are signed in on this device only")
	// A session that has only the password opens nothing.
	half := s.surfer(t, ada, house.Phone())
	half.goes("/devices")
	half.proves()
	if a := half.calls(http.MethodGet, "/api/v1/devices", nil); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("with the password alone: %d", a.StatusCode)
	}
	half.goes("/devices") // Kratos takes it for signed in, and sends it back
	half.proveMore(codes[1])
	half.is("/devices")
	half.sees("You are signed in on 2 devices")
}

func nowhereElse(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	for _, back := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "/devices/../../evil", "javascript:alert(1)"} {
		b := s.surfer(t, ada, house.Laptop())
		b.goes("/devices/signin?back=" + url.QueryEscape(back))
		b.proves()
		b.is("/devices")
	}
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices/callback?state=x")
	b.sees("You are not signed in")
	if b.page.Status != http.StatusBadRequest {
		t.Errorf("status %d", b.page.Status)
	}
}

func apiWithKratos(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	same := http.Header{"Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"application/json"}}
	cross := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}, "Content-Type": {"application/json"}}
	for _, c := range []struct {
		method, path string
		header       http.Header
		status       int
	}{
		{"GET", "/api/v1/devices", same, 200}, {"GET", "/api/v1/devices", cross, 403},
		{"POST", "/api/v1/devices/revoke-all", cross, 403}, {"POST", "/api/v1/devices/revoke-all", same, 200},
	} {
		if a := b.calls(c.method, c.path, c.header); a.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, a.StatusCode, c.status)
		}
	}
	_, err := ada.Do(http.MethodDelete, "http://"+s.KratosAdmin+"/admin/identities/"+ada.Subject+"/sessions", nil, nil)
	good(t, err)
	if a := b.calls("GET", "/api/v1/devices", same); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a session at Kratos: %d", a.StatusCode)
	}
}

func kratosAway(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	good(t, s.Kratos.Stop())
	b.goes("/devices")
	b.sees("Sign-in is not available right now")
	if b.page.Status != http.StatusServiceUnavailable || b.page.Header.Get("Retry-After") == "" {
		t.Errorf("status %d", b.page.Status)
	}
	if a := b.calls("GET", "/api/v1/devices", nil); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the API: %d", a.StatusCode)
	}
	good(t, s.Kratos.Start(t.Context()))
	b.goes("/devices")
	b.sees("You are signed in on this device only")
}
