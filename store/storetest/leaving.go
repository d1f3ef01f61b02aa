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

// ending returns what ends everything that a subject has, as the registry does.
func ending(t *testing.T, s Store) func(devices.Tx) error {
	r := devices.Registry{Store: s, Now: func() time.Time { return noon }, NewID: rand.Text}
	return func(tx devices.Tx) error {
		_, err := r.EndAll(t.Context(), tx, devices.ReasonSubjectDisabled)
		return err
	}
}

func updatedUser(t *testing.T, s Store) {
	ctx := t.Context()
	ada := oauth.User{
		Subject: "ada", Identifier: "ada@example.com", PasswordHash: "hash",
		Claims: map[string]any{"name": "Ada"}, CreatedAt: noon, UpdatedAt: noon,
	}
	good(t, s.CreateUser(ctx, ada))
	good(t, s.CreateUser(ctx, oauth.User{Subject: "eve", Identifier: "eve"}))
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")

	ada.Identifier, ada.UpdatedAt = "Lovelace@example.com", noon.Add(time.Hour)
	ada.Claims = map[string]any{"name": "Ada", "email": "lovelace@example.com"}
	updated, err := s.UpdateUser(ctx, "ada", noon.Add(time.Hour), func(u *oauth.User) {
		u.Identifier = "Lovelace@example.com"
		u.Claims["email"] = "lovelace@example.com"
	})
	good(t, err)
	same(t, "updated user", updated, ada)
	found, err := s.UserByIdentifier(ctx, "lovelace@EXAMPLE.com")
	good(t, err)
	same(t, "user read again", found, ada)
	_, err = s.UserByIdentifier(ctx, "ada@example.com")
	missing(t, "the identifier of before", err)
	if !holding(t, s, g.ID).RevokedAt.IsZero() {
		t.Error("an update ended a grant")
	}

	rename := func(name string) func(*oauth.User) { return func(u *oauth.User) { u.Identifier = name } }
	if _, err := s.UpdateUser(ctx, "ada", noon, rename("EVE")); !errors.Is(err, devices.ErrExists) {
		t.Errorf("another's identifier: %v", err)
	}
	_, err = s.UpdateUser(ctx, "nobody", noon, rename("x"))
	missing(t, "updating nobody", err)
	if found, err := s.FindSubjects(ctx, "nobody"); err != nil || len(found) != 0 {
		t.Errorf("updating nobody made %+v, %v", found, err)
	}
}

