package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

var oryNoon = time.Date(2026, 11, 23, 12, 0, 0, 123_456_000, time.UTC)

// onEach runs a test on each database.
func onEach(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Run("SQLite", func(t *testing.T) { test(t, open(t, migratedSQLite(t))) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, open(t, pgtest.Fresh(t))) })
}

func enrolledIn(t *testing.T, s *store.Store, subject, id string) {
	t.Helper()
	err := s.Change(t.Context(), subject, func(tx devices.Tx) error {
		return tx.Put(t.Context(), devices.Device{
			ID: id, Subject: subject, State: devices.StateActive, CreatedAt: oryNoon, LastSeen: oryNoon, Version: 1,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func endedIn(t *testing.T, s *store.Store, subject, id string) {
	t.Helper()
	err := s.Change(t.Context(), subject, func(tx devices.Tx) error {
		known, err := tx.Devices(t.Context())
		if err != nil {
			return err
		}
		for _, d := range known {
			if d.ID == id {
				d.State, d.RevokedAt = devices.StateRevoked, oryNoon
				if err := tx.Put(t.Context(), d); err != nil {
					return err
				}
			}
		}
		_, err = tx.EndGrants(t.Context(), devices.Selection{DeviceID: id}, devices.ReasonDeviceRevoked, oryNoon)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func chain(id, ref, device, sid string) devices.Grant {
	return devices.Grant{
		ID: id, Subject: "ada", ClientID: "notes", DeviceID: device, Issuer: devices.IssuerHydra,
		ExternalRef: ref, SID: sid, Offline: true, Generation: 1, Version: 1,
		CreatedAt: oryNoon, RotatedAt: oryNoon,
	}
}

func created(g devices.Grant) []devices.Event {
	return []devices.Event{{ID: "e-" + g.ID, Type: devices.EventGrantCreated, At: oryNoon, Subject: g.Subject, DeviceID: g.DeviceID, GrantID: g.ID}}
}

func TestChains(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		enrolledIn(t, s, "ada", "phone")
		enrolledIn(t, s, "bob", "bobs")
		if err := s.PutTie(ctx, devices.Tie{
			Kind: devices.TieHydraLogin, Ref: "sid-1", Subject: "ada", DeviceID: "phone", At: oryNoon,
		}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct{ name, ref, device, sid, want string }{
			{"the device that the chain names", "c1", "laptop", "sid-1", "laptop"},
			{"another subject's device counts for nothing", "c2", "bobs", "sid-1", "phone"},
			{"the sign-in tells where the chain does not", "c3", "", "sid-1", "phone"},
			{"nobody knows", "c4", "", "sid-2", ""},
		} {
			g, err := s.OpenChain(ctx, chain("g-"+tt.ref, tt.ref, tt.device, tt.sid), nil, created)
			if err != nil || g.DeviceID != tt.want {
				t.Errorf("%s: %q, %v", tt.name, g.DeviceID, err)
			}
		}
		again, err := s.OpenChain(ctx, chain("other", "c1", "phone", ""), nil, created)
		if err != nil || again.ID != "g-c1" || again.DeviceID != "laptop" {
			t.Errorf("opened again: %+v, %v", again, err)
		}
		events, err := s.EventsAfter(ctx, "", 0)
		if err != nil || len(events.Events) != 4 {
			t.Errorf("%d events, %v", len(events.Events), err)
		}
		h, err := s.HoldingByRef(ctx, devices.IssuerHydra, "c1")
		if err != nil || h.Grant.ID != "g-c1" || h.Device == nil || h.Device.ID != "laptop" {
			t.Errorf("holding: %+v, %v", h, err)
		}
		if _, err := s.HoldingByRef(ctx, "elsewhere", "c1"); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("another issuer's: %v", err)
		}
		endedIn(t, s, "ada", "laptop")
		if _, err := s.OpenChain(ctx, chain("late", "c9", "laptop", ""), nil, created); !errors.Is(err, devices.ErrRevoked) {
			t.Errorf("on an ended device: %v", err)
		}
	})
}

func TestPassedTokens(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		if _, err := s.OpenChain(ctx, chain("g1", "c1", "laptop", ""), []byte("mark"), created); err != nil {
			t.Fatal(err)
		}
		learn := func(fresh, from string) {
			t.Helper()
			if err := s.LearnToken(ctx, []byte(fresh), []byte(from), oryNoon); err != nil {
				t.Fatal(err)
			}
		}
		learn("t1", "mark")
		learn("t1", "mark")
		learn("t2", "t1")
		learn("lost", "never seen")
		for token, want := range map[string]bool{"mark": true, "t1": true, "t2": false} {
			h, err := s.HoldingByToken(ctx, []byte(token))
			if err != nil || h.Grant.ID != "g1" {
				t.Errorf("%s: %+v, %v", token, h.Grant, err)
			}
			if spent, err := s.TokenSpent(ctx, []byte(token)); err != nil || spent != want {
				t.Errorf("%s spent: %v, %v", token, spent, err)
			}
		}
		if _, err := s.HoldingByToken(ctx, []byte("lost")); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("a token from nowhere: %v", err)
		}
	})
}

func TestLegs(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		leg := func(id, ref string) devices.Leg {
			return devices.Leg{
				ID: id, Kind: devices.LegKratosSession, Ref: ref, Subject: "ada", DeviceID: "laptop",
				GrantID: "g", ClientID: "notes", State: devices.LegPending, CreatedAt: oryNoon, NextAt: oryNoon,
			}
		}
		queued := []devices.Leg{leg("l1", "k1"), leg("l2", "k2"), leg("l3", "k1")}
		if err := s.QueueLegs(ctx, "outward", "7.8", queued); err != nil {
			t.Fatal(err)
		}
		if place, err := s.Cursor(ctx, "outward"); err != nil || place != "7.8" {
			t.Errorf("cursor %q, %v", place, err)
		}
		if place, err := s.Cursor(ctx, "nobody"); err != nil || place != "" {
			t.Errorf("nobody's cursor %q, %v", place, err)
		}
		later := oryNoon.Add(time.Minute)
		leased, err := s.LeaseLegs(ctx, oryNoon, later, 10)
		if err != nil || len(leased) != 2 || leased[0].Attempts != 1 {
			t.Fatalf("leased %+v, %v", leased, err)
		}
		if none, err := s.LeaseLegs(ctx, oryNoon, later, 10); err != nil || len(none) != 0 {
			t.Errorf("leased twice: %+v, %v", none, err)
		}
		done := leased[0]
		done.State, done.DoneAt = devices.LegDone, oryNoon
		if err := s.SettleLeg(ctx, done); err != nil {
			t.Fatal(err)
		}
		again, err := s.LeaseLegs(ctx, later, later.Add(time.Minute), 10)
		if err != nil || len(again) != 1 || again[0].ID == done.ID || again[0].Attempts != 2 {
			t.Errorf("the lease that ran out: %+v, %v", again, err)
		}
		all, err := s.Legs(ctx, "laptop")
		if err != nil || len(all) != 2 {
			t.Fatalf("legs %+v, %v", all, err)
		}
		if diff := cmp.Diff(done, all[0]); all[0].ID == done.ID && diff != "" {
			t.Error(diff)
		}
	})
}

func TestSweepForgetsSpentTokens(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		if _, err := s.OpenChain(ctx, chain("g1", "c1", "laptop", ""), []byte("mark"), created); err != nil {
			t.Fatal(err)
		}
		day := 24 * time.Hour
		for n, hop := range [][2]string{{"t1", "mark"}, {"t2", "t1"}, {"t3", "t2"}} {
			if err := s.LearnToken(ctx, []byte(hop[0]), []byte(hop[1]), oryNoon.Add(time.Duration(n)*day)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Sweep(ctx, oryNoon.Add(2*day), store.Retention{}); err != nil {
			t.Fatal(err)
		}
		for token, kept := range map[string]bool{"mark": false, "t1": false, "t2": true, "t3": true} {
			_, err := s.HoldingByToken(ctx, []byte(token))
			if kept != (err == nil) {
				t.Errorf("%s: %v", token, err)
			}
		}
	})
}
