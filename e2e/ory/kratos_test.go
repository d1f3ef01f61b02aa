//go:build ory

package ory_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// A Kratos that sends mail, with every hook that lanyard answers.
func TestKratosHooks(t *testing.T) {
	mail, err := ory.NewMailbox()
	good(t, err)
	t.Cleanup(func() { good(t, mail.Close()) })
	s := open(t, change{plan: func(p *ory.Plan) { p.Mail = mail.Address }})
	for _, story := range []struct {
		name string
		tell func(*testing.T, *site, *ory.Mailbox)
	}{
		{"recovered by code in a browser", recoveredByCode},
		{"recovered by code in an app", recoveredInApp},
		{"recovered by link", recoveredByLink},
		{"an ended device recovers nothing", recoversNothing},
		{"an address is verified", verified},
		{"an app registers", appRegisters},
		{"signed in with a code", signedInByCode},
		{"signed in again to do more", refreshed},
		{"a full cap keeps a new device out", fullCap},
		{"a disabled subject does not sign in", disabledSubject},
		{"an ended device changes no password", endedChanges},
		{"a new password ends the others by the operator's word", standingWord},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, s, mail) })
	}
}

// soon is how long a mail may take.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// okay sees that Kratos went on.
func okay(t *testing.T, a ory.Answer, err error) {
	t.Helper()
	good(t, err)
	if a.Status != http.StatusOK {
		t.Fatalf("Kratos says %d %s", a.Status, a.Body)
	}
}

// shows sees that Kratos stopped a flow with a message of ours, where its
// pages show messages.
func shows(t *testing.T, a ory.Answer, code string) {
	t.Helper()
	var flow struct {
		UI struct {
			Messages []struct {
				ID         int
				Text, Type string
				Context    map[string]any
			}
		}
	}
	good(t, json.Unmarshal(a.Body, &flow))
	for _, m := range flow.UI.Messages {
		if m.Context["code"] == code && m.Type == "error" && m.ID/100 == 44700 && len(m.Text) > 20 {
			return
		}
	}
	t.Errorf("no page shows %s: %d %s", code, a.Status, a.Body)
}

// appDevice is what an app says of its device.
func appDevice() map[string]any {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	return map[string]any{"id": base64.RawURLEncoding.EncodeToString(raw), "os": "Android", "model": "Pixel 9"}
}

func app() http.Header { return http.Header{"User-Agent": {"Notes/3.1 okhttp/4.12.0"}} }

// newest returns the device that was met last, out of so many.
func (s *site) newest(t *testing.T, subject string, of int) device {
	t.Helper()
	list := s.devices(t, subject)
	if len(list) != of {
		t.Fatalf("%d devices, want %d: %+v", len(list), of, list)
	}
	return list[0]
}

func recoveredByCode(t *testing.T, s *site, mail *ory.Mailbox) {
	ada := s.registered(t, house.Laptop())
	phone := ada.Elsewhere(house.Phone())
	a, err := phone.Recover(soon(t), mail, "browser", nil)
	okay(t, a, err)
	d := s.newest(t, ada.Subject, 2)
	if !s.signedIn(t, phone) {
		t.Fatal("recovering signed nobody in")
	}
	s.revoke(t, d)
	eventually(t, "the recovery's session ends", func() bool { return !s.signedIn(t, phone) })
}

func recoveredInApp(t *testing.T, s *site, mail *ory.Mailbox) {
	ada := s.registered(t, house.Laptop())
	phone, says := ada.Elsewhere(app()), appDevice()
	a, err := phone.Recover(soon(t), mail, "api", says)
	okay(t, a, err)
	d := s.newest(t, ada.Subject, 2)
	if d.Tier != "T2" {
		t.Errorf("with its own secret it is %+v", d)
	}
	s.revoke(t, d)
	a, err = phone.AppSignIn(says)
	good(t, err)
	shows(t, a, "device_revoked")
}

