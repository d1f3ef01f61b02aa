package storetest

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

func users(t *testing.T, s Store) {
	ctx := t.Context()
	ada := oauth.User{Subject: "ada", Identifier: "Ada@Example.com", CreatedAt: noon}
	good(t, s.CreateUser(ctx, ada))
	for _, typed := range []string{"ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.com"} {
		if got, err := s.UserByIdentifier(ctx, typed); err != nil || got.Subject != "ada" {
			t.Errorf("user by %q: %+v, %v", typed, got, err)
		}
	}
	for _, u := range []oauth.User{{Subject: "eve", Identifier: "ada@example.com"}, {Subject: "ada", Identifier: "new"}} {
		if err := s.CreateUser(ctx, u); !errors.Is(err, devices.ErrExists) {
			t.Errorf("user %+v: got %v, want %v", u, err, devices.ErrExists)
		}
	}
	known, err := s.Identifiers(ctx, []string{"ada", "nobody", "", "a\x00b"})
	good(t, err)
	same(t, "identifiers", known, map[string]string{"ada": "Ada@Example.com"})
	_, err = s.UserByIdentifier(ctx, "ada@example.co")
	missing(t, "unknown identifier", err)
	_, err = s.User(ctx, "eve")
	missing(t, "unknown user", err)
	missing(t, "password of nobody", s.SetPassword(ctx, "eve", "hash", "", devices.Credential{}, noon))
	missing(t, "disabling nobody", s.SetUserDisabled(ctx, "eve", true, noon))
	good(t, s.SetPassword(ctx, "ada", "hash", "", devices.Credential{}, noon.Add(time.Hour)))
	ada.PasswordHash, ada.UpdatedAt = "hash", noon.Add(time.Hour)
	got, err := s.User(ctx, "ada")
	good(t, err)
	same(t, "user", got, ada)
}

// changedPassword: whoever knew the old password is out, but on the device on
// which it was changed.
func changedPassword(t *testing.T, s Store) {
	ctx := t.Context()
	good(t, s.CreateUser(ctx, oauth.User{Subject: "ada", Identifier: "ada"}))
	enrolled(t, s, "ada", "laptop")
	enrolled(t, s, "ada", "phone")
	here, there := opened(t, s, "ada", "laptop"), opened(t, s, "ada", "phone")
	in, out := signedIn(t, s, "ada", "laptop"), signedIn(t, s, "ada", "phone")
	good(t, s.SetPassword(ctx, "ada", "hash", "laptop", devices.Credential{}, noon))
	for _, row := range []struct {
		grant  devices.Grant
		signIn oauth.SignIn
		stays  bool
	}{{here, in, true}, {there, out, false}} {
		h, err := s.Holding(ctx, row.grant.ID)
		good(t, err)
		signIn, err := s.SignIn(ctx, row.signIn.ID)
		good(t, err)
		if h.Grant.RevokedAt.IsZero() != row.stays || signIn.EndedAt.IsZero() != row.stays || h.Device.Live() != row.stays {
			t.Errorf("on the %s, which is %s: grant ended %v, sign-in ended %v",
				row.grant.DeviceID, h.Device.State, h.Grant.RevokedAt, signIn.EndedAt)
		}
	}
	phone, err := s.Device(ctx, "ada", "phone")
	good(t, err)
	if phone.RevokedReason != devices.ReasonPasswordChanged || phone.RevokedBy != "laptop" || !phone.RevokedAt.Equal(noon) {
		t.Errorf("the phone ended because of %q by %q at %s", phone.RevokedReason, phone.RevokedBy, phone.RevokedAt)
	}
	good(t, s.SetPassword(ctx, "ada", "hash", "", devices.Credential{}, noon))
	if h, err := s.Holding(ctx, here.ID); err != nil || h.Grant.RevokedAt.IsZero() {
		t.Errorf("with no device to stay: %v, %v", h.Grant.RevokedAt, err)
	}
}

func disabledUser(t *testing.T, s Store) {
	ctx := t.Context()
	good(t, s.CreateUser(ctx, oauth.User{Subject: "ada", Identifier: "ada"}))
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	in := signedIn(t, s, "ada", "laptop")
	good(t, s.SetUserDisabled(ctx, "ada", true, noon))
	h, err := s.Holding(ctx, g.ID)
	good(t, err)
	if !h.SubjectDisabled || h.Grant.RevokedReason != devices.ReasonSubjectDisabled || !h.Device.Live() {
		t.Errorf("holding of a disabled subject: %+v", h)
	}
	if now, err := s.SignIn(ctx, in.ID); err != nil || now.EndedAt.IsZero() {
		t.Errorf("sign-in of a disabled subject: %+v, %v", now, err)
	}
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	if len(told.Events) != 1 || told.Events[0].GrantID != g.ID || told.Events[0].ID == "" {
		t.Errorf("told %+v", told.Events)
	}
	in.ID = "again"
	if ok, err := s.OpenSignIn(ctx, in); ok || err != nil {
		t.Errorf("sign-in of a disabled subject: %v, %v", ok, err)
	}
	if u, err := s.User(ctx, "ada"); err != nil || !u.Disabled {
		t.Errorf("disabled user: %+v, %v", u, err)
	}
	good(t, s.SetUserDisabled(ctx, "ada", false, noon))
	if ok, err := s.OpenSignIn(ctx, in); !ok || err != nil {
		t.Errorf("sign-in of an enabled subject: %v, %v", ok, err)
	}
	if holding(t, s, g.ID).RevokedAt.IsZero() {
		t.Error("enabling a subject brought its grant back")
	}
}

