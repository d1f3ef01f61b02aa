package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

var oryNoon = time.Date(2026, 11, 23, 12, 0, 0, 123_456_000, time.UTC)

// onEach runs a test on each database.
func onEach(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Run("SQLite", func(t *testing.T) { test(t, open(t, sqlitetest.Fresh(t))) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, open(t, pgtest.Fresh(t))) })
	t.Run("PostgreSQL, unprepared", func(t *testing.T) {
		test(t, open(t, pgtest.Fresh(t), store.WithoutStatementCache()))
	})
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
		if err := s.PutTie(ctx, devices.Tie{
			Kind: devices.TieHydraLogin, Ref: "sid-3", Subject: "ada", DeviceID: "gone", At: oryNoon,
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.OpenChain(ctx, chain("lost", "c10", "", "sid-3"), nil, created); !errors.Is(err, devices.ErrRevoked) {
			t.Errorf("on a device that is not there: %v", err)
		}
	})
}

// A chain that is opened while its device is being ended waits, and sees it.
func TestChainWaitsForTheSubject(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		opened := make(chan error, 1)
		err := s.Change(ctx, "ada", func(tx devices.Tx) error {
			go func() {
				_, err := s.OpenChain(ctx, chain("g1", "c1", "laptop", ""), nil, created)
				opened <- err
			}()
			time.Sleep(100 * time.Millisecond) // it has asked by then
			return tx.Put(ctx, devices.Device{
				ID: "laptop", Subject: "ada", State: devices.StateRevoked, CreatedAt: oryNoon, RevokedAt: oryNoon, Version: 2,
			})
		})
		if got := <-opened; err != nil || !errors.Is(got, devices.ErrRevoked) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// token is what is kept of a token; marked is one of a context's ID, or what
// was kept of a token before signatures were.
func token(name string) devices.TokenHash {
	return devices.TokenHash{Signature: []byte("half " + name), Whole: []byte(name)}
}

func marked(name string) devices.TokenHash { return devices.TokenHash{Signature: []byte(name)} }

func TestPassedTokens(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		if _, err := s.OpenChain(ctx, chain("g1", "c1", "laptop", ""), []byte("mark"), created); err != nil {
			t.Fatal(err)
		}
		learn := func(fresh, from devices.TokenHash) {
			t.Helper()
			if err := s.LearnToken(ctx, fresh, from, oryNoon); err != nil {
				t.Fatal(err)
			}
		}
		learn(marked("old"), marked("mark")) // as earlier releases kept it
		learn(token("t1"), token("old"))
		learn(token("t1"), token("old"))
		learn(token("t2"), token("t1"))
		learn(token("lost"), token("never seen"))
		junk := func(name string) devices.TokenHash {
			return devices.TokenHash{Signature: token(name).Signature, Whole: []byte("junk")}
		}
		for _, tt := range []struct {
			token        devices.TokenHash
			whole, spent bool
		}{
			{token("old"), true, true}, {token("t1"), true, true}, {token("t2"), true, false},
			{junk("t1"), false, true}, {junk("t2"), false, false},
		} {
			h, whole, err := s.HoldingByToken(ctx, tt.token)
			if err != nil || h.Grant.ID != "g1" || h.Device == nil || whole != tt.whole {
				t.Errorf("%s: %+v, whole %v, %v", tt.token, h.Grant, whole, err)
			}
			if spent, err := s.TokenSpent(ctx, tt.token); err != nil || spent != tt.spent {
				t.Errorf("%s spent: %v, %v", tt.token, spent, err)
			}
		}
		for _, unknown := range []devices.TokenHash{token("lost"), junk("lost"), junk("old")} {
			if _, _, err := s.HoldingByToken(ctx, unknown); !errors.Is(err, devices.ErrNotFound) {
				t.Errorf("%s: %v", unknown, err)
			}
		}
	})
}

// A token of a grant that ended in between is kept, and said to be dead.
func TestTokensOfAnEndedGrant(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		if _, err := s.OpenChain(ctx, chain("g1", "c1", "laptop", ""), []byte("mark"), created); err != nil {
			t.Fatal(err)
		}
		if err := s.LearnToken(ctx, token("t1"), marked("mark"), oryNoon); err != nil {
			t.Fatal(err)
		}
		endedIn(t, s, "ada", "laptop")
		for _, hop := range [][2]devices.TokenHash{{token("t2"), token("t1")}, {token("t2"), token("t1")}, {token("t1"), marked("mark")}} {
			if err := s.LearnToken(ctx, hop[0], hop[1], oryNoon); !errors.Is(err, devices.ErrRevoked) {
				t.Errorf("%s: %v, want that its grant has ended", hop[0], err)
			}
		}
		if h, _, err := s.HoldingByToken(ctx, token("t2")); err != nil || h.Grant.RevokedAt.IsZero() {
			t.Errorf("%+v, %v", h.Grant, err)
		}
	})
}

