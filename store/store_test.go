package store_test

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
	"github.com/lanyard-id/lanyard/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, sqlitetest.Fresh(t)) })
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, pgtest.Fresh(t)) })
}

func open(t *testing.T, url string, options ...store.Option) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Two processes on one database hold to the same locks: a server and a command
// on a file, two replicas on PostgreSQL.
func TestTwoStores(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, _ *sql.DB) {
		up(t, url)
		stores := []*store.Store{open(t, url), open(t, url)}
		const changes = 60
		var all sync.WaitGroup
		for i := range changes {
			all.Go(func() {
				if err := count(t, stores[i%2]); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		d, err := stores[0].Device(t.Context(), "ada", "laptop")
		if err != nil {
			t.Fatal(err)
		}
		if d.Version != changes {
			t.Errorf("%d changes counted %d", changes, d.Version)
		}
	})
}

// count reads a device's version and writes the next one.
func count(t *testing.T, s *store.Store) error {
	ctx := t.Context()
	return s.Change(ctx, "ada", func(tx devices.Tx) error {
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		d := devices.Device{ID: "laptop", Subject: "ada"}
		if len(known) > 0 {
			d = known[0]
		}
		d.Version++
		return tx.Put(ctx, d)
	})
}
