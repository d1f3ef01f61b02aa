package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
	"github.com/lanyard-id/lanyard/webui/records"
)

func TestWebSessions(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { webSessions(t, open(t, sqlitetest.Fresh(t))) })
	t.Run("postgres", func(t *testing.T) { webSessions(t, open(t, pgtest.Fresh(t))) })
}

func webSessions(t *testing.T, s *store.Store) {
	ctx, now := t.Context(), time.Unix(1_800_000_000, 0).UTC()
	err := s.Change(ctx, "ada", func(tx devices.Tx) error {
		return errors.Join(
			tx.Put(ctx, devices.Device{ID: "laptop", Subject: "ada", State: devices.StateActive, CreatedAt: now}),
			tx.Put(ctx, devices.Device{ID: "lost", Subject: "ada", State: devices.StateRevoked, CreatedAt: now}))
	})
	good, opened := s.OpenSignIn(ctx, oauth.SignIn{
		ID: "sid", Subject: "ada", DeviceID: "laptop", AuthTime: now, CreatedAt: now,
		IdleUntil: now.Add(time.Hour), NotAfter: now.Add(time.Hour),
	})
	if err = errors.Join(err, opened); err != nil || !good {
		t.Fatal(good, err)
	}
	want := records.Session{
		ID: "w1", SecretHash: []byte("hash"), Subject: "ada", DeviceID: "laptop", SID: "sid", Name: "Ada",
		AuthTime: now, CreatedAt: now, IdleUntil: now.Add(time.Minute), NotAfter: now.Add(time.Hour),
	}
	for device, wants := range map[string]bool{"laptop": true, "lost": false, "unknown": false} {
		w := want
		w.DeviceID = device
		if got, err := s.OpenWebSession(ctx, w); got != wants || err != nil {
			t.Errorf("on %s: %t, %v", device, got, err)
		}
	}
	if err := s.ExtendWebSession(ctx, "w1", now.Add(2*time.Minute)); err != nil {
		t.Error(err)
	}
	if err := s.ExtendWebSession(ctx, "w1", now.Add(time.Second)); err != nil { // never back
		t.Error(err)
	}
	want.IdleUntil = now.Add(2 * time.Minute)
	got, err := s.WebSession(ctx, "w1")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	hydra := want
	hydra.ID, hydra.Issuer, hydra.SID = "w2", "https://hydra.example", "elsewhere"
	if ok, err := s.OpenWebSession(ctx, hydra); !ok || err != nil {
		t.Error(ok, err)
	}
	holds := func(id string, want error) {
		t.Helper()
		err := s.Change(ctx, "ada", func(tx devices.Tx) error {
			return tx.Check(ctx, devices.Credential{WebSession: id})
		})
		if !errors.Is(err, want) {
			t.Errorf("session %s: got %v, want %v", id, err, want)
		}
	}
	holds("w1", nil)
	if err := s.EndSignIn(ctx, "sid", now); err != nil {
		t.Error(err)
	}
	holds("w1", devices.ErrOutdated)
	holds("w2", nil)
	late := want
	late.ID = "w3" // of an ID token that was issued before the end
	if ok, err := s.OpenWebSession(ctx, late); ok || err != nil {
		t.Errorf("opened for a sign-in that had ended: %v, %v", ok, err)
	}
	if got, err := s.WebSession(ctx, "w1"); !got.SignInEnded || got.Live(now) || err != nil {
		t.Errorf("outlives its sign-in: %+v %v", got, err)
	}
	if got, err := s.WebSession(ctx, "w2"); got.SignInEnded || err != nil {
		t.Errorf("another issuer's: %+v %v", got, err)
	}
	if err := errors.Join(s.EndWebSession(ctx, "w2"), s.EndWebSession(ctx, "w2")); err != nil {
		t.Error(err)
	}
	holds("w2", devices.ErrOutdated)
	if _, err := s.WebSession(ctx, "w2"); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("ended: %v", err)
	}
	if err := s.Sweep(ctx, now.Add(48*time.Hour), store.Retention{}); err != nil {
		t.Error(err)
	}
}

func TestHolders(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { holders(t, open(t, sqlitetest.Fresh(t))) })
	t.Run("postgres", func(t *testing.T) { holders(t, open(t, pgtest.Fresh(t))) })
}

