package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// The promises here are about what happens between the moment that something is
// verified, without a lock, and the moment that its result is written.

// registry returns a registry on the store, whose clock stands still.
func registry(s Store) *devices.Registry {
	return &devices.Registry{
		Store: s, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(),
		Now: func() time.Time { return noon }, NewID: rand.Text,
	}
}

// withPassword adds a user who signs in with a password, and returns what was
// verified when the password was.
func withPassword(t *testing.T, s Store, subject string) devices.Credential {
	t.Helper()
	u := oauth.User{Subject: subject, Identifier: subject + "@example.com", PasswordHash: "hash of old"}
	good(t, s.CreateUser(t.Context(), u))
	kept, err := s.User(t.Context(), subject)
	good(t, err)
	return kept.Credential()
}

func changedMeanwhile(t *testing.T, s Store) {
	ctx := t.Context()
	for i, c := range []struct {
		name   string
		change func(subject, stays string) error
		want   error
	}{
		{"nothing", func(string, string) error { return nil }, nil},
		{"other claims", func(subject, _ string) error {
			_, err := s.UpdateUser(ctx, subject, noon, func(u *oauth.User) { u.Claims = map[string]any{"name": "Ada"} })
			return err
		}, nil},
		{"another password", func(subject, _ string) error {
			return s.SetPassword(ctx, subject, "hash of new", "", devices.Credential{}, noon)
		}, devices.ErrOutdated},
		{"another password, by the owner on this device", func(subject, stays string) error {
			return s.SetPassword(ctx, subject, "hash of new", stays, devices.Credential{}, noon)
		}, devices.ErrOutdated},
		{"another identifier", func(subject, _ string) error {
			_, err := s.UpdateUser(ctx, subject, noon, func(u *oauth.User) { u.Identifier = "other-" + subject })
			return err
		}, devices.ErrOutdated},
		{"disabled", func(subject, _ string) error { return s.SetUserDisabled(ctx, subject, true, noon) }, devices.ErrDisabled},
		{"deleted", func(subject, _ string) error {
			return s.DeleteUser(ctx, subject, noon, ending(t, s))
		}, devices.ErrDisabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			subject := fmt.Sprint("subject-", i)
			by := withPassword(t, s, subject)
			device := enrolled(t, s, subject, "laptop of "+subject).ID
			in := signedIn(t, s, subject, device)
			before, err := s.Devices(ctx, subject)
			good(t, err)
			good(t, c.change(subject, device))

			_, err = registry(s).EnrollBy(ctx, subject, by, devices.Sighting{At: noon})
			if !errors.Is(err, c.want) {
				t.Errorf("enrolment: got %v, want %v", err, c.want)
			}
			after, err := s.Devices(ctx, subject)
			good(t, err)
			if enrolled := len(after) != len(before); enrolled != (c.want == nil) {
				t.Errorf("%d devices became %d", len(before), len(after))
			}
			next := in
			next.SecretHash, next.AuthTime, next.By = []byte("new"), noon.Add(time.Minute), by
			if renewed, err := s.RenewSignIn(ctx, next); renewed != (c.want == nil) || err != nil {
				t.Errorf("renewed a sign-in: %v, %v", renewed, err)
			}
			next.ID = rand.Text()
			if opened, err := s.OpenSignIn(ctx, next); opened != (c.want == nil) || err != nil {
				t.Errorf("opened a sign-in: %v, %v", opened, err)
			}
		})
	}
}