func consents(t *testing.T, s Store) {
	ctx := t.Context()
	at(10, func(i int) {
		c := oauth.Consent{Subject: "ada", ClientID: "editor", Scopes: []string{"openid", fmt.Sprint(i)}, At: noon}
		if err := s.PutConsent(ctx, c); err != nil {
			t.Error(err)
		}
	})
	got, err := s.Consent(ctx, "ada", "editor")
	good(t, err)
	if len(got.Scopes) != 11 {
		t.Errorf("consented scopes: %v, want openid and 0 to 9", got.Scopes)
	}
	_, err = s.Consent(ctx, "eve", "editor")
	missing(t, "another's consent", err)
}

func found(t *testing.T, s Store) {
	ctx := t.Context()
	put := func(id, subject string, edit func(*devices.Device)) {
		d := enrolled(t, s, subject, id)
		edit(&d)
		good(t, s.Change(ctx, subject, func(tx devices.Tx) error { return tx.Put(ctx, d) }))
	}
	put("one", "ada", func(d *devices.Device) { d.Last = devices.Network{Addr: netip.MustParseAddr("198.51.100.9"), ASN: 1} })
	put("two", "ada", func(d *devices.Device) {
		d.CreatedAt, d.Fingerprint = noon.Add(time.Hour), devices.Fingerprint{devices.SignalOS: "iOS"}
	})
	put("three", "eve", func(d *devices.Device) {
		d.CreatedAt, d.State = noon.Add(2*time.Hour), devices.StateRevoked
		d.First, d.Last = devices.Network{}, devices.Network{Addr: netip.MustParseAddr("2001:db8:1:2::3")}
	})
	for _, c := range []struct {
		q    devices.DeviceQuery
		want string
	}{
		{devices.DeviceQuery{}, "[three two one]"},
		{devices.DeviceQuery{Subject: "ada"}, "[two one]"},
		{devices.DeviceQuery{OS: "iOS"}, "[two]"},
		{devices.DeviceQuery{State: devices.StateRevoked}, "[three]"},
		{devices.DeviceQuery{ASN: 1}, "[one]"},
		{devices.DeviceQuery{ASN: 64500}, "[two one]"},
		{devices.DeviceQuery{Addr: netip.MustParsePrefix("203.0.113.7/32")}, "[two one]"},
		{devices.DeviceQuery{Addr: netip.MustParsePrefix("203.0.113.6/31")}, "[two one]"},
		{devices.DeviceQuery{Addr: netip.MustParsePrefix("203.0.113.6/32")}, "[]"},
		{devices.DeviceQuery{Addr: netip.MustParsePrefix("198.51.100.200/24")}, "[one]"},
		{devices.DeviceQuery{Addr: netip.MustParsePrefix("2001:db8::/32")}, "[three]"},
		{devices.DeviceQuery{Addr: netip.MustParsePrefix("::/0")}, "[three two one]"},
		{devices.DeviceQuery{Addr: netip.MustParsePrefix("0.0.0.0/0")}, "[two one]"},
		{devices.DeviceQuery{Subject: "ada", OS: "iOS", State: devices.StateRevoked}, "[]"},
		{devices.DeviceQuery{Page: devices.Page{Limit: 1}}, "[three]"},
		{devices.DeviceQuery{Page: devices.Page{Limit: 1, After: "three"}}, "[two]"},
		{devices.DeviceQuery{Page: devices.Page{After: "one"}}, "[]"},
		{devices.DeviceQuery{Page: devices.Page{After: "unknown"}}, "[]"},
	} {
		list, err := s.FindDevices(ctx, c.q)
		good(t, err)
		ids := []string{}
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		if got := fmt.Sprint(ids); got != c.want {
			t.Errorf("%+v finds %s, want %s", c.q, got, c.want)
		}
	}
	if d, err := s.DeviceByID(ctx, "three"); err != nil || d.Subject != "eve" {
		t.Errorf("device by ID: %+v, %v", d, err)
	}
	_, err := s.DeviceByID(ctx, "unknown")
	missing(t, "unknown device", err)
}