func recoveredByLink(t *testing.T, s *site, mail *ory.Mailbox) {
	good(t, s.Rekratos(t.Context(), func(p *ory.Plan) { p.RecoverBy = "link" }))
	defer func() { good(t, s.Rekratos(t.Context(), func(p *ory.Plan) { p.RecoverBy = "code" })) }()
	ada := s.registered(t, house.Laptop())
	phone := ada.Elsewhere(house.Phone())
	a, err := phone.RecoverByLink(soon(t), mail)
	good(t, err)
	if a.Status != http.StatusSeeOther || !strings.Contains(a.Header.Get("Location"), "/ui/settings") {
		t.Fatalf("the link leads to %d %v", a.Status, a.Header)
	}
	d := s.newest(t, ada.Subject, 2)
	s.revoke(t, d)
	eventually(t, "the recovery's session ends", func() bool { return !s.signedIn(t, phone) })
}

func recoversNothing(t *testing.T, s *site, mail *ory.Mailbox) {
	ada := s.registered(t, house.Laptop())
	says := appDevice()
	ada.SetCookie("http://"+s.KratosPublic, "lanyard_device", says["id"].(string))
	a, err := ada.SignIn("")
	okay(t, a, err)
	s.revoke(t, s.newest(t, ada.Subject, 2))
	eventually(t, "its session ends", func() bool { return !s.signedIn(t, ada) })
	a, err = ada.Recover(soon(t), mail, "browser", nil)
	good(t, err)
	if s.signedIn(t, ada) {
		t.Error("an ended device recovers an account")
	}
	// Kratos begins the recovery anew, and says there why.
	var anew struct {
		Error struct {
			Details struct {
				Next []struct{ Flow struct{ ID string } } `json:"continue_with"`
			}
		}
	}
	good(t, json.Unmarshal(a.Body, &anew))
	if len(anew.Error.Details.Next) != 1 {
		t.Fatalf("Kratos says %d %s", a.Status, a.Body)
	}
	a, err = ada.Flow("recovery", anew.Error.Details.Next[0].Flow.ID)
	good(t, err)
	shows(t, a, "device_revoked")
}

func verified(t *testing.T, s *site, mail *ory.Mailbox) {
	ada := s.registered(t, house.Laptop())
	a, err := ada.Verify(soon(t), mail)
	okay(t, a, err)
	if a.Text("state") != "passed_challenge" {
		t.Errorf("verifying: %s", a.Body)
	}
	s.theDevice(t, ada.Subject) // and no other
}

func appRegisters(t *testing.T, s *site, _ *ory.Mailbox) {
	ada, says := s.NewPerson(s.Gateway, app()), appDevice()
	a, err := ada.AppRegister(says)
	okay(t, a, err)
	eventually(t, "the registration is heard of", func() bool { return len(s.devices(t, ada.Subject)) == 1 })
	a, err = ada.AppSignIn(says)
	okay(t, a, err)
	if d := s.theDevice(t, ada.Subject); d.Tier != "T2" {
		t.Errorf("with its own secret it is %+v", d)
	}
}

func signedInByCode(t *testing.T, s *site, mail *ory.Mailbox) {
	ada := s.registered(t, house.Laptop())
	phone := ada.Elsewhere(house.Phone())
	a, err := phone.SignInByCode(soon(t), mail)
	okay(t, a, err)
	s.revoke(t, s.newest(t, ada.Subject, 2))
	eventually(t, "its session ends", func() bool { return !s.signedIn(t, phone) })
}

// A second sign-in in the same session, before something that matters.
func refreshed(t *testing.T, s *site, _ *ory.Mailbox) {
	ada := s.registered(t, house.Laptop())
	a, err := ada.SignIn("")
	okay(t, a, err)
	a, err = ada.SignIn("?refresh=true")
	okay(t, a, err)
	d := s.theDevice(t, ada.Subject)
	s.revoke(t, d)
	eventually(t, "the session ends", func() bool { return !s.signedIn(t, ada) })
	complete, _ := s.receipt(t, d)
	if !complete {
		eventually(t, "every leg is confirmed", func() bool { complete, _ := s.receipt(t, d); return complete })
	}
}

