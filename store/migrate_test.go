package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/migrations"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// onBoth runs a test on an empty database of each kind. The second argument
// reaches it past the store.
func onBoth(t *testing.T, test func(t *testing.T, url string, raw *sql.DB)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "lanyard.db")
		test(t, "sqlite:"+file, rawDB(t, "sqlite", file))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		url := pgtest.Empty(t)
		test(t, url, rawDB(t, "pgx", url))
	})
}

func rawDB(t testing.TB, driver, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func do(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func up(t *testing.T, url string) []string {
	t.Helper()
	took, err := store.MigrateUp(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return took
}

func check(t *testing.T, url string) error {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return errors.Join(s.Check(t.Context()), s.Close())
}

func TestMigrateUpAndDown(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, raw *sql.DB) {
		if err := check(t, url); !errors.Is(err, migrations.ErrOld) || !strings.Contains(err.Error(), "lanyard migrate up") {
			t.Errorf("empty database: got %v, want what to do about it", err)
		}
		took := up(t, url)
		if len(took) < 8 || !slices.IsSorted(took) {
			t.Errorf("took %q", took)
		}
		if err := check(t, url); err != nil {
			t.Error(err)
		}
		if again := up(t, url); len(again) != 0 {
			t.Errorf("took %q again", again)
		}
		undone, err := store.MigrateDown(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if len(undone) != len(took) {
			t.Errorf("undid %q of %q", undone, took)
		}
		if _, err := raw.Exec("SELECT * FROM grants"); err == nil {
			t.Error("grants are there after all steps were undone")
		}
		if err := check(t, url); !errors.Is(err, migrations.ErrOld) {
			t.Errorf("undone database: got %v, want %v", err, migrations.ErrOld)
		}
		if diff := cmp.Diff(took, up(t, url)); diff != "" {
			t.Errorf("up after down differs (-first +second):\n%s", diff)
		}
	})
}

// An up after a binary with more steps, and one after a binary with fewer.
func TestSchemaOfAnotherBinary(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, raw *sql.DB) {
		took := up(t, url)
		last, _, _ := strings.Cut(took[len(took)-1], "_")
		do(t, raw, "DELETE FROM schema_steps WHERE name = '"+last+"'")
		if err := check(t, url); !errors.Is(err, migrations.ErrOld) || !strings.Contains(err.Error(), last) {
			t.Errorf("schema without its last step: got %v, want %v", err, migrations.ErrOld)
		}
		do(t, raw, "INSERT INTO schema_steps (name, group_id) VALUES ('20991231000000', 2)")
		err := check(t, url)
		if !errors.Is(err, migrations.ErrNew) || !strings.Contains(err.Error(), "20991231000000") {
			t.Errorf("schema with an unknown step: got %v, want %v", err, migrations.ErrNew)
		}
		steps, err := store.MigrateStatus(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(steps); n != len(took)+1 || !steps[n-1].Unknown || !steps[n-2].AppliedAt.IsZero() ||
			steps[0].AppliedAt.IsZero() || steps[0].Name != took[0] {
			t.Errorf("status: %+v", steps)
		}
	})
}

// A step that fails leaves neither itself nor its mark, and can be tried again.
func TestStepThatFails(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, raw *sql.DB) {
		do(t, raw, "CREATE TABLE consents (other TEXT)") // in the way of a later statement of its step
		if _, err := store.MigrateUp(t.Context(), url); err == nil {
			t.Fatal("no error though a table is in the way")
		}
		if _, err := raw.Exec("SELECT * FROM clients"); err == nil {
			t.Error("the first table of the failed step was kept")
		}
		do(t, raw, "DROP TABLE consents")
		up(t, url)
		if err := check(t, url); err != nil {
			t.Error(err)
		}
	})
}

func TestMigrateFromManyAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, raw *sql.DB) {
		for round := range 3 {
			var all sync.WaitGroup
			var mu sync.Mutex
			var took []string
			for range 8 {
				all.Go(func() {
					mine, err := store.MigrateUp(context.Background(), url)
					if err != nil {
						t.Errorf("round %d: %v", round, err)
					}
					mu.Lock()
					took = append(took, mine...)
					mu.Unlock()
				})
			}
			all.Wait()
			slices.Sort(took)
			if len(took) == 0 || len(slices.Compact(slices.Clone(took))) != len(took) {
				t.Errorf("round %d: took %q", round, took)
			}
			var marks int
			if err := raw.QueryRow("SELECT count(*) FROM schema_steps").Scan(&marks); err != nil || marks != len(took) {
				t.Errorf("round %d: %d marks of %d steps, %v", round, marks, len(took), err)
			}
			// On SQLite several of them may have taken turns.
			for undone := 0; undone < len(took); {
				steps, err := store.MigrateDown(t.Context(), url)
				if err != nil || len(steps) == 0 {
					t.Fatalf("undid %d of %d: %v", undone, len(took), err)
				}
				undone += len(steps)
			}
		}
	})
}

// Whoever dies while migrating gives the lock back, and whoever waits for it
// can be called off.
func TestMigrationLock(t *testing.T) {
	url := pgtest.Empty(t)
	raw := rawDB(t, "pgx", url)
	holder, err := raw.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), "SELECT pg_advisory_lock(30506424595477092)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := store.MigrateUp(ctx, url)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("called off: got %v", err)
	}
	go func() {
		_, err := store.MigrateUp(context.Background(), url)
		done <- err
	}()
	if _, err := raw.Exec("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" +
		" AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
