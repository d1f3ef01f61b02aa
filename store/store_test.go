package store_test

import (
	"path/filepath"
	"testing"

	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, migratedSQLite(t)) })
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, pgtest.Fresh(t)) })
}

// migratedSQLite returns the URL of a database that has the schema.
func migratedSQLite(t *testing.T) string {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db")
	if _, err := store.MigrateUp(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	return url
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
