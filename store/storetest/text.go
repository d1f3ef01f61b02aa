package storetest

import (
	"errors"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// unwritable holds every write to refusing text that no database can hold,
// whatever field it is in.
func unwritable(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	good(t, s.CreateUser(ctx, oauth.User{Subject: "ada", Identifier: "ada"}))
	for _, bad := range []string{"a\x00b", "\xff", "half \xc3"} {
		in := func(fn func(tx devices.Tx) error) func() error {
			return func() error { return s.Change(ctx, "ada", fn) }
		}
		yes := func(_ bool, err error) error { return err }
		rotated := next(g)
		rotated.Baseline = &devices.Baseline{Fingerprint: devices.Fingerprint{devices.SignalModel: bad}}
		for what, write := range map[string]func() error{
			"subject": func() error { return s.Change(ctx, bad, func(devices.Tx) error { return nil }) },
			"device name": in(func(tx devices.Tx) error {
				return tx.Put(ctx, devices.Device{ID: "laptop", Subject: "ada", Name: bad})
			}),
			"fingerprint": in(func(tx devices.Tx) error {
				return tx.Put(ctx, devices.Device{
					ID: "laptop", Subject: "ada", Fingerprint: devices.Fingerprint{devices.SignalOS: bad},
				})
			}),
			"judgment": in(func(tx devices.Tx) error {
				return tx.Record(ctx, devices.Judgment{ID: "j", Verdict: devices.Verdict{
					Evidence: []devices.Evidence{{After: bad}},
				}})
			}),
			"event":    in(func(tx devices.Tx) error { return tx.Tell(ctx, devices.Event{ID: "e", GrantID: bad}) }),
			"grant":    func() error { return s.OpenGrant(ctx, devices.Grant{ID: "g", Scopes: []string{bad}}) },
			"baseline": func() error { return yes(s.Rotate(ctx, rotated)) },
			"client":   func() error { return s.CreateClient(ctx, oauth.Client{ID: "c", Contacts: []string{bad}}) },
			"client, updated": func() error {
				return yes(s.UpdateClient(ctx, oauth.Client{ID: "c", Name: bad}))
			},
			"code":    func() error { return s.SaveCode(ctx, oauth.Code{Hash: []byte(bad), Nonce: bad}) },
			"redeem":  func() error { return yes(s.Redeem(ctx, nil, devices.Grant{ID: bad}, client("editor"), nil)) },
			"sign-in": func() error { return yes(s.OpenSignIn(ctx, oauth.SignIn{ID: "s", ACR: bad})) },
			"renewal": func() error { return yes(s.RenewSignIn(ctx, oauth.SignIn{ID: "s", ACR: bad})) },
			"consent": func() error { return s.PutConsent(ctx, oauth.Consent{ClientID: bad}) },
			"user": func() error {
				return s.CreateUser(ctx, oauth.User{Subject: "new", Claims: map[string]any{"name": []any{bad}}})
			},
			"password": func() error { return s.SetPassword(ctx, "ada", bad, "", devices.Credential{}, noon) },
			"key":      func() error { return s.PutKey(ctx, oauth.Key{ID: "k", Alg: bad}) },
		} {
			if err := write(); !errors.Is(err, devices.ErrInvalid) {
				t.Errorf("%s with %q: got %v, want %v", what, bad, err, devices.ErrInvalid)
			}
		}
	}
	same(t, "grant", holding(t, s, g.ID), g)
}

// unfindable looks for what no database can hold: it is not there, which is
// not trouble.
func unfindable(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	for _, bad := range []string{"a\x00b", "\xff"} {
		for what, look := range map[string]func() error{
			"device":      func() error { _, err := s.Device(ctx, "ada", bad); return err },
			"its subject": func() error { _, err := s.Device(ctx, bad, "laptop"); return err },
			"device's ID": func() error { _, err := s.DeviceByID(ctx, bad); return err },
			"history":     func() error { _, err := s.History(ctx, "ada", bad, devices.Page{}); return err },
			"grant":       func() error { _, err := s.Holding(ctx, bad); return err },
			"client":      func() error { _, err := s.Client(ctx, bad); return err },
			"gone client": func() error { return s.DeleteClient(ctx, bad, noon) },
			"cut tokens":  func() error { return s.CutTokens(ctx, bad, noon) },
			"sign-in":     func() error { _, err := s.SignIn(ctx, bad); return err },
			"extension":   func() error { return s.ExtendSignIn(ctx, bad, noon) },
			"sign-out":    func() error { return s.EndSignIn(ctx, bad, noon) },
			"consent":     func() error { _, err := s.Consent(ctx, "ada", bad); return err },
			"user":        func() error { _, err := s.User(ctx, bad); return err },
			"identifier":  func() error { _, err := s.UserByIdentifier(ctx, bad); return err },
			"password":    func() error { return s.SetPassword(ctx, bad, "hash", "", devices.Credential{}, noon) },
			"disabling":   func() error { return s.SetUserDisabled(ctx, bad, true, noon) },
		} {
			missing(t, what, look())
		}
		if moved, err := s.Rotate(ctx, devices.Rotation{GrantID: bad}); moved || err != nil {
			t.Errorf("rotation of %q: %v, %v", bad, moved, err)
		}
		after := devices.Page{After: bad}
		list, err := s.Devices(ctx, bad)
		empty(t, "devices", len(list), err)
		list, err = s.FindDevices(ctx, devices.DeviceQuery{OS: bad})
		empty(t, "found devices", len(list), err)
		grants, err := s.FindGrants(ctx, devices.GrantQuery{Page: after})
		empty(t, "found grants", len(grants), err)
		history, err := s.History(ctx, "ada", "laptop", after)
		empty(t, "history", len(history), err)
		history, err = s.GrantHistory(ctx, bad, devices.Page{})
		empty(t, "history of a grant", len(history), err)
		clients, err := s.Clients(ctx, after)
		empty(t, "clients", len(clients), err)
		users, err := s.ListUsers(ctx, after)
		empty(t, "users", len(users), err)
	}
}

func empty(t *testing.T, what string, rows int, err error) {
	t.Helper()
	if rows != 0 || err != nil {
		t.Errorf("%s by text that cannot be kept: %d rows, %v", what, rows, err)
	}
}
