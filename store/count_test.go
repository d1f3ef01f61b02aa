package store_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// The cost of a refresh is what it is however long the grant's history.
func TestRotationIsTwoRoundTrips(t *testing.T) {
	url := pgtest.Fresh(t)
	counted, counter := pgtest.Count(t, url)
	s := open(t, counted, store.WithPool(1))
	g := heldGrant(t, s)
	refresh := func() {
		t.Helper()
		h, err := s.Holding(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		moved, err := s.Rotate(t.Context(), devices.Rotation{
			GrantID: g, Subject: "ada", Version: h.Grant.Version, From: h.Grant.Generation,
			To: h.Grant.Generation + 1, Parent: h.Grant.Generation, At: h.Grant.RotatedAt.Add(time.Second),
			Seen: h.Device.Last.Addr,
		})
		if !moved || err != nil {
			t.Fatal(moved, err)
		}
	}
	cost := func() pgtest.Counts {
		t.Helper()
		counter.Reset()
		refresh()
		got := counter.Counts()
		got.Pings = 0 // of a pool that was idle for long, on a slow machine
		return got
	}
	want := pgtest.Counts{RoundTrips: 2, Commits: 1, Rows: 1}
	counter.Reset()
	refresh()
	if first := counter.Counts(); first.Prepared != 2 {
		t.Errorf("first refresh: %+v, want two statements prepared", first)
	}
	if got := cost(); got != want {
		t.Errorf("a refresh costs %+v, want %+v", got, want)
	}
	for range 1000 {
		refresh()
	}
	if got := cost(); got != want {
		t.Errorf("a refresh after 1000 costs %+v, want %+v", got, want)
	}

	// The rows behind it: one, on its page, with no index touched.
	raw := rawDB(t, "pgx", url)
	s.Close()
	var rows, updates, hot int
	deadline := time.Now().Add(10 * time.Second)
	for updates < 1000 && time.Now().Before(deadline) { // statistics come late
		err := raw.QueryRow(`SELECT (SELECT count(*) FROM grants), n_tup_upd, n_tup_hot_upd
			FROM pg_stat_user_tables WHERE relname = 'grants'`).Scan(&rows, &updates, &hot)
		if err != nil {
			t.Fatal(err)
		}
	}
	if rows != 1 || updates != hot || updates < 1000 {
		t.Errorf("%d rows, %d updates, %d of them on their page", rows, updates, hot)
	}
}

// heldGrant opens a grant on a device and returns its ID.
func heldGrant(t testing.TB, s *store.Store) string {
	t.Helper()
	ctx, now := t.Context(), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	err := s.Change(ctx, "ada", func(tx devices.Tx) error {
		return tx.Put(ctx, devices.Device{ID: "laptop", Subject: "ada", State: devices.StateActive, CreatedAt: now})
	})
	if err != nil {
		t.Fatal(err)
	}
	g := devices.Grant{
		ID: rand.Text(), Subject: "ada", ClientID: "editor", DeviceID: "laptop", SID: rand.Text(),
		Session: make([]byte, 300), Secret: make([]byte, 32), Generation: 1, Version: 1,
		RotatedAt: now, CreatedAt: now, NotAfter: now.Add(90 * 24 * time.Hour),
	}
	if err := s.OpenGrant(ctx, g); err != nil {
		t.Fatal(err)
	}
	return g.ID
}

// Hydra's token hook waits for the database twice at most.
func TestChainIsTwoRoundTrips(t *testing.T) {
	counted, counter := pgtest.Count(t, pgtest.Fresh(t))
	s := open(t, counted, store.WithPool(1))
	ctx := t.Context()
	enrolledIn(t, s, "ada", "laptop")
	if err := s.PutTie(ctx, devices.Tie{
		Kind: devices.TieHydraLogin, Ref: "sid", Subject: "ada", DeviceID: "laptop", At: oryNoon,
	}); err != nil {
		t.Fatal(err)
	}
	costs := func(name string, want pgtest.Counts, do func() error) {
		t.Helper()
		counter.Reset()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := counter.Counts()
		got.Pings, got.Prepared = 0, 0
		if got != want {
			t.Errorf("%s costs %+v, want %+v", name, got, want)
		}
	}
	opens := func(id, ref, subject, mark string) func() error {
		return func() error {
			g := chain(id, ref, "", "sid")
			g.Subject = subject
			_, err := s.OpenChain(ctx, g, []byte(mark), created)
			return err
		}
	}
	costs("a chain", pgtest.Counts{RoundTrips: 2, Commits: 1, Rows: 3}, opens("g1", "c1", "ada", "mark"))
	costs("the same again", pgtest.Counts{RoundTrips: 2}, opens("g9", "c1", "ada", "mark"))
	costs("a new subject", pgtest.Counts{RoundTrips: 2, Commits: 1, Rows: 3}, opens("g2", "c2", "bob", ""))

	read := func() error { _, err := s.HoldingByRef(ctx, devices.IssuerHydra, "c1"); return err }
	mark := func() error {
		_, err := s.MarkedByRef(ctx, devices.IssuerHydra, "c1", []byte("again"), oryNoon)
		return err
	}
	learn := func(fresh string) func() error {
		return func() error { return s.LearnToken(ctx, token(fresh), marked("mark"), oryNoon) }
	}
	if err := errors.Join(read(), mark(), learn("t1")()); err != nil { // which prepares
		t.Fatal(err)
	}
	costs("a refresh", pgtest.Counts{RoundTrips: 1}, read)
	costs("a refresh of a token that did not pass by", pgtest.Counts{RoundTrips: 1}, mark)
	costs("an answer", pgtest.Counts{RoundTrips: 1, Commits: 1, Rows: 1}, learn("t2"))
}
