//go:build ory

package ory_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

const pagesSecret = "a secret between Hydra and the pages"

// The pages as a client of Hydra, behind which the bridge has Kratos ask for
// the password. All of it starts after lanyard.
func TestPagesWithHydra(t *testing.T) {
	s := open(t, change{
		plan: func(p *ory.Plan) {
			p.Login, p.Consent = p.Lanyard+"/bridge/login", p.Lanyard+"/bridge/consent"
		},
		late: func(p ory.Plan) []house.Setting {
			return []house.Setting{
				house.Set("identity.kind", "kratos"),
				house.Set("identity.public_url", "http://"+p.KratosPublic),
				house.Set("identity.admin_url", "http://"+p.KratosAdmin),
				house.Set("identity.ui_url", "http://"+p.KratosPublic+"/ui"),
				house.Set("webui.sign_in", "oidc"), house.Set("webui.issuer", p.Issuer),
				house.Set("webui.client_id", "lanyard-pages"), house.Set("webui.client_secret", pagesSecret),
			}
		},
	})
	s.pages(t)
	good(t, s.Reconfigure(t.Context(), "hydra", func(config map[string]any) {
		config["urls"].(map[string]any)["logout"] = s.House.Issuer + "/bridge/logout"
	}))
	_, err := s.Admin(http.MethodPost, "/admin/clients", map[string]any{
		"client_id": "lanyard-pages", "client_secret": pagesSecret, "scope": "openid",
		"grant_types": []string{"authorization_code"}, "response_types": []string{"code"},
		"redirect_uris":             []string{s.House.Issuer + "/devices/callback"},
		"post_logout_redirect_uris": []string{s.House.Issuer + "/devices/goodbye"},
		"metadata":                  map[string]any{"first_party": true},
	})
	good(t, err)
	// Hydra makes its keys at the first request, and gives up with the browser's.
	made, err := http.Get(s.Issuer + "/.well-known/openid-configuration")
	good(t, err)
	good(t, made.Body.Close())
	for _, story := range []struct {
		name string
		tell func(*testing.T, *site)
	}{
		{"an owner sees and ends devices", ownerWithHydra},
		{"a fresh sign-in comes in between", freshWithHydra},
		{"signing out is signing out of Hydra", signOutOfHydra},
		{"an ended device ends its session", endedDeviceWithHydra},
		{"a copied session is nobody's", copiedFromHydra},
		{"a thief writes that the sign-in is fresh", forgedWithHydra},
		{"a thief demands no sign-in in a body", copiedIntoABody},
		{"a session is copied before its device has a cookie", copiedBeforeTheCookie},
		{"somebody else signs in on a copied session", copiedAndSignedInOver},
		{"answers that are not from Hydra", foreignAnswers},
		{"a logout that nobody asked for", unaskedLogout},
		{"a page of another site brings no device", foreignSignIns},
		{"two sign-ins in one browser at once", twoTabs},
		{"the login is not the bridge's", loginElsewhere},
		{"Hydra is away", hydraAway},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, s) })
	}
}

// newcomer is somebody who has registered long ago, now at their laptop: the
// device that registering met by its looks is gone, and this one is the first.
// They registered on a tablet: Kratos does not name the session of a
// registration, so that it is ended by about when it began, and whose
// User-Agent it has; a laptop's would be ended with it for ten seconds.
func (s *site) newcomer(t *testing.T) (*ory.Person, *surfer) {
	t.Helper()
	p := s.registered(t, house.Tablet())
	for _, d := range s.devices(t, p.Subject) {
		s.revoke(t, d)
	}
	b := s.surfer(t, p, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.is("/devices")
	b.sees("You are signed in on this device only", "This device", "Chrome on Windows")
	return p, b
}

func ownerWithHydra(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	id, _ := s.client(t, true)
	phone := s.chain(t, ada.Elsewhere(house.Phone()), id, "", "")
	b.goes("/devices")
	b.sees("Your devices", "You are signed in on 2 devices", "This device", "Chrome on Windows", "Safari on iPhone")
	// The device is the one that the bridge has put into the session.
	list := s.devices(t, ada.Subject)
	if len(list) != 3 {
		t.Fatalf("devices: %+v", list)
	}
	target := list[0].ID // newest first
	b.goes("/devices/" + target + "/end")
	b.submits("/end")
	b.sees("The device was signed out")
	isRefused(t, phone)
	eventually(t, "Hydra's access token dies", func() bool {
		said, err := s.Introspect(phone.Access)
		good(t, err)
		return said["active"] == false
	})
	eventually(t, "the receipt is whole", func() bool {
		b.goes("/devices/" + target + "/ended")
		return strings.Contains(b.page.Text, "On other servers") && !strings.Contains(b.page.Text, "Reload this page")
	})
	b.sees("Access for", "ended")
	// Without a session here, but one at Hydra: nobody is asked, and it is the
	// same device.
	again := s.surfer(t, ada, house.Laptop())
	again.SetCookies(s.House.Issuer, slices.DeleteFunc(b.Cookies(s.House.Issuer), func(c *http.Cookie) bool {
		return strings.HasPrefix(c.Name, "lanyard_pages")
	}))
	again.goes("/devices")
	again.is("/devices")
	again.sees("You are signed in on this device only")
}

// staled makes what the pages know of a proof an hour old.
func (s *site) staled(t *testing.T, subject string) {
	t.Helper()
	db, err := sql.Open("pgx", s.House.Database)
	good(t, err)
	defer func() { good(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), "UPDATE web_sessions SET auth_time = auth_time - 3600000000 WHERE subject = $1", subject)
	good(t, err)
}

func freshWithHydra(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	id, _ := s.client(t, true)
	phone := s.chain(t, ada.Elsewhere(house.Phone()), id, "", "")
	s.staled(t, ada.Subject)
	b.goes("/devices/others")
	b.submits("/devices/others")
	if !b.asked() {
		t.Fatalf("a young device ends others with an old sign-in: %s %s", b.page.URL, b.page.Text)
	}
	refreshes(t, phone)
	b.proves()
	b.is("/devices/others/ended")
	b.sees("device was signed out")
	isRefused(t, phone)
}

func signOutOfHydra(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	b.submits("/devices/signout")
	b.is("/devices/goodbye")
	b.goes("/devices")
	if !b.asked() {
		t.Fatalf("still signed in: %s %s", b.page.URL, b.page.Text)
	}
	b.proves()
	b.sees("You are signed in on this device only")
	// Ending this very device does the same, while Hydra is told of it, too.
	b.goes("/devices/" + s.live(t, ada.Subject) + "/end")
	b.submits("/end")
	b.is("/devices/goodbye")
	b.goes("/devices")
	if !b.asked() {
		t.Errorf("still signed in: %s %s", b.page.URL, b.page.Text)
	}
}

func endedDeviceWithHydra(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	s.revoke(t, s.devices(t, ada.Subject)[0])
	b.goes("/devices")
	b.sees("This device was signed out")
	if a := b.calls(http.MethodGet, "/api/v1/devices", nil); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the API: %d", a.StatusCode)
	}
}

