package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/migrate"
)

//go:embed sql
var files embed.FS

const (
	table      = "schema_steps"
	locksTable = "schema_locks" // bun wants one; the session's lock is what counts
)

// lockKey is the PostgreSQL advisory lock that changes of the schema hold. It
// is the same for every release, or two of them would not exclude each other.
const lockKey = 0x6c616e79617264 // "lanyard"

var (
	// ErrOld: the schema lacks steps that this binary needs.
	ErrOld = errors.New("the database schema is older than this binary: run `lanyard migrate up`")
	// ErrNew: the schema has steps that this binary does not know.
	ErrNew = errors.New("the database schema is newer than this binary: run a newer lanyard")
	// ErrPool: the database given was not limited to one connection.
	ErrPool = errors.New("changing the schema needs a pool of exactly one connection")

	// errMoved: another process has taken the step meanwhile.
	errMoved = errors.New("step taken elsewhere")
)

// Step is one step of the history.
type Step struct {
	Name      string    // number and subject, "20261101000003_grants"
	AppliedAt time.Time // zero: not applied
	Unknown   bool      // applied by a newer binary
}

// Up takes the steps that the schema lacks and returns their names, also
// those taken before a failing one. It may be called
// from many processes at once: the others wait and find nothing left to do.
// The database must be limited to one connection, whose session holds the
// lock (ErrPool); it must not go through a pooler in transaction mode.
func Up(ctx context.Context, db *bun.DB) ([]string, error) {
	return locked(ctx, db, func(m *migrate.Migrator) ([]string, error) {
		group, err := m.Migrate(ctx)
		taken := group.Migrations
		if err != nil && len(taken) > 0 {
			taken = taken[:len(taken)-1] // the one that failed
		}
		return names(taken), err
	})
}

// Down undoes the steps that the last Up took, and returns their names. What they
// held is lost. See Up for the database.
func Down(ctx context.Context, db *bun.DB) ([]string, error) {
	return locked(ctx, db, func(m *migrate.Migrator) ([]string, error) {
		group, err := m.Rollback(ctx)
		if err != nil {
			return nil, err // which of them were undone, the status tells
		}
		return names(group.Migrations), nil
	})
}

func names(steps migrate.MigrationSlice) []string {
	all := make([]string, len(steps))
	for i, s := range steps {
		all[i] = s.String()
	}
	return all
}

// locked runs fn while no other process changes the schema. The lock is the
// session's: a process that dies gives it back.
func locked(
	ctx context.Context, db *bun.DB, fn func(*migrate.Migrator) ([]string, error),
) ([]string, error) {
	if db.Stats().MaxOpenConnections != 1 {
		return nil, ErrPool
	}
	if db.Dialect().Name() == dialect.PG {
		if _, err := db.ExecContext(ctx, "SELECT pg_advisory_lock(?)", int64(lockKey)); err != nil {
			return nil, fmt.Errorf("lock the schema: %w", err)
		}
		defer func() {
			_, _ = db.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", int64(lockKey))
		}()
	}
	all, err := history(db)
	if err != nil {
		return nil, err
	}
	m := migrator(db, all)
	if err := m.Init(ctx); err != nil {
		return nil, fmt.Errorf("prepare the schema's history: %w", err)
	}
	// SQLite has no lock that outlives a transaction: there, another process
	// may take a step between our look and our turn. Each turn then looks again.
	var done []string
	for range 100 {
		more, err := fn(m)
		done = append(done, more...)
		if !errors.Is(err, errMoved) {
			return done, err
		}
	}
	return done, errMoved
}

func history(db *bun.DB) (*migrate.Migrations, error) {
	all := migrate.NewMigrations()
	name := "sqlite"
	if db.Dialect().Name() == dialect.PG {
		name = "postgres"
	}
	for _, dir := range []string{"portable", name} {
		sub, err := fs.Sub(files, "sql/"+dir)
		if err == nil {
			err = all.Discover(sub)
		}
		if err != nil {
			return nil, fmt.Errorf("read the steps of the schema: %w", err)
		}
	}
	return all, nil
}

func migrator(db *bun.DB, all *migrate.Migrations) *migrate.Migrator {
	return migrate.NewMigrator(db, all,
		migrate.WithTableName(table),
		migrate.WithLocksTableName(locksTable),
		migrate.WithMarkAppliedOnSuccess(true),
		migrate.WithUpsert(true),
		migrate.BeforeMigration(unmoved),
		migrate.AfterMigration(mark))
}

// unmoved looks, inside the step's own transaction, whether it is still to do.
func unmoved(ctx context.Context, tx bun.IConn, m *migrate.Migration) error {
	var marks int
	row := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+table+" WHERE name = '"+m.Name+"'")
	if err := row.Scan(&marks); err != nil {
		return err
	}
	if m.IsApplied() != (marks > 0) {
		return errMoved
	}
	return nil
}

// mark moves the mark of a step in the step's own transaction. Bun would do so
// afterwards, in another; it still does, and changes nothing by it.
func mark(ctx context.Context, tx bun.IConn, m *migrate.Migration) error {
	stmt := "DELETE FROM " + table + " WHERE name = '" + m.Name + "'"
	if !m.IsApplied() {
		stmt = fmt.Sprintf("INSERT INTO %s (name, group_id, migrated_at) VALUES ('%s', %d, current_timestamp)",
			table, m.Name, m.GroupID)
	}
	_, err := tx.ExecContext(ctx, stmt)
	return err
}
