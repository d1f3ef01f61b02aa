package cmd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

const operatorToken = "a-token-of-the-operator-of-32-characters"

// adasDevices fills the working directory's database: Ada's laptop with a
// grant, and her phone. It returns an admin API on it.
func adasDevices(t *testing.T, m *terminal) (laptop, phone devices.Device, adminURL string) {
	t.Helper()
	m.runs(0, "migrate", "up")
	s, err := store.Open(t.Context(), "sqlite:lanyard.db", store.WithNow(time.Now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ids := 0
	registry := &devices.Registry{
		Store: s, Consents: s, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: time.Now,
		NewID: func() string { ids++; return fmt.Sprintf("01990000-0000-7000-8000-%012d", ids) },
	}
	enroll := func(sighting devices.Sighting) devices.Device {
		met, err := registry.Enroll(t.Context(), "ada", sighting)
		if err != nil {
			t.Fatal(err)
		}
		return met.Device
	}
	laptop = enroll(devicestest.Sees(devicestest.LaptopHeaders(), "192.0.2.7"))
	phone = enroll(devicestest.Sees(devicestest.PhoneHeaders(), "198.51.100.9"))
	grant := devicestest.GrantOn(laptop, func(g *devices.Grant) {
		g.ID, g.ClientID, g.NotAfter = "01990000-0000-7000-8000-00000000aaaa", "web", time.Now().Add(time.Hour)
		g.IdleUntil = time.Time{}
	})
	if err := s.OpenGrant(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	consent := oauth.Consent{Subject: "ada", ClientID: "shop", Scopes: []string{"openid"}, At: time.Now()}
	if err := s.PutConsent(t.Context(), consent); err != nil {
		t.Fatal(err)
	}
	admin := httptest.NewServer(api.NewAdmin(api.AdminConfig{
		Registry: registry, Finder: s, Subjects: s, Tokens: accesskey.New(accesskey.Config{Keys: []string{operatorToken}}),
	}).Handler())
	t.Cleanup(admin.Close)
	return laptop, phone, admin.URL
}

// Every command works alike through the admin API and on the database.
func TestOperator(t *testing.T) {
	for _, way := range []string{"through the admin API", "offline"} {
		t.Run(way, func(t *testing.T) {
			m := newTerminal(t)
			laptop, phone, adminURL := adasDevices(t, m)
			reach := []string{"--offline"}
			if way != "offline" {
				reach = []string{"--admin-url", adminURL}
				t.Setenv("LANYARD_ADMIN_TOKEN", operatorToken)
			}
			with := func(args ...string) []string { return append(args, reach...) }

			var found []api.AdminDevice
			m.prints(&found, with("devices", "list")...)
			if len(found) != 2 {
				t.Fatalf("found %+v", found)
			}
			m.prints(&found, with("devices", "list", "--ip", "198.51.100.0/24", "--subject", "ada")...)
			if len(found) != 1 || found[0].ID != phone.ID {
				t.Errorf("found %+v", found)
			}

			var named api.AdminDevice
			m.prints(&named, with("devices", "rename", phone.ID, "Ada's phone")...)
			if named.Name != "Ada's phone" {
				t.Errorf("named it %q", named.Name)
			}
			m.complains(1, "device_not_found", with("devices", "rename", "nonsense", "x")...)

			for _, row := range []struct {
				flags           []string
				change, signOut bool
			}{
				{[]string{"--no-change", "--no-sign-out"}, false, false}, {[]string{"--change"}, true, false},
				{nil, true, true}, {[]string{"--no-change"}, false, true}, {[]string{"--change"}, true, true},
			} {
				var d api.AdminDevice
				m.prints(&d, with(append([]string{"devices", "permit", phone.ID}, row.flags...)...)...)
				if d.ID != phone.ID || d.CanUpdateOthers != row.change || d.CanDeleteOthers != row.signOut {
					t.Errorf("%v: got %+v", row.flags, d)
				}
			}
			m.complains(1, "device_not_found", with("devices", "permit", "nonsense")...)

			var grants []api.Grant
			m.prints(&grants, with("grants", "list", "--device", laptop.ID)...)
			if len(grants) != 1 || grants[0].ClientID != "web" {
				t.Fatalf("grants %+v", grants)
			}
			m.runs(0, with("grants", "revoke", grants[0].ID)...)
			out, _ := m.runs(0, with("grants", "list")...)
			if !strings.Contains(out, "revoked (revoked_by_operator)") {
				t.Errorf("printed %s", out)
			}

			var apps []api.Consent
			m.prints(&apps, with("consents", "list", "ada")...)
			if len(apps) != 1 || apps[0].ClientID != "shop" || !apps[0].Consented || len(apps[0].DeviceIDs) != 0 {
				t.Errorf("consents %+v", apps)
			}
			m.complains(1, "consent_not_found", with("consents", "withdraw", "ada", "nonsense")...)
			m.runs(0, with("consents", "withdraw", "ada", "shop")...)
			if out, _ = m.runs(0, with("consents", "list", "ada")...); strings.Contains(out, "shop") {
				t.Errorf("printed %s", out)
			}

			var ended api.Revoked
			m.prints(&ended, with("devices", "revoke-others", phone.ID)...)
			if ended.Revoked != 1 {
				t.Errorf("ended %d other devices", ended.Revoked)
			}
			m.complains(1, "device_not_found", with("devices", "revoke-others", laptop.ID)...)
			m.complains(1, "device_editing_disabled", with("devices", "permit", laptop.ID)...)
			m.runs(0, with("devices", "revoke", laptop.ID)...)
			m.prints(&ended, with("devices", "revoke", "--subject", "ada")...)
			if ended.Revoked != 1 {
				t.Errorf("ended %d devices", ended.Revoked)
			}
			out, _ = m.runs(0, with("devices", "show", phone.ID)...)
			for _, want := range []string{"Ada's phone", "revoked revoked_by_operator", "198.51.100.9", "judged"} {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}

			var told []api.Event
			m.prints(&told, with("events", "list", "--type", "device.revoked,grant.revoked")...)
			if len(told) != 3 {
				t.Errorf("told %+v", told)
			}
			m.prints(&told, with("events", "list", "--after", told[2].ID)...)
			if len(told) != 0 {
				t.Errorf("told again %+v", told)
			}
		})
	}
}

func TestAdminAPIThatDoesNotAnswer(t *testing.T) {
	m := newTerminal(t)
	_, _, adminURL := adasDevices(t, m)
	m.complains(1, "LANYARD_ADMIN_TOKEN", "devices", "list", "--admin-url", adminURL)
	m.complains(1, "--offline", "devices", "list", "--admin-url", "http://127.0.0.1:1")
}

// A name that somebody chose cannot steer the operator's terminal.
func TestNamesDoNotSteerTheTerminal(t *testing.T) {
	m := newTerminal(t)
	// ESC, CSI and OSC of eight bits, DEL, bidirectional controls, a line
	// separator, a tag beyond 16 bits.
	const name, steers = "laptop\x1b[2J\u009b2J\u009d0;x\a\x7f\u202e\u2066\u2028\U000e0041\nrow", "\x1b\u009b\u009d\a\x7f\u202e\u2066\u2028\U000e0041"
	laptop, _, _ := adasDevices(t, m)
	s, err := store.Open(t.Context(), "sqlite:lanyard.db")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Change(t.Context(), "ada", func(tx devices.Tx) error {
		laptop.Name = name
		return tx.Put(t.Context(), laptop)
	})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	out, _ := m.runs(0, "devices", "list", "--offline")
	if strings.ContainsAny(out, steers) || strings.Count(out, "\n") != 3 {
		t.Errorf("printed %q", out)
	}
	for _, command := range [][]string{{"devices", "list"}, {"devices", "show", laptop.ID}} {
		if out, _ := m.runs(0, append(command, "--offline")...); strings.ContainsAny(out, steers) {
			t.Errorf("%v printed %q", command, out)
		}
		out, _ := m.runs(0, append(command, "--offline", "-o", "json")...)
		quoted, err := json.Marshal(name)
		var printed, want any
		if err != nil || json.Unmarshal([]byte(out), &printed) != nil || json.Unmarshal(quoted, &want) != nil {
			t.Fatalf("%v printed %q, %v", command, out, err)
		}
		if strings.ContainsAny(out, steers) || !strings.Contains(fmt.Sprint(printed), fmt.Sprint(want)) {
			t.Errorf("%v printed %q", command, out)
		}
	}
}