func TestMarkedByRef(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		if _, err := s.OpenChain(ctx, chain("g1", "c1", "laptop", ""), nil, created); err != nil {
			t.Fatal(err)
		}
		if _, err := s.MarkedByRef(ctx, devices.IssuerHydra, "c2", []byte("m0"), oryNoon); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("an unknown chain: %v", err)
		}
		for range 2 {
			h, err := s.MarkedByRef(ctx, devices.IssuerHydra, "c1", []byte("m1"), oryNoon)
			if err != nil || h.Grant.ID != "g1" || h.Device == nil || h.Device.ID != "laptop" {
				t.Errorf("%+v, %v", h, err)
			}
		}
		endedIn(t, s, "ada", "laptop")
		h, err := s.MarkedByRef(ctx, devices.IssuerHydra, "c1", []byte("m2"), oryNoon)
		if err != nil || h.Grant.RevokedAt.IsZero() {
			t.Errorf("an ended chain: %+v, %v", h, err)
		}
		for mark, kept := range map[string]bool{"m0": false, "m1": true, "m2": false} {
			if h, _, err := s.HoldingByToken(ctx, marked(mark)); kept != (err == nil && h.Grant.ID == "g1") {
				t.Errorf("%s: %+v, %v", mark, h.Grant, err)
			}
		}
	})
}

// Whoever opens chains for subjects that are new, known and being revoked at
// once leaves one grant a chain, events in order, and none on an ended device.
func TestChainsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		var group sync.WaitGroup
		opened := make([]error, 40)
		for n := range opened {
			group.Go(func() {
				g := chain(fmt.Sprintf("g%d", n), fmt.Sprintf("c%d", n/2), "laptop", "")
				if n%4 >= 2 {
					g.Subject, g.DeviceID = fmt.Sprintf("new-%d", n/8), ""
				}
				_, opened[n] = s.OpenChain(ctx, g, []byte(g.ID), created)
			})
		}
		group.Go(func() { endedIn(t, s, "ada", "laptop") })
		group.Wait()
		for n, err := range opened {
			if err != nil && (n%4 >= 2 || !errors.Is(err, devices.ErrRevoked)) {
				t.Errorf("chain %d: %v", n, err)
			}
		}
		grants, err := s.FindGrants(ctx, devices.GrantQuery{Subject: "ada"})
		for _, g := range grants {
			if g.RevokedAt.IsZero() {
				t.Errorf("%s lives on an ended device", g.ID)
			}
		}
		page, err2 := s.EventsAfter(ctx, "", 500)
		told := map[string]int{}
		for _, e := range page.Events {
			told[e.GrantID]++
		}
		refs := map[string]bool{}
		for n := range opened {
			h, err := s.HoldingByRef(ctx, devices.IssuerHydra, fmt.Sprintf("c%d", n/2))
			if err == nil && told[h.Grant.ID] == 1 {
				refs[h.Grant.ID] = true
			}
		}
		if len(told) != len(refs) || err != nil || err2 != nil {
			t.Errorf("%d grants, events %v; %v, %v", len(refs), told, err, err2)
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
		for n, hop := range [][2]devices.TokenHash{{token("t1"), marked("mark")}, {token("t2"), token("t1")}, {token("t3"), token("t2")}} {
			if err := s.LearnToken(ctx, hop[0], hop[1], oryNoon.Add(time.Duration(n)*day)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Sweep(ctx, oryNoon.Add(2*day), store.Retention{}); err != nil {
			t.Fatal(err)
		}
		for name, kept := range map[string]bool{"mark": false, "t1": false, "t2": true, "t3": true} {
			_, _, err := s.HoldingByToken(ctx, token(name))
			_, _, err2 := s.HoldingByToken(ctx, marked(name))
			if kept != (err == nil) || err2 == nil {
				t.Errorf("%s: %v, %v", name, err, err2)
			}
		}
	})
}

// The event of a chain that is opened with a flag flags its device.
func TestAChainOpenedWithAFlag(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		flagged := func(g devices.Grant) []devices.Event {
			return append(created(g), devices.Event{
				ID: "f-" + g.ID, Type: devices.EventDeviceFlagged, At: oryNoon, Subject: g.Subject, DeviceID: g.DeviceID,
				GrantID: g.ID, Reasons: []devices.Reason{devices.ReasonGatewayBypassed},
			})
		}
		for range 2 { // asked again, the chain is there, and what is answered stays so
			if _, err := s.OpenChain(ctx, chain("g1", "c1", "laptop", ""), nil, flagged); err != nil {
				t.Fatal(err)
			}
		}
		d, err := s.Device(ctx, "ada", "laptop")
		if err != nil || d.State != devices.StateFlagged || d.FlaggedReason != devices.ReasonGatewayBypassed ||
			!d.FlaggedAt.Equal(oryNoon) || d.Version != 2 {
			t.Errorf("the laptop is %s for %q since %s, version %d, %v", d.State, d.FlaggedReason, d.FlaggedAt, d.Version, err)
		}
	})
}
