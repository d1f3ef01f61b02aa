package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type legRow struct {
	bun.BaseModel `bun:"table:legs,alias:l"`

	CreatedAt micros           `bun:"created_at"`
	NextAt    micros           `bun:"next_at"`
	DoneAt    micros           `bun:"done_at"`
	Until     micros           `bun:"until"`
	Attempts  int64            `bun:"attempts"`
	ID        string           `bun:"id,pk"`
	Kind      devices.LegKind  `bun:"kind"`
	Ref       string           `bun:"ref"`
	Subject   string           `bun:"subject"`
	DeviceID  string           `bun:"device_id"`
	GrantID   string           `bun:"grant_id"`
	ClientID  string           `bun:"client_id"`
	State     devices.LegState `bun:"state"`
	Trouble   string           `bun:"trouble"`
}

func (r *legRow) leg() devices.Leg {
	return devices.Leg{
		ID: r.ID, Kind: r.Kind, Ref: r.Ref, Subject: r.Subject, DeviceID: r.DeviceID, GrantID: r.GrantID,
		ClientID: r.ClientID, State: r.State, Attempts: int(r.Attempts), Trouble: r.Trouble,
		CreatedAt: r.CreatedAt.time(), NextAt: r.NextAt.time(), DoneAt: r.DoneAt.time(), Until: r.Until.time(),
	}
}

func legRowOf(l devices.Leg) *legRow {
	return &legRow{
		CreatedAt: at(l.CreatedAt), NextAt: at(l.NextAt), DoneAt: at(l.DoneAt), Until: at(l.Until),
		Attempts: int64(l.Attempts), ID: l.ID, Kind: l.Kind, Ref: l.Ref, Subject: l.Subject,
		DeviceID: l.DeviceID, GrantID: l.GrantID, ClientID: l.ClientID, State: l.State, Trouble: l.Trouble,
	}
}

// QueueLegs adds what is to be ended elsewhere and moves a reader of the
// events on, together. What is queued already stays as it is.
func (s *Store) QueueLegs(ctx context.Context, reader, place string, legs []devices.Leg) error {
	if err := writable(reader, place, legs); err != nil {
		return err
	}
	err := s.inTx(ctx, func(tx bun.Tx) error {
		for _, l := range legs {
			if _, err := tx.NewInsert().Model(legRowOf(l)).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
				return err
			}
		}
		if reader == "" {
			return nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO cursors (name, place) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET place = EXCLUDED.place`, reader, place)
		return err
	})
	if err != nil {
		return fmt.Errorf("queue %d legs: %w", len(legs), err)
	}
	return nil
}

// Cursor returns how far a reader of the events has come, "" at the beginning.
func (s *Store) Cursor(ctx context.Context, reader string) (string, error) {
	var place string
	err := s.read.NewSelect().Table("cursors").Column("place").Where("name = ?", reader).Scan(ctx, &place)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read cursor: %w", err)
	}
	return place, nil
}

// LeaseLegs returns pending legs whose time has come and keeps others from
// them until the lease ends.
func (s *Store) LeaseLegs(ctx context.Context, now, until time.Time, most int) ([]devices.Leg, error) {
	var rows []legRow
	err := s.inTx(ctx, func(tx bun.Tx) error {
		due := tx.NewSelect().Table("legs").Column("id").Where("state = 'pending' AND next_at <= ?", at(now)).
			OrderExpr("next_at").Limit(int64(most))
		if s.pg {
			due.For("UPDATE SKIP LOCKED")
		}
		rows = nil
		return tx.NewUpdate().Model(&rows).Set("next_at = ?", at(until)).Set("attempts = attempts + 1").
			Where("id IN (?)", due).Returning("*").Scan(ctx)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("lease legs: %w", err)
	}
	return legList(rows), nil
}

// SettleLeg writes down what became of an attempt.
func (s *Store) SettleLeg(ctx context.Context, l devices.Leg) error {
	_, err := s.write.NewUpdate().Model(legRowOf(l)).Column("state", "trouble", "next_at", "done_at", "until").
		WherePK().Where("state = 'pending'").Exec(ctx)
	if err != nil {
		return fmt.Errorf("settle leg %s: %w", l.ID, err)
	}
	return nil
}

// Legs returns what is being ended elsewhere for a device, oldest first.
func (s *Store) Legs(ctx context.Context, deviceID string) ([]devices.Leg, error) {
	if !clean(deviceID) {
		return nil, nil
	}
	var rows []legRow
	err := s.read.NewSelect().Model(&rows).Where("device_id = ?", deviceID).
		OrderExpr("created_at, id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list legs: %w", err)
	}
	return legList(rows), nil
}

// ClientLegs returns what is being ended elsewhere of a client's access to what
// is a subject's, since a time, oldest first.
func (s *Store) ClientLegs(ctx context.Context, subject, clientID string, since time.Time) ([]devices.Leg, error) {
	if !clean(subject, clientID) {
		return nil, nil
	}
	var rows []legRow
	err := s.read.NewSelect().Model(&rows).
		Where("subject = ? AND client_id = ? AND created_at >= ?", subject, clientID, at(since)).
		OrderExpr("created_at, id").Limit(500).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list legs of a client: %w", err)
	}
	return legList(rows), nil
}

func legList(rows []legRow) []devices.Leg {
	list := make([]devices.Leg, len(rows))
	for i := range rows {
		list[i] = rows[i].leg()
	}
	return list
}