func endedMeanwhile(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	ended, live := signedIn(t, s, "ada", "laptop"), signedIn(t, s, "ada", "laptop")
	enrolled(t, s, "eve", "phone")
	theirs := signedIn(t, s, "eve", "phone")
	good(t, s.EndSignIn(ctx, ended.ID, noon))
	enrolled(t, s, "off", "tablet")
	off := signedIn(t, s, "off", "tablet")
	good(t, s.SetUserDisabled(ctx, "off", true, noon))
	good(t, s.SetUserDisabled(ctx, "off", false, noon)) // what ended stays ended

	for name, c := range map[string]struct {
		subject, device, signIn string
		want                    error
	}{
		"live":              {"ada", "laptop", live.ID, nil},
		"ended":             {"ada", "laptop", ended.ID, devices.ErrOutdated},
		"unknown":           {"ada", "laptop", "unknown", devices.ErrOutdated},
		"another subject's": {"ada", "laptop", theirs.ID, devices.ErrOutdated},
		"disabled between":  {"off", "tablet", off.ID, devices.ErrOutdated},
	} {
		client := rand.Text()
		err := s.PutConsent(ctx, oauth.Consent{
			Subject: c.subject, ClientID: client, Scopes: []string{"openid"}, At: noon,
			By: devices.Credential{SignIn: c.signIn},
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: consent: got %v, want %v", name, err, c.want)
		}
		if _, err := s.Consent(ctx, c.subject, client); (err == nil) != (c.want == nil) {
			t.Errorf("%s: the consent: %v", name, err)
		}
		g := grantOf(c.subject, c.device)
		g.SID = c.signIn
		code := codeFor(g)
		if err := s.SaveCode(ctx, code); !errors.Is(err, c.want) {
			t.Errorf("%s: code: got %v, want %v", name, err, c.want)
		}
		if _, err := s.Code(ctx, code.Hash); (err == nil) != (c.want == nil) {
			t.Errorf("%s: the code: %v", name, err)
		}
	}

	// A password is changed by who is signed in, or not at all.
	withPassword(t, s, "ada")
	err := s.SetPassword(ctx, "ada", "hash of a thief's", "laptop", devices.Credential{SignIn: ended.ID}, noon)
	if !errors.Is(err, devices.ErrOutdated) {
		t.Errorf("password by an ended sign-in: got %v, want %v", err, devices.ErrOutdated)
	}
	if u, err := s.User(ctx, "ada"); err != nil || u.PasswordHash != "hash of old" {
		t.Errorf("the password is %q, %v", u.PasswordHash, err)
	}
	good(t, s.SetPassword(ctx, "ada", "hash of new", "laptop", devices.Credential{SignIn: live.ID}, noon))
}

func actorMeanwhile(t *testing.T, s Store) {
	ctx, r := t.Context(), registry(s)
	allowed := enrolled(t, s, "ada", "laptop")
	allowed.CanUpdateOthers, allowed.CanDeleteOthers = true, true
	good(t, s.Change(ctx, "ada", func(tx devices.Tx) error { return tx.Put(ctx, allowed) }))
	phone := enrolled(t, s, "ada", "phone")
	g := opened(t, s, "ada", "laptop")
	by := devices.Actor{
		Subject: "ada", DeviceID: "laptop", AuthTime: noon, By: devices.Credential{GrantID: g.ID},
	}
	name := "verified in time"
	if _, err := r.Edit(ctx, by, "phone", devices.Edit{Name: &name}); err != nil {
		t.Fatal(err)
	}
	good(t, r.RevokeGrant(ctx, "ada", g.ID, devices.ReasonClient))
	late := "verified too early"
	for what, act := range map[string]func() error{
		"edit":          func() error { _, err := r.Edit(ctx, by, "phone", devices.Edit{Name: &late}); return err },
		"rename itself": func() error { _, err := r.Edit(ctx, by, "laptop", devices.Edit{Name: &late}); return err },
		"revoke":        func() error { return r.Revoke(ctx, by, "phone") },
		"disown":        func() error { return r.Disown(ctx, by, "phone") },
		"revoke others": func() error { _, _, err := r.RevokeOthers(ctx, by); return err },
	} {
		if err := act(); !errors.Is(err, devices.ErrOutdated) {
			t.Errorf("%s: got %v, want %v", what, err, devices.ErrOutdated)
		}
	}
	if d, err := s.Device(ctx, "ada", phone.ID); err != nil || !d.Live() || d.Name != name {
		t.Errorf("the phone is %+v, %v", d, err)
	}
}

// racedPassword signs in with the old password while it is changed: whatever
// won, no sign-in of the old password is alive in the end.
func racedPassword(t *testing.T, s Store) {
	ctx := t.Context()
	by := withPassword(t, s, "ada")
	enrolled(t, s, "ada", "laptop")
	for range 30 {
		ins := make([]oauth.SignIn, 3)
		for i := range ins {
			ins[i] = oauth.SignIn{
				ID: rand.Text(), Subject: "ada", DeviceID: "laptop", IdleUntil: noon, NotAfter: noon, By: by,
			}
		}
		at(4, func(i int) {
			if i == len(ins) {
				if err := s.SetPassword(ctx, "ada", rand.Text(), "", devices.Credential{}, noon); err != nil {
					t.Error(err)
				}
				return
			}
			if _, err := s.OpenSignIn(ctx, ins[i]); err != nil {
				t.Error(err)
			}
		})
		for _, in := range ins {
			if now, err := s.SignIn(ctx, in.ID); err == nil && now.EndedAt.IsZero() {
				t.Fatal("a sign-in outlived its password")
			}
		}
		u, err := s.User(ctx, "ada")
		good(t, err)
		by = u.Credential()
	}
}
