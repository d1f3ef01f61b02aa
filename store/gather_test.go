package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// chains opens that many on a laptop, c0 and on.
func chains(t *testing.T, s *store.Store, many int) {
	t.Helper()
	enrolledIn(t, s, "ada", "laptop")
	for n := range many {
		if _, err := s.OpenChain(t.Context(), chain(fmt.Sprintf("g%d", n), fmt.Sprintf("c%d", n), "laptop", ""), nil, created); err != nil {
			t.Fatal(err)
		}
	}
}

// asks asks for a chain, and returns the ID of its grant.
func asks(t *testing.T, s *store.Store, ref string) (string, error) {
	h, err := s.HoldingByRef(t.Context(), devices.IssuerHydra, ref)
	return h.Grant.ID, err
}

// barred keeps everybody from reading grants until the door is opened, and
// counts who stands before it.
func barred(t *testing.T, url string) (before func() int, open func()) {
	t.Helper()
	db := rawDB(t, "pgx", url)
	door, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := door.Exec("LOCK TABLE grants IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return func() int {
			var n int
			err := db.QueryRow(`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'grants'::regclass`).Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}, func() {
			if err := door.Rollback(); err != nil {
				t.Error(err)
			}
		}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// Forty questions that come while one is under way are one statement. Each gets
// its own answer, though one of the rows cannot be read.
func TestQuestionsForChainsShareAStatement(t *testing.T) {
	url := pgtest.Fresh(t)
	counted, counter := pgtest.Count(t, url)
	s := open(t, counted)
	s.Patience(time.Minute)
	chains(t, s, 40)
	for range 2 { // prepared by the first
		if _, err := asks(t, s, "c0"); err != nil {
			t.Fatal(err)
		}
	}
	crowd := func() {
		t.Helper()
		before, open := barred(t, url)
		var all sync.WaitGroup
		question := func(ref, want string, wrong error) {
			all.Go(func() {
				if got, err := asks(t, s, ref); got != want || !errors.Is(err, wrong) {
					t.Errorf("%s is %q, %v; want %q, %v", ref, got, err, want, wrong)
				}
			})
		}
		question("c0", "g0", nil)
		until(t, "the first asks", func() bool { return before() == 1 })
		for n := range 40 {
			question(fmt.Sprintf("c%d", n), fmt.Sprintf("g%d", n), nil)
		}
		question("c40", "", devices.ErrNotFound)
		until(t, "the others wait", func() bool { return s.Waiting() == 41 })
		open()
		all.Wait()
	}
	crowd()
	counter.Reset()
	crowd()
	got := counter.Counts()
	if got.Pings, got.Prepared = 0, 0; got != (pgtest.Counts{RoundTrips: 2}) {
		t.Errorf("41 questions cost %+v, want 2 round trips", got)
	}
}

// A statement for a few questions is planned for all, not each time anew.
func TestReadingsAreNotPlannedAnew(t *testing.T) {
	url := pgtest.Fresh(t)
	s := open(t, url, store.WithPool(1))
	s.Patience(time.Minute)
	chains(t, s, 3)
	raw := rawDB(t, "pgx", url)
	for _, statement := range []string{
		`INSERT INTO grants SELECT r.* FROM (SELECT g FROM grants AS g LIMIT 1) AS t, generate_series(1, 3000) AS i,
 LATERAL jsonb_populate_record(t.g, jsonb_build_object('id', 'n' || i, 'external_ref', 'n' || i)) AS r`,
		"ANALYZE",
	} {
		do(t, raw, statement)
	}
	for range 8 { // PostgreSQL plans the first five anew
		before, open := barred(t, url)
		var all sync.WaitGroup
		question := func() { _, _ = asks(t, s, "c1") }
		all.Go(question)
		until(t, "the first asks", func() bool { return before() == 1 })
		all.Go(question)
		all.Go(question)
		until(t, "the others wait", func() bool { return s.Waiting() == 2 })
		open()
		all.Wait()
	}
	got, err := s.Ask(t.Context(),
		`SELECT custom_plans || ' anew, ' || generic_plans FROM pg_prepared_statements WHERE statement LIKE '%unnest%'`)
	if want := "5 anew, 3"; err != nil || got != want {
		t.Errorf("planned %s times, %v; want %s", got, err, want)
	}
}

// A row that cannot be read is trouble for who asked for it, and nobody else.
func TestOneUnreadableChain(t *testing.T) {
	url := pgtest.Fresh(t)
	s := open(t, url)
	s.Patience(time.Minute)
	chains(t, s, 3)
	if _, err := rawDB(t, "pgx", url).Exec(`UPDATE grants SET baseline = 'no JSON' WHERE id = 'g1'`); err != nil {
		t.Fatal(err)
	}
	before, open := barred(t, url)
	var all sync.WaitGroup
	all.Go(func() { _, _ = asks(t, s, "c0") })
	until(t, "the first asks", func() bool { return before() == 1 })
	for n := range 3 {
		all.Go(func() {
			_, err := asks(t, s, fmt.Sprintf("c%d", n))
			if unreadable := n == 1; unreadable != (err != nil) || errors.Is(err, devices.ErrNotFound) {
				t.Errorf("c%d: %v", n, err)
			}
		})
	}
	until(t, "the others wait", func() bool { return s.Waiting() == 3 })
	open()
	all.Wait()
}

// A reading that takes long holds nobody up, and those whom it would hold up
// still ask together: one by one they would be too much for a busy database.
func TestNobodyWaitsForASlowReading(t *testing.T) {
	url := pgtest.Fresh(t)
	s := open(t, url)
	chains(t, s, 5)
	before, open := barred(t, url)
	var all sync.WaitGroup
	for n := range 5 {
		all.Go(func() {
			if _, err := asks(t, s, fmt.Sprintf("c%d", n)); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "the others ask beside it", func() bool { return before() == 2 && s.Waiting() == 0 })
	for n := 3; n <= store.Abreast; n++ {
		all.Go(func() { _, _ = asks(t, s, "c1") })
		until(t, "those after them too", func() bool { return before() == n })
	}
	for range 20 {
		all.Go(func() { _, _ = asks(t, s, "c2") })
	}
	until(t, "the last ones wait", func() bool { return s.Waiting() == 20 })
	time.Sleep(100 * time.Millisecond) // ten times as long as a reading waits
	if n := before(); n > store.Abreast {
		t.Errorf("%d connections ask for chains", n)
	}
	open()
	all.Wait()
}

// Who has given up on a database that is stuck is not asked for when it comes
// back, and takes no space meanwhile.
func TestWhoHasGoneIsNotAskedFor(t *testing.T) {
	url := pgtest.Fresh(t)
	counted, counter := pgtest.Count(t, url)
	s := open(t, counted)
	s.Patience(time.Minute)
	chains(t, s, 3)
	_, _ = asks(t, s, "c0") // prepares
	before, open := barred(t, url)
	counter.Reset()
	var all sync.WaitGroup
	all.Go(func() { _, _ = asks(t, s, "c0") })
	until(t, "the first asks", func() bool { return before() == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	for n := range 40 {
		all.Go(func() {
			_, err := s.HoldingByRef(ctx, devices.IssuerHydra, fmt.Sprintf("c%d", n%3))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up got %v", err)
			}
		})
	}
	until(t, "the others wait", func() bool { return s.Waiting() == 40 })
	cancel()
	until(t, "they have gone", func() bool { return s.Waiting() == 0 })
	all.Go(func() {
		if got, err := asks(t, s, "c1"); got != "g1" || err != nil {
			t.Errorf("who waits on is answered %q, %v", got, err)
		}
	})
	until(t, "one waits", func() bool { return s.Waiting() == 1 })
	if got := s.Wanted(); got != 1 {
		t.Errorf("%d chains are to be read, want the one that is waited for", got)
	}
	open()
	all.Wait()
	if got := counter.Counts().RoundTrips; got > 3 { // the second prepares
		t.Errorf("%d round trips", got)
	}
	if _, err := asks(t, s, "c2"); err != nil {
		t.Error(err)
	}
}

// A reading has a size; who comes when it is full asks alone.
func TestAReadingIsNotEndless(t *testing.T) {
	url := pgtest.Fresh(t)
	s := open(t, url)
	s.Patience(time.Minute)
	chains(t, s, 1)
	before, open := barred(t, url)
	var all sync.WaitGroup
	question := func(ref string) { all.Go(func() { _, _ = asks(t, s, ref) }) }
	question("c0")
	until(t, "the first asks", func() bool { return before() == 1 })
	for n := range store.Most {
		question(fmt.Sprintf("c%d", n))
	}
	until(t, "the others wait", func() bool { return s.Waiting() == store.Most })
	question("one more")
	until(t, "one more asks alone", func() bool { return before() == 2 })
	open()
	all.Wait()
}

// What was ended before the question is never answered as alive, however many
// ask for it at the time.
func TestChainsAreReadAfterTheyWereAskedFor(t *testing.T) {
	s := open(t, pgtest.Fresh(t))
	chains(t, s, 100)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := n; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := asks(t, s, fmt.Sprintf("c%d", i%100)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 100 {
		err := s.Change(t.Context(), "ada", func(tx devices.Tx) error {
			_, err := tx.EndGrants(t.Context(), devices.Selection{GrantID: fmt.Sprintf("g%d", n)}, devices.ReasonLogout, oryNoon)
			return err
		})
		if err != nil {
			t.Error(err)
			break
		}
		h, err := s.HoldingByRef(t.Context(), devices.IssuerHydra, fmt.Sprintf("c%d", n))
		if err != nil || h.Grant.RevokedAt.IsZero() {
			t.Errorf("c%d, after its end: alive, %v", n, err)
		}
	}
	close(stop)
	all.Wait()
}
