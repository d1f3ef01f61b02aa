package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/lanyard-id/lanyard/migrations"
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	write *bun.DB
	read  *bun.DB // the same as write on PostgreSQL
	pg    bool
	now   func() time.Time
	turns turns

	holding, rotate, rotateRaised, renew *hot
	chain, passed, spent, learn          *hot
	mark                                 *hot    // on PostgreSQL
	chains                               *gather // on PostgreSQL
}

// newer lets a server go on after a migration to the next version, until it is
// replaced: columns that it does not know are passed over.
func newer() bun.DBOption { return bun.WithDiscardUnknownColumns() }

// settings are what options set.
type settings struct {
	pool    int
	uncache bool
	now     func() time.Time
}

// Option is a choice about how to open a database.
type Option func(*settings)

// WithPool limits how many connections are open at once. Without it PostgreSQL
// gets 16, and SQLite one that writes and 4 that read; there the limit is on
// the readers.
func WithPool(connections int) Option { return func(s *settings) { s.pool = connections } }

// WithoutStatementCache prepares nothing on the server, for a pooler in
// transaction mode that does not know prepared statements (PgBouncer before
// 1.21).
func WithoutStatementCache() Option { return func(s *settings) { s.uncache = true } }

// WithNow gives the store a clock, for the creation times of subjects. Without
// one they are not kept.
func WithNow(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// ErrURL: the URL names no database that this package can open.
var ErrURL = errors.New("database url must be sqlite:PATH or postgres://…")

// Open opens a database, without looking at its schema (see [Store.Check]).
// The URL is "sqlite:PATH", where the file is created if need be, or
// "postgres://…" as libpq reads it. "sqlite:PATH?synchronous=normal" trades
// the last commits before a power cut for speed.
func Open(ctx context.Context, url string, options ...Option) (*Store, error) {
	var set settings
	for _, o := range options {
		o(&set)
	}
	s, err := open(url, set)
	if err != nil {
		return nil, err
	}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func open(url string, set settings) (*Store, error) {
	if set.now == nil {
		set.now = func() time.Time { return time.Time{} }
	}
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		return openSQLite(strings.TrimPrefix(rest, "//"), set)
	case "postgres", "postgresql":
		return openPostgres(url, set)
	}
	return nil, ErrURL
}

// Ping reports whether the database can be reached.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.write.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}

// Check returns nil if the schema is the one this binary was written for, else
// migrations.ErrOld or migrations.ErrNew, or ErrRestored. Each says what to do.
func (s *Store) Check(ctx context.Context) error {
	if err := migrations.Check(ctx, s.read); err != nil {
		return err
	}
	return s.restored(ctx)
}

// Close closes the database.
func (s *Store) Close() error {
	err := errors.Join(s.holding.close(), s.rotate.close(), s.rotateRaised.close(), s.renew.close(),
		s.chain.close(), s.passed.close(), s.spent.close(), s.learn.close(), s.write.Close())
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	return err
}

// MigrateUp takes the steps that the schema of a database lacks, and returns
// their names. Any number of processes may call it at once. It also begins a
// new era of events where the database was restored (ErrRestored).
func MigrateUp(ctx context.Context, url string) ([]string, error) {
	return migrating(url, func(db *bun.DB) ([]string, error) {
		took, err := migrations.Up(ctx, db)
		if err == nil && db.Dialect().Name() == dialect.PG {
			err = beginEra(ctx, db)
		}
		return took, err
	})
}

// MigrateDown undoes the steps of the last MigrateUp, with all they held, and
// returns their names.
func MigrateDown(ctx context.Context, url string) ([]string, error) {
	return migrating(url, func(db *bun.DB) ([]string, error) { return migrations.Down(ctx, db) })
}

// MigrateStatus returns the steps of the schema of a database.
func MigrateStatus(ctx context.Context, url string) ([]migrations.Step, error) {
	return migrating(url, func(db *bun.DB) ([]migrations.Step, error) { return migrations.Status(ctx, db) })
}

// migrating runs fn on a pool of one connection: the session that holds the
// lock must be the one that works.
func migrating[T any](url string, fn func(*bun.DB) (T, error)) (T, error) {
	s, err := open(url, settings{pool: 1})
	if err != nil {
		var none T
		return none, err
	}
	s.write.SetConnMaxIdleTime(0)
	s.write.SetConnMaxLifetime(0)
	done, err := fn(s.write)
	return done, errors.Join(err, s.Close())
}