func copiedFromHydra(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	for name, looks := range map[string]http.Header{"that looks the same": house.Laptop(), "that looks otherwise": house.Thief()} {
		thief := s.surfer(t, ada, looks)
		thief.SetCookies(s.House.Issuer, b.only("lanyard_pages"))
		thief.goes("/devices")
		if !thief.asked() {
			t.Errorf("a browser %s is let in: %s %s", name, thief.page.URL, thief.page.Text)
		}
	}
	b.goes("/devices")
	b.sees("You are signed in on this device only")
	// A session that was planted is not taken up.
	eve := s.registered(t, house.Laptop())
	victim := s.surfer(t, eve, house.Laptop())
	victim.SetCookies(s.House.Issuer, b.only("lanyard_pages"))
	victim.goes("/devices")
	victim.proves()
	victim.is("/devices")
	if victim.only("lanyard_pages")[0].Value == b.only("lanyard_pages")[0].Value {
		t.Error("the planted session was taken up")
	}
}

func foreignAnswers(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	for _, back := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "/login"} {
		b := s.surfer(t, ada, house.Laptop())
		b.goes("/devices/signin?back=" + url.QueryEscape(back))
		b.proves()
		b.is("/devices")
	}
	b := s.surfer(t, ada, house.Laptop())
	begun := b.calls(http.MethodGet, "/devices/signin", nil)
	to, err := begun.Location()
	good(t, err)
	state := url.QueryEscape(to.Query().Get("state"))
	for name, query := range map[string]string{
		"another issuer": "code=x&state=" + state + "&iss=https%3A%2F%2Fevil.example",
		"another state":  "code=x&state=y", "a code of nobody's": "code=ory_ac_x&state=" + state,
		"turned down": "error=access_denied&state=" + state,
	} {
		b := s.surfer(t, ada, house.Laptop())
		b.SetCookies(s.House.Issuer, begun.Cookies())
		b.goes("/devices/callback?" + query)
		if b.page.Status != http.StatusBadRequest || len(b.only("lanyard_pages")) > 0 {
			t.Errorf("%s: %d %s", name, b.page.Status, b.page.Text)
		}
		b.sees("You are not signed in")
	}
}

// Any page may send a browser to Hydra's logout. Without the session's ID token
// that signs nobody out.
func unaskedLogout(t *testing.T, s *site) {
	_, b := s.newcomer(t)
	p, err := b.Visit(s.Gateway + "/oauth2/sessions/logout")
	good(t, err)
	b.page = p
	b.on()
	if !strings.Contains(b.page.Body, "You are still signed in") {
		t.Errorf("%s (%d): %s", b.page.URL, b.page.Status, b.page.Body)
	}
	b.goes("/devices/signin")
	b.is("/devices")
}

func hydraAway(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	good(t, s.Hydra.Stop())
	s.House.Stop() // what it knows of Hydra is forgotten
	good(t, s.House.Launch())
	b.goes("/devices")
	b.sees("Your devices") // who is in stays in
	stranger := s.surfer(t, ada, house.Phone())
	stranger.goes("/devices")
	stranger.sees("Sign-in is not available right now")
	if stranger.page.Status != http.StatusServiceUnavailable {
		t.Errorf("status %d", stranger.page.Status)
	}
	good(t, s.Hydra.Start(t.Context()))
	eventually(t, "Hydra is found", func() bool { stranger.goes("/devices"); return stranger.asked() })
	stranger.proves()
	stranger.is("/devices")
}
