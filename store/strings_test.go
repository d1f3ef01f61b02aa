package store_test

import (
	"errors"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// quoteEater ends the string that it is written into where a backslash is an
// escape.
const quoteEater = `\' OR pg_sleep(10) IS NOT NULL OR u.folded = \'`

// TestStringsOfAnotherKind: a server that reads backslashes as escapes is not
// served on, whoever told it to. What is open already stays as it was.
func TestStringsOfAnotherKind(t *testing.T) {
	for _, change := range []string{
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET standard_conforming_strings = off', current_database()); END $$`,
		`DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET standard_conforming_strings = off',
			current_user, current_database()); END $$`,
	} {
		url := pgtest.Fresh(t)
		before := open(t, url, store.WithPool(1))
		if _, err := rawDB(t, "pgx", url).Exec(change); err != nil {
			t.Fatal(err)
		}
		if s, err := store.Open(t.Context(), url); !errors.Is(err, store.ErrStrings) {
			t.Errorf("opened: %v", err)
			if err == nil {
				_ = s.Close()
			}
		}
		if _, err := store.MigrateStatus(t.Context(), url); !errors.Is(err, store.ErrStrings) {
			t.Errorf("read the steps: %v", err)
		}
		if _, err := before.UserByIdentifier(t.Context(), quoteEater); !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("on an open connection: %v", err)
		}
	}
}

// TestStringsChangeOnAConnection: a session that was told otherwise is not used
// again.
func TestStringsChangeOnAConnection(t *testing.T) {
	s := open(t, pgtest.Fresh(t), store.WithPool(1))
	if err := s.Exec(t.Context(), "SET standard_conforming_strings = off"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UserByIdentifier(t.Context(), quoteEater); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
