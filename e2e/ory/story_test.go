//go:build ory

package ory_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// One Hydra, one Kratos and one lanyard serve these stories; each has people
// and clients of its own.
func TestBesideOry(t *testing.T) {
	s := open(t, change{})
	for _, story := range []struct {
		name string
		tell func(*testing.T, *site)
	}{
		{"a device ends everywhere", endsEverywhere},
		{"one of two devices ends, the other goes on", oneOfTwo},
		{"a chain that Hydra does not find is not said to have ended", unfound},
		{"a browser comes back as the same device", comesBack},
		{"an app is known by its own secret", appSecret},
		{"an ended device does not sign in again", keptOut},
		{"a new password ends the other devices", newPassword},
		{"a thief's refresh is refused and the owner goes on", lazyThief},
		{"a thief who looks altogether different ends the chain", plainThief},
		{"a spent token that comes back is told", reuse},
		{"a backend is not judged by its looks", backend},
		{"what a client says to the hook counts for nothing", forged},
		{"a hundred refreshes at once", hundred},
		{"requests that two parsers would read differently", twoParsers},
		{"a session that was ended at Kratos ends its device's grants", sessionEnded},
		{"Hydra is restarted in between", restarted},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, s) })
	}
}

func endsEverywhere(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	refreshes(t, c)
	refreshes(t, c)
	d := s.theDevice(t, ada.Subject)
	if d.Entrance != "kratos" {
		t.Errorf("enrolled by %s", d.Entrance)
	}
	if !s.signedIn(t, ada) {
		t.Fatal("no session at Kratos after the sign-in")
	}
	s.revoke(t, d)
	isRefused(t, c)
	eventually(t, "the session at Kratos ends", func() bool { return !s.signedIn(t, ada) })
	// v2.3.0 ends it because the client has no other chain of this subject.
	eventually(t, "Hydra's access token dies", func() bool {
		said, err := s.Introspect(c.Access)
		good(t, err)
		return said["active"] == false
	})
}

// signedIn asks Kratos whether the browser has a session.
func (s *site) signedIn(t *testing.T, p *ory.Person) bool {
	t.Helper()
	a, err := p.Do(http.MethodGet, "http://"+s.KratosPublic+"/sessions/whoami", nil, nil)
	good(t, err)
	return a.Status == http.StatusOK
}

func oneOfTwo(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	laptop := s.chain(t, ada, id, "", "")
	phone := s.chain(t, ada.Elsewhere(house.Phone()), id, "", "")
	list := s.devices(t, ada.Subject)
	if len(list) != 2 {
		t.Fatalf("devices: %+v", list)
	}
	s.revoke(t, list[0]) // newest first: the phone
	isRefused(t, phone)
	refreshes(t, laptop)
	said, err := s.Introspect(laptop.Access)
	good(t, err)
	if said["active"] != true {
		t.Error("ending the phone killed the laptop's tokens")
	}
}

func comesBack(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	for range 2 {
		a, err := ada.SignIn("")
		good(t, err)
		if a.Status != http.StatusOK {
			t.Fatalf("sign in: %d %s", a.Status, a.Body)
		}
		ada.Forget()
	}
	if d := s.theDevice(t, ada.Subject); d.Tier != "T1" {
		t.Errorf("by looks alone it is %s", d.Tier)
	}
}

func appSecret(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	app := ada.Elsewhere(http.Header{"User-Agent": {"Notes/3.1 okhttp/4.12.0"}})
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	says := map[string]any{"id": base64.RawURLEncoding.EncodeToString(raw), "os": "Android", "model": "Pixel 9"}
	for range 2 {
		a, err := app.AppSignIn(says)
		good(t, err)
		if a.Status != http.StatusOK {
			t.Fatalf("sign in: %d %s", a.Status, a.Body)
		}
	}
	list := s.devices(t, ada.Subject)
	if len(list) != 2 || list[0].Tier != "T2" { // the laptop's from registering
		t.Fatalf("devices: %+v", list)
	}
	s.revoke(t, list[0])
	a, err := app.AppSignIn(says)
	good(t, err)
	if !strings.Contains(string(a.Body), `"code":"device_revoked"`) || a.Status != http.StatusBadRequest {
		t.Errorf("an ended app signs in: %d %s", a.Status, a.Body)
	}
}