// as starts lanyard again with other settings.
func (s *site) as(t *testing.T, settings ...house.Setting) {
	t.Helper()
	s.House.Stop()
	s.House.Change(settings...)
	good(t, s.House.Launch())
}

func fullCap(t *testing.T, s *site, _ *ory.Mailbox) {
	s.as(t, house.Set("devices.max_per_subject", 2), house.Set("devices.eviction", "refuse_new"))
	defer s.as(t, house.Set("devices.max_per_subject", 0), house.Set("devices.eviction", "idle_oldest"))
	ada := s.registered(t, house.Laptop())
	phone, tablet := ada.Elsewhere(house.Phone()), ada.Elsewhere(house.Tablet())
	a, err := phone.SignIn("")
	okay(t, a, err)
	a, err = tablet.SignIn("")
	good(t, err)
	if a.Status != http.StatusBadRequest {
		t.Errorf("a third device of two: %d", a.Status)
	}
	shows(t, a, "device_limit")
	to, shown, err := tablet.SignInByForm()
	good(t, err)
	if !strings.Contains(to, "/ui/login?flow=") || s.signedIn(t, tablet) {
		t.Errorf("the form leads to %s", to)
	}
	shows(t, shown, "device_limit")
	a, err = ada.SignIn("") // the laptop has its place
	okay(t, a, err)
	s.revoke(t, s.newest(t, ada.Subject, 2))
	a, err = tablet.SignIn("")
	okay(t, a, err)
}

func disabledSubject(t *testing.T, s *site, _ *ory.Mailbox) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	s.House.CLI("users", "disable", ada.Subject)
	isRefused(t, c)
	again := ada.Elsewhere(house.Laptop())
	a, err := again.SignIn("")
	good(t, err)
	shows(t, a, "subject_disabled")
	_, shown, err := again.SignInByForm()
	good(t, err)
	shows(t, shown, "subject_disabled")
	s.House.CLI("users", "enable", ada.Subject)
	a, err = again.SignIn("")
	okay(t, a, err)
}

// Where nobody ends its session at Kratos, the ended device still has one.
func endedChanges(t *testing.T, s *site, _ *ory.Mailbox) {
	admin := "http://" + s.KratosAdmin
	s.as(t, house.Set("hooks.kratos.admin_url", ""))
	defer s.as(t, house.Set("hooks.kratos.admin_url", admin))
	ada := s.registered(t, house.Laptop())
	ada.SetCookie("http://"+s.KratosPublic, "lanyard_device", appDevice()["id"].(string))
	a, err := ada.SignIn("")
	okay(t, a, err)
	s.revoke(t, s.newest(t, ada.Subject, 2))
	if err := ada.ChangePassword("another-Tr0ub4dor-and-5", ""); err == nil || !strings.Contains(err.Error(), `"code":"device_revoked"`) {
		t.Errorf("an ended device changes the password: %v", err)
	}
	again := ada.Elsewhere(house.Laptop())
	a, err = again.SignIn("") // with the password as it was
	okay(t, a, err)
}

func standingWord(t *testing.T, s *site, _ *ory.Mailbox) {
	good(t, s.Rekratos(t.Context(), func(p *ory.Plan) { p.RevokeOthers = true }))
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	laptop := s.chain(t, ada, id, "", "")
	other := ada.Elsewhere(house.Phone())
	other.SetCookie("http://"+s.KratosPublic, "lanyard_device", appDevice()["id"].(string))
	phone := s.chain(t, other, id, "", "")
	other.Secret = "another-Tr0ub4dor-and-7"
	good(t, ada.ChangePassword(other.Secret, ""))
	isRefused(t, phone)
	refreshes(t, laptop)
	eventually(t, "its session at Kratos ends", func() bool { return !s.signedIn(t, other) })
	// Who knows the new password comes back, cookie and all, as a new device.
	a, err := other.SignIn("")
	okay(t, a, err)
	s.newest(t, ada.Subject, 3)
}
