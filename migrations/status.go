package migrations

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/migrate"
)

// Status returns every step in order, and last those that only a newer binary
// knows. A database that has never been migrated has none applied.
func Status(ctx context.Context, db *bun.DB) ([]Step, error) {
	history, err := history(db)
	if err != nil {
		return nil, err
	}
	applied, err := marks(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("read the schema's history: %w", err)
	}
	var all []Step
	for _, known := range history.Sorted() {
		all = append(all, Step{Name: known.String(), AppliedAt: applied[known.Name]})
		delete(applied, known.Name)
	}
	for _, number := range slices.Sorted(maps.Keys(applied)) {
		all = append(all, Step{Name: number, AppliedAt: applied[number], Unknown: true})
	}
	return all, nil
}

// marks returns when each applied step was taken, by its number.
func marks(ctx context.Context, db *bun.DB) (map[string]time.Time, error) {
	var there int
	query := "SELECT count(*) FROM sqlite_master WHERE name = '" + table + "'"
	if db.Dialect().Name() == dialect.PG {
		query = "SELECT count(to_regclass('" + table + "'))"
	}
	if err := db.QueryRowContext(ctx, query).Scan(&there); err != nil || there == 0 {
		return nil, err
	}
	applied, err := migrator(db, migrate.NewMigrations()).AppliedMigrations(ctx)
	if err != nil {
		return nil, err
	}
	taken := make(map[string]time.Time, len(applied))
	for _, m := range applied {
		taken[m.Name] = m.MigratedAt
	}
	return taken, nil
}

// Check returns nil if the schema is the one this binary was written for, else
// ErrOld or ErrNew, naming the first step that one of the two lacks.
func Check(ctx context.Context, db *bun.DB) error {
	all, err := Status(ctx, db)
	if err != nil {
		return err
	}
	// Unknown steps first: a newer schema that also lacks one of ours is a fork,
	// and its operator must not be sent to migrate it.
	for _, s := range all {
		if s.Unknown {
			return fmt.Errorf("%w (unknown step %s)", ErrNew, s.Name)
		}
	}
	for _, s := range all {
		if s.AppliedAt.IsZero() {
			return fmt.Errorf("%w (missing step %s)", ErrOld, s.Name)
		}
	}
	return nil
}