func keptOut(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	ada.SetCookie("http://"+s.KratosPublic, "lanyard_device", base64.RawURLEncoding.EncodeToString(raw))
	if a, err := ada.SignIn(""); err != nil || a.Status != http.StatusOK {
		t.Fatalf("sign in: %d %s %v", a.Status, a.Body, err)
	}
	list := s.devices(t, ada.Subject)
	if list[0].Tier != "T2" {
		t.Fatalf("the cookie was not seen: %+v", list)
	}
	s.revoke(t, list[0])
	eventually(t, "the session at Kratos ends", func() bool { return !s.signedIn(t, ada) })
	a, err := ada.SignIn("")
	good(t, err)
	if a.Status != http.StatusBadRequest || !strings.Contains(string(a.Body), `"code":"device_revoked"`) {
		t.Errorf("an ended device signs in: %d %s", a.Status, a.Body)
	}
}

// A form of Kratos' settings may offer to end the others; who does not take it
// keeps them.
func newPassword(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	laptop := s.chain(t, ada, id, "", "")
	other := ada.Elsewhere(house.Phone())
	phone := s.chain(t, other, id, "", "")
	good(t, ada.ChangePassword("another-Tr0ub4dor-and-5", ""))
	refreshes(t, phone)
	good(t, ada.ChangePassword("another-Tr0ub4dor-and-6", "&revoke=others"))
	isRefused(t, phone)
	refreshes(t, laptop)
	eventually(t, "the phone's session at Kratos ends", func() bool { return !s.signedIn(t, other) })
	if !s.signedIn(t, ada) {
		t.Error("the one who changed it was signed out")
	}
}

// A new browser on the same kind of computer is one change, not two: the call
// is refused, and the grant lives where it belongs.
func lazyThief(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	refreshes(t, c)
	thief := s.NewPerson(s.Gateway, http.Header{
		"User-Agent":      {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"},
		"Accept-Language": {"en-GB,en;q=0.9"},
	})
	isRefused(t, c.Stolen(thief))
	refreshes(t, c)
	eventually(t, "device.refused is told", func() bool { return s.told(t, "device.refused", ada.Subject) == 1 })
}

func plainThief(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	other, _ := s.client(t, true)
	c, elsewhere := s.chain(t, ada, id, "", ""), s.chain(t, ada, other, "", "")
	isRefused(t, c.Stolen(s.NewPerson(s.Gateway, house.Thief())))
	isRefused(t, c)
	refreshes(t, elsewhere)
	eventually(t, "the chain ends at Hydra", func() bool {
		said, err := s.Introspect(c.Access)
		good(t, err)
		return said["active"] == false
	})
	eventually(t, "session.hijack_suspected is told", func() bool { return s.told(t, "session.hijack_suspected", ada.Subject) == 1 })
}

func reuse(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	spent := *c
	refreshes(t, c)
	isRefused(t, &spent)
	eventually(t, "grant.reuse_detected is told", func() bool { return s.told(t, "grant.reuse_detected", ada.Subject) == 1 })
	isRefused(t, c)
}

func backend(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, secret := s.client(t, false)
	c := s.chain(t, ada, id, secret, "")
	refreshes(t, c)
	server := c.Stolen(s.NewPerson(s.Gateway, http.Header{"User-Agent": {"Go-http-client/1.1"}}))
	refreshes(t, server)
	s.revoke(t, s.theDevice(t, ada.Subject))
	isRefused(t, server)
}

func forged(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	for _, at := range []string{s.Gateway, "http://" + s.HydraPublic} {
		around := *c
		around.Person = s.NewPerson(at, house.Laptop())
		a, err := around.Token(url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {c.Held}, "assertion": {"ly_cx_AAAA"},
		})
		good(t, err)
		wants(t, a, http.StatusOK, "")
		c.Held = around.Held
	}
	// Hydra takes its tokens without their prefix too.
	c.Held = strings.TrimPrefix(c.Held, "ory_rt_")
	isRefused(t, c.Stolen(s.NewPerson(s.Gateway, house.Thief())))
}