func holders(t *testing.T, s *store.Store) {
	ctx, now := t.Context(), time.Unix(1_800_000_000, 0).UTC()
	for _, c := range []oauth.Client{{ID: "notes", Name: "Notes", AccessToken: "jwt", AccessTTL: "5m"}, {ID: "bare"}} {
		if err := s.CreateClient(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	err := s.Change(ctx, "ada", func(tx devices.Tx) error {
		return errors.Join(
			tx.Put(ctx, devices.Device{ID: "laptop", Subject: "ada", State: devices.StateActive}),
			tx.Put(ctx, devices.Device{ID: "phone", Subject: "ada", State: devices.StateActive}))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []devices.Grant{
		{ID: "1", ClientID: "notes", DeviceID: "laptop"},
		{ID: "2", ClientID: "notes", DeviceID: "laptop", NotAfter: now.Add(time.Hour)},
		{ID: "3", ClientID: "notes", DeviceID: "laptop", NotAfter: now},
		{ID: "4", ClientID: "notes", DeviceID: "laptop", IdleUntil: now},
		{ID: "5", ClientID: "bare", DeviceID: "laptop"},
		{ID: "6", ClientID: "gone", DeviceID: "phone"},
		{ID: "7", ClientID: "notes"},
	} {
		g.Subject, g.CreatedAt = "ada", now
		if err := s.OpenGrant(ctx, g); err != nil {
			t.Fatal(err)
		}
	}
	want := []records.Holder{
		{DeviceID: "laptop", ClientID: "bare", Grants: 1},
		{DeviceID: "laptop", ClientID: "notes", ClientName: "Notes", Grants: 2},
		{DeviceID: "phone", ClientID: "gone", Grants: 1},
	}
	got, err := s.Holders(ctx, "ada", now)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got, err := s.Holders(ctx, "bob", now); len(got) != 0 || err != nil {
		t.Error(got, err)
	}
	grants, err := s.DeviceGrants(ctx, "ada", "laptop", devices.Page{Limit: 10})
	if err != nil || len(grants) != 5 {
		t.Fatal(len(grants), err)
	}
	for _, g := range grants {
		if g.ClientID == "notes" && (g.ClientName != "Notes" || g.Verifiable != 5*time.Minute) ||
			g.ClientID == "bare" && g.Verifiable != 0 {
			t.Errorf("%+v", g)
		}
	}
	if grants, err := s.DeviceGrants(ctx, "bob", "laptop", devices.Page{}); len(grants) != 0 || err != nil {
		t.Error(grants, err)
	}
}

// TestADisabledSubjectsWebSessionsEnd: also those of owners whom another server
// signs in, who would otherwise go on reading.
func TestADisabledSubjectsWebSessionsEnd(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { disabledWebSessions(t, open(t, sqlitetest.Fresh(t))) })
	t.Run("postgres", func(t *testing.T) { disabledWebSessions(t, open(t, pgtest.Fresh(t))) })
}

func disabledWebSessions(t *testing.T, s *store.Store) {
	ctx, now := t.Context(), time.Unix(1_800_000_000, 0).UTC()
	for _, subject := range []string{"ada", "eve"} {
		err := s.Change(ctx, subject, func(tx devices.Tx) error {
			return tx.Put(ctx, devices.Device{ID: subject + "'s", Subject: subject, State: devices.StateActive, CreatedAt: now})
		})
		if err != nil {
			t.Fatal(err)
		}
		good, err := s.OpenWebSession(ctx, records.Session{
			ID: subject, SecretHash: []byte("hash"), Subject: subject, DeviceID: subject + "'s", Issuer: "https://elsewhere.example",
			SID: "sid", AuthTime: now, CreatedAt: now, IdleUntil: now.Add(time.Hour), NotAfter: now.Add(time.Hour),
		})
		if err != nil || !good {
			t.Fatal(good, err)
		}
	}
	if err := s.SetUserDisabled(ctx, "ada", true, now); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WebSession(ctx, "ada"); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("the session of a disabled subject: %v", err)
	}
	if _, err := s.WebSession(ctx, "eve"); err != nil {
		t.Errorf("the session of another: %v", err)
	}
}