func deletedUser(t *testing.T, s Store) {
	ctx := t.Context()
	good(t, s.CreateUser(ctx, oauth.User{Subject: "ada", Identifier: "ada@example.com"}))
	good(t, s.CreateUser(ctx, oauth.User{Subject: "eve", Identifier: "eve"}))
	enrolled(t, s, "ada", "laptop")
	g, in := opened(t, s, "ada", "laptop"), signedIn(t, s, "ada", "laptop")
	enrolled(t, s, "eve", "phone")
	theirs := opened(t, s, "eve", "phone")
	good(t, s.PutConsent(ctx, oauth.Consent{Subject: "ada", ClientID: "editor", Scopes: []string{"openid"}, At: noon}))

	good(t, s.DeleteUser(ctx, "ada", noon, ending(t, s)))
	_, err := s.User(ctx, "ada")
	missing(t, "a deleted user", err)
	_, err = s.UserByIdentifier(ctx, "ada@example.com")
	missing(t, "a deleted identifier", err)
	_, err = s.Consent(ctx, "ada", "editor")
	missing(t, "a consent of a deleted user", err)
	late := oauth.Consent{Subject: "ada", ClientID: "editor", Scopes: []string{"openid"}, At: noon}
	if err := s.PutConsent(ctx, late); !errors.Is(err, devices.ErrDisabled) {
		t.Errorf("a consent that came too late: %v", err)
	}
	_, err = s.Consent(ctx, "ada", "editor")
	missing(t, "a consent that came too late", err)
	missing(t, "deleting again", s.DeleteUser(ctx, "ada", noon, ending(t, s)))
	missing(t, "deleting nobody", s.DeleteUser(ctx, "nobody", noon, ending(t, s)))
	if found, err := s.FindSubjects(ctx, "nobody"); err != nil || len(found) != 0 {
		t.Errorf("deleting nobody made %+v, %v", found, err)
	}

	if d, err := s.DeviceByID(ctx, "laptop"); err != nil || d.Live() || d.RevokedReason != devices.ReasonSubjectDisabled {
		t.Errorf("the tombstone is %+v, %v", d, err)
	}
	if h, err := s.Holding(ctx, g.ID); err != nil || h.Grant.RevokedAt.IsZero() || !h.SubjectDisabled {
		t.Errorf("the grant is %+v, %v", h, err)
	}
	if now, err := s.SignIn(ctx, in.ID); err != nil || now.EndedAt.IsZero() {
		t.Errorf("the sign-in is %+v, %v", now, err)
	}
	in.ID = "again"
	if ok, err := s.OpenSignIn(ctx, in); ok || err != nil {
		t.Errorf("a deleted subject signs in: %v, %v", ok, err)
	}
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	if len(told.Events) != 2 || told.Events[0].Type != devices.EventDeviceRevoked || told.Events[1].Type != devices.EventGrantRevoked {
		t.Errorf("told %+v", told.Events)
	}
	if !holding(t, s, theirs.ID).RevokedAt.IsZero() {
		t.Error("deleting one user ended another's grant")
	}

	// The name may be somebody's again, the subject never.
	if err := s.CreateUser(ctx, oauth.User{Subject: "ada", Identifier: "other"}); !errors.Is(err, devices.ErrExists) {
		t.Errorf("a deleted subject is given again: %v", err)
	}
	good(t, s.CreateUser(ctx, oauth.User{Subject: "ada-2", Identifier: "ada@example.com"}))
}

// undeletedUser: a user goes with what they have, or stays with it.
func undeletedUser(t *testing.T, s Store) {
	ctx := t.Context()
	good(t, s.CreateUser(ctx, oauth.User{Subject: "ada", Identifier: "ada"}))
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	stop := errors.New("stop")
	err := s.DeleteUser(ctx, "ada", noon, func(tx devices.Tx) error {
		return errors.Join(ending(t, s)(tx), stop)
	})
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if u, err := s.User(ctx, "ada"); err != nil || u.Disabled {
		t.Errorf("the user is %+v, %v", u, err)
	}
	if !holding(t, s, g.ID).RevokedAt.IsZero() {
		t.Error("the grant ended without the user")
	}
}

func foundSubjects(t *testing.T, s Store) {
	ctx := t.Context()
	good(t, s.CreateUser(ctx, oauth.User{Subject: "1", Identifier: "Ada@Example.com", CreatedAt: noon}))
	good(t, s.CreateUser(ctx, oauth.User{Subject: "2", Identifier: "1"}))
	good(t, s.SetUserDisabled(ctx, "2", true, noon))
	enrolled(t, s, "elsewhere", "laptop") // of somebody who signs in elsewhere
	for name, want := range map[string]string{
		"ada@example.COM": "[{1 Ada@Example.com false}]",
		"1":               "[{1 Ada@Example.com false} {2 1 true}]",
		"2":               "[{2 1 true}]",
		"elsewhere":       "[{elsewhere  false}]",
		"ada":             "[]",
		"":                "[]",
		"\x00":            "[]",
	} {
		found, err := s.FindSubjects(ctx, name)
		good(t, err)
		type names struct {
			ID, Identifier string
			Disabled       bool
		}
		got := []names{}
		for _, f := range found {
			got = append(got, names{f.ID, f.Identifier, f.Disabled})
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q finds %v, want %s", name, got, want)
		}
	}
}
