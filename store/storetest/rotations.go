package storetest

import (
	"context"
	"crypto/rand"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

func plainRotation(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	g := grantOf("ada", "laptop")
	g.Baseline = &devices.Baseline{Cookie: true}
	good(t, s.OpenGrant(ctx, g))
	r := next(g)
	if moved, err := s.Rotate(ctx, r); !moved || err != nil {
		t.Fatalf("rotation of a fresh grant: %v, %v", moved, err)
	}
	want := g
	want.Generation, want.Parent, want.RotatedAt, want.IdleUntil, want.Version = 2, 1, r.At, r.IdleUntil, 2
	same(t, "rotated grant", holding(t, s, g.ID), want)

	r = next(want)
	r.Baseline = &devices.Baseline{
		Fingerprint: devices.Fingerprint{devices.SignalOS: "Windows"}, KeyThumbprint: "thumb",
	}
	if moved, err := s.Rotate(ctx, r); !moved || err != nil {
		t.Fatalf("rotation that raises the baseline: %v, %v", moved, err)
	}
	want.Generation, want.Parent, want.Version, want.Baseline = 3, 2, 3, r.Baseline
	same(t, "raised grant", holding(t, s, g.ID), want)
}

// renewal moves times and nothing else, and does not mind that others do.
func renewal(t *testing.T, s Store) {
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	r := next(g)
	r.To, r.Parent, r.Version = r.From, 77, r.Version+5
	at(50, func(int) {
		if moved, err := s.Rotate(t.Context(), r); !moved || err != nil {
			t.Errorf("renewal: %v, %v", moved, err)
		}
	})
	want := g
	want.RotatedAt, want.IdleUntil = r.At, r.IdleUntil
	same(t, "renewed grant", holding(t, s, g.ID), want)
}

// toldRenewal: of those who would tell the same at once, one does.
func toldRenewal(t *testing.T, s Store) {
	enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	var won atomic.Int64
	at(50, func(int) {
		r := next(g)
		r.To, r.Parent = r.From, g.Parent
		r.Judgment = &devices.Judgment{ID: rand.Text(), Subject: "ada", DeviceID: "laptop"}
		moved, err := s.Rotate(t.Context(), r)
		if err != nil {
			t.Error(err)
		}
		if moved {
			won.Add(1)
		}
	})
	history, err := s.History(t.Context(), "ada", "laptop", devices.Page{})
	good(t, err)
	if won.Load() != 1 || len(history) != 1 {
		t.Errorf("%d renewals told, and %d judgments were kept", won.Load(), len(history))
	}
}

func lostRotation(t *testing.T, s Store) {
	ctx := t.Context()
	d := enrolled(t, s, "ada", "laptop")
	for name, spoil := range map[string]func(*devices.Grant, *devices.Rotation){
		"another subject's":    func(_ *devices.Grant, r *devices.Rotation) { r.Subject = "eve" },
		"an unknown grant":     func(_ *devices.Grant, r *devices.Rotation) { r.GrantID = "unknown" },
		"a spent generation":   func(g *devices.Grant, _ *devices.Rotation) { g.Generation = 2 },
		"an old version":       func(g *devices.Grant, _ *devices.Rotation) { g.Version = 2 },
		"past its end":         func(g *devices.Grant, _ *devices.Rotation) { g.NotAfter = noon },
		"at its end":           func(g *devices.Grant, r *devices.Rotation) { g.NotAfter = r.At },
		"idle for too long":    func(g *devices.Grant, _ *devices.Rotation) { g.IdleUntil = noon },
		"revoked, as if alive": func(g *devices.Grant, _ *devices.Rotation) { g.RevokedAt = noon },
		"seen elsewhere since": func(_ *devices.Grant, r *devices.Rotation) { r.Seen = netip.MustParseAddr("203.0.113.8") },
		"seen since":           func(_ *devices.Grant, r *devices.Rotation) { r.Seen = netip.Addr{} },
		"renewed when revoked": func(g *devices.Grant, r *devices.Rotation) { r.To, g.RevokedAt = r.From, noon },
		"renewed at its end":   func(g *devices.Grant, r *devices.Rotation) { r.To, g.NotAfter = r.From, r.At },
		"renewed when spent":   func(g *devices.Grant, r *devices.Rotation) { r.To, g.Generation = r.From, 2 },
		"renewed elsewhere":    func(_ *devices.Grant, r *devices.Rotation) { r.To, r.Seen = r.From, netip.Addr{} },
	} {
		g := grantOf("ada", "laptop")
		r := next(g)
		r.Judgment = &devices.Judgment{ID: rand.Text(), Subject: "ada", DeviceID: "laptop"}
		r.Events = []devices.Event{{ID: rand.Text(), Subject: "ada"}}
		r.Touched = &devices.Touch{DeviceID: "laptop"}
		spoil(&g, &r)
		good(t, s.OpenGrant(ctx, g))
		for _, r := range []devices.Rotation{plain(r), r} {
			if moved, err := s.Rotate(ctx, r); moved || err != nil {
				t.Errorf("rotation of %s: %v, %v", name, moved, err)
			}
		}
		same(t, "grant "+name, holding(t, s, g.ID), g)
	}
	nothingTold(t, s, d)
}

func plain(r devices.Rotation) devices.Rotation {
	r.Judgment, r.Events, r.Touched = nil, nil, nil
	return r
}

// nothingTold fails if there is history, an event, or another network.
func nothingTold(t *testing.T, s Store, d devices.Device) {
	t.Helper()
	now, err := s.Device(t.Context(), d.Subject, d.ID)
	good(t, err)
	same(t, "network", now.Last, d.Last)
	history, err := s.History(t.Context(), d.Subject, d.ID, devices.Page{})
	good(t, err)
	told, err := s.EventsAfter(t.Context(), "", 0)
	good(t, err)
	if len(history) != 0 || len(told.Events) != 0 {
		t.Errorf("told %d judgments and %d events of rotations that were lost", len(history), len(told.Events))
	}
}

func toldRotation(t *testing.T, s Store) {
	ctx := t.Context()
	d := enrolled(t, s, "ada", "laptop")
	g := opened(t, s, "ada", "laptop")
	r := next(g)
	r.Judgment = &devices.Judgment{ID: "j", Subject: "ada", DeviceID: "laptop", GrantID: g.ID}
	r.Events = []devices.Event{{ID: "e1", Subject: "ada"}, {ID: "e2", Subject: "ada"}}
	r.Touched = &devices.Touch{DeviceID: "laptop", Network: devices.Network{
		Addr: netip.MustParseAddr("2001:db8::7"), Country: "NL", City: "Delft", ASN: 64501, Kind: devices.NetworkMobile,
		Spot: devices.SpotAt(52, 4.36, 5),
	}, At: noon.Add(time.Minute), Known: []devices.Carrier{{ASN: 64500, Country: "NZ"}, {ASN: 1}, {Country: "BE"}}}
	if moved, err := s.Rotate(ctx, r); !moved || err != nil {
		t.Fatal(moved, err)
	}
	now, err := s.Device(ctx, "ada", "laptop")
	good(t, err)
	same(t, "last network", now.Last, r.Touched.Network)
	same(t, "carriers", now.Known, r.Touched.Known)
	same(t, "since", now.LastAt, r.Touched.At)
	same(t, "first network", now.First, d.First)
	history, err := s.History(ctx, "ada", "laptop", devices.Page{})
	good(t, err)
	same(t, "history", history, []devices.Judgment{*r.Judgment})
	told, err := s.EventsAfter(ctx, "", 0)
	good(t, err)
	same(t, "events", told.Events, r.Events)
}

func oneWinner(t *testing.T, s Store) {
	enrolled(t, s, "ada", "laptop")
	for _, tells := range []bool{false, true} {
		g := opened(t, s, "ada", "laptop")
		var won atomic.Int64
		at(100, func(int) {
			r := next(g)
			if tells {
				r.Judgment = &devices.Judgment{ID: rand.Text(), Subject: "ada", DeviceID: "laptop"}
			}
			moved, err := s.Rotate(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			if moved {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			t.Errorf("100 rotations of one generation (told: %v): %d succeeded", tells, won.Load())
		}
		if now := holding(t, s, g.ID); now.Generation != 2 || now.Version != 2 {
			t.Errorf("generation %d, version %d after one rotation", now.Generation, now.Version)
		}
	}
	history, err := s.History(t.Context(), "ada", "laptop", devices.Page{})
	good(t, err)
	if len(history) != 1 {
		t.Errorf("%d judgments of one rotation", len(history))
	}
}

// noSurvivor rotates a grant again and again while its device is revoked.
func noSurvivor(t *testing.T, s Store) {
	for round := range 200 {
		id := rand.Text()
		d := enrolled(t, s, "ada", id)
		g := opened(t, s, "ada", id)
		revoked := make(chan struct{})
		var both sync.WaitGroup
		both.Go(func() {
			defer close(revoked)
			revoke(t, s, d)
		})
		both.Go(func() { rotateUntilEnd(t, s, g) })
		<-revoked
		// What was true when the revocation was acknowledged stays so.
		then := holding(t, s, g.ID)
		both.Wait()
		now := holding(t, s, g.ID)
		if then.RevokedAt.IsZero() || now.Generation != then.Generation || now.Version != then.Version {
			t.Fatalf("round %d: revoked at generation %d, version %d, now %d, %d", round,
				then.Generation, then.Version, now.Generation, now.Version)
		}
	}
}

func rotateUntilEnd(t *testing.T, s Store, g devices.Grant) {
	for n := 0; ; n++ {
		r := next(g)
		if n%4 == 3 { // some tell
			r.Events = []devices.Event{{ID: rand.Text(), Subject: g.Subject, GrantID: g.ID}}
		}
		moved, err := s.Rotate(context.WithoutCancel(t.Context()), r)
		if err != nil {
			t.Error(err)
			return
		}
		h, err := s.Holding(t.Context(), g.ID)
		if err != nil {
			t.Error(err)
			return
		}
		if !moved && h.Grant.RevokedAt.IsZero() {
			t.Error("lost a rotation that nobody else made")
			return
		}
		if !h.Grant.RevokedAt.IsZero() {
			return
		}
		g = h.Grant
	}
}

func endedGrants(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	enrolled(t, s, "ada", "phone")
	one, two := opened(t, s, "ada", "laptop"), opened(t, s, "ada", "laptop")
	other := opened(t, s, "ada", "phone")
	in := signedIn(t, s, "ada", "laptop")
	end := func(aim devices.Selection) (ended []devices.Grant) {
		good(t, s.Change(ctx, "ada", func(tx devices.Tx) (err error) {
			ended, err = tx.EndGrants(ctx, aim, devices.ReasonOwner, noon.Add(time.Minute))
			return err
		}))
		return ended
	}
	want := one
	want.RevokedAt, want.RevokedReason, want.Version = noon.Add(time.Minute), devices.ReasonOwner, 2
	same(t, "ended grant", end(devices.Selection{GrantID: one.ID}), []devices.Grant{want})
	same(t, "its row", holding(t, s, one.ID), want)
	if moved, err := s.Rotate(ctx, next(want)); moved || err != nil {
		t.Errorf("rotation of a revoked grant: %v, %v", moved, err)
	}
	if now, err := s.SignIn(ctx, in.ID); err != nil || !now.EndedAt.IsZero() {
		t.Errorf("sign-in after one grant ended: %+v, %v", now, err)
	}
	if again := end(devices.Selection{GrantID: one.ID}); len(again) != 0 {
		t.Errorf("ended an ended grant again: %v", again)
	}
	if ended := end(devices.Selection{DeviceID: "laptop"}); len(ended) != 1 || ended[0].ID != two.ID {
		t.Errorf("ended %v of the laptop, want %s", ended, two.ID)
	}
	if now, err := s.SignIn(ctx, in.ID); err != nil || !now.EndedAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("sign-in after its device ended: %+v, %v", now, err)
	}
	if ended := end(devices.Selection{}); len(ended) != 1 || ended[0].ID != other.ID {
		t.Errorf("ended %v of all, want %s", ended, other.ID)
	}
}

// at runs fn many times at once and waits.
func at(times int, fn func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range times {
		all.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	all.Wait()
}
