package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

// ErrRestored: the events were written in another PostgreSQL cluster, from
// which this database was restored. They cannot be told apart from later ones
// until a new era begins, which MigrateUp does.
var ErrRestored = errors.New(
	"the database was restored from another cluster: run `lanyard migrate up`")

// cursor is where a reader of the events is. On SQLite only seq moves.
type cursor struct{ era, xid, seq int64 }

func (c cursor) String() string { return fmt.Sprintf("%d.%d.%d", c.era, c.xid, c.seq) }

func readCursor(text string) (cursor, error) {
	if text == "" {
		return cursor{era: math.MinInt64}, nil
	}
	var c cursor
	_, err := fmt.Sscanf(text, "%d.%d.%d", &c.era, &c.xid, &c.seq)
	if err != nil || c.String() != text {
		return cursor{}, fmt.Errorf("%w: cursor %q", devices.ErrInvalid, text)
	}
	return c, nil
}

// cursorOf returns the cursor in a text, or that of the event with this ID.
func (s *Store) cursorOf(ctx context.Context, text string) (cursor, error) {
	if uuid.Validate(text) != nil {
		return readCursor(text)
	}
	var r eventRow
	query := s.read.NewSelect().Model(&r).ColumnExpr("*").Where("id = ?", text)
	switch err := query.Scan(ctx); {
	case errors.Is(err, sql.ErrNoRows):
		return cursor{}, fmt.Errorf("%w: cursor: there is no event %s, or not any more", devices.ErrInvalid, text)
	case err != nil:
		return cursor{}, fmt.Errorf("find an event: %w", err)
	}
	return cursor{r.Era, r.XID, r.Seq}, nil
}

// EventsAfter returns what was told after a cursor or the event of an ID, or
// from the beginning where it is empty. A limit of 0 means 50; more than 500 is 500.
//
// Events that a running transaction may still precede are not told yet, so
// that a reader who goes on from each Next misses none.
func (s *Store) EventsAfter(ctx context.Context, after string, most int) (devices.EventPage, error) {
	from, err := s.cursorOf(ctx, after)
	if err != nil {
		return devices.EventPage{}, err
	}
	var rows []eventRow
	query := s.read.NewSelect().Model(&rows).ColumnExpr("*").Limit(limit(devices.Page{Limit: most}))
	if s.pg {
		query.Where("(era, xid, seq) > (?, ?, ?)", from.era, from.xid, from.seq).
			Where("(xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint" +
				" OR era < (SELECT n.era FROM events_era AS n))").
			OrderExpr("era, xid, seq")
	} else {
		query.Where("seq > ?", from.seq).OrderExpr("seq")
	}
	if err := query.Scan(ctx); err != nil {
		return devices.EventPage{}, fmt.Errorf("list events: %w", err)
	}
	page := devices.EventPage{Events: make([]devices.Event, len(rows)), Next: after}
	if after != "" {
		page.Next = from.String()
	}
	for i, r := range rows {
		page.Events[i] = r.event()
		page.Next = cursor{r.Era, r.XID, r.Seq}.String()
	}
	return page, nil
}

// A transaction that is not there yet in this cluster has written events of
// the present era: they are from another cluster.
const foreignText = `EXISTS (SELECT 1 FROM events AS e
 WHERE e.era = n.era AND e.xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)`

// restored returns ErrRestored if a new era must begin.
func (s *Store) restored(ctx context.Context) error {
	if !s.pg {
		return nil
	}
	var foreign bool
	err := s.read.NewRaw("SELECT "+foreignText+" FROM events_era AS n").Scan(ctx, &foreign)
	switch {
	case err != nil:
		return fmt.Errorf("look for events of another cluster: %w", err)
	case foreign:
		return ErrRestored
	}
	return nil
}

// beginEra begins a new era if one must begin. Whoever comes second sees that
// it has.
func beginEra(ctx context.Context, db *bun.DB) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var era int64
		err := tx.NewRaw("UPDATE events_era AS n SET era = n.era + 1 WHERE "+foreignText+" RETURNING n.era").
			Scan(ctx, &era)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, "ALTER TABLE events ALTER COLUMN era SET DEFAULT ?", era)
		}
		if err != nil {
			return fmt.Errorf("begin a new era of events: %w", err)
		}
		return nil
	})
}