// Hydra itself decides who of them wins. None may be told a trouble of ours,
// and nothing must be left that refreshes after the device has ended.
func hundred(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	var chains []*ory.Chain
	for range 4 {
		chains = append(chains, s.chain(t, ada, id, "", ""))
	}
	var all sync.WaitGroup
	var ok, other atomic.Int64
	for _, c := range chains {
		for range 25 {
			all.Go(func() {
				own := *c
				own.Person = s.NewPerson(s.Gateway, house.Laptop())
				a, err := own.Refresh()
				switch {
				case err == nil && a.Status == http.StatusOK:
					ok.Add(1)
				case err != nil || a.Status == http.StatusServiceUnavailable:
					other.Add(1)
				}
			})
		}
	}
	all.Wait()
	if ok.Load() < 4 || other.Load() > 0 {
		t.Errorf("%d allowed, %d in trouble", ok.Load(), other.Load())
	}
	s.revoke(t, s.theDevice(t, ada.Subject))
	for _, c := range chains {
		isRefused(t, c)
	}
}

func twoParsers(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	thief := s.NewPerson(s.Gateway, house.Thief())
	form := "grant_type=refresh_token&client_id=" + id + "&refresh_token=" + url.QueryEscape(c.Held)
	boundary := fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nrefresh_token\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\n%s\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"refresh_token\"\r\n\r\n%s\r\n--b--\r\n", id, c.Held)
	for name, try := range map[string]struct{ kind, path, body string }{
		"multipart":            {"multipart/form-data; boundary=b", "/oauth2/token", boundary},
		"a parameter twice":    {"application/x-www-form-urlencoded", "/oauth2/token", form + "&refresh_token=other"},
		"spaces in grant_type": {"application/x-www-form-urlencoded", "/oauth2/token", strings.Replace(form, "refresh_token&", "+refresh_token+&", 1)},
		"an encoded path":      {"application/x-www-form-urlencoded", "/oauth2/%74oken", form},
		"a doubled slash":      {"application/x-www-form-urlencoded", "/oauth2//token", form},
		"a slash at the end":   {"application/x-www-form-urlencoded", "/oauth2/token/", form},
		"too long":             {"application/x-www-form-urlencoded", "/oauth2/token", form + "&x=" + strings.Repeat("a", 64<<10)},
	} {
		a, err := thief.Do(http.MethodPost, s.Gateway+try.path, http.Header{"Content-Type": {try.kind}}, []byte(try.body))
		good(t, err)
		if a.Status == http.StatusOK || a.Status >= 500 || a.Text("access_token") != "" {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}

func restarted(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	refreshes(t, c)
	good(t, s.Hydra.Stop())
	a, err := c.Refresh()
	good(t, err)
	if a.Status != http.StatusServiceUnavailable {
		t.Errorf("without Hydra: %d %s", a.Status, a.Body)
	}
	good(t, s.Hydra.Start(t.Context()))
	refreshes(t, c)
	// What is to be ended there waits until it is back.
	good(t, s.Hydra.Stop())
	d := s.theDevice(t, ada.Subject)
	s.revoke(t, d)
	eventually(t, "a leg waits", func() bool { _, tried := s.receipt(t, d); return tried })
	if complete, _ := s.receipt(t, d); complete {
		t.Error("the receipt is complete while Hydra is down")
	}
	good(t, s.Hydra.Start(t.Context()))
	eventually(t, "every leg is confirmed", func() bool { complete, _ := s.receipt(t, d); return complete })
	isRefused(t, c)
}

// receipt reports whether every leg is settled, and whether one was tried and
// is not.
func (s *site) receipt(t *testing.T, d device) (complete, tried bool) {
	t.Helper()
	var r struct {
		Complete bool
		Legs     []struct {
			State, Trouble string
		}
	}
	s.admin(t, http.MethodGet, "/admin/devices/"+d.ID+"/receipt", &r)
	for _, l := range r.Legs {
		tried = tried || l.State == "pending" && l.Trouble != ""
	}
	return r.Complete && len(r.Legs) > 0, tried
}
