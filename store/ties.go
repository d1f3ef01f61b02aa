package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type tieRow struct {
	bun.BaseModel `bun:"table:ties"`

	At       micros          `bun:"at"`
	EndedAt  micros          `bun:"ended_at"`
	Kind     devices.TieKind `bun:"kind,pk"`
	Ref      string          `bun:"ref,pk"`
	Subject  string          `bun:"subject"`
	DeviceID string          `bun:"device_id"`
}

func (r *tieRow) tie() devices.Tie {
	return devices.Tie{
		Kind: r.Kind, Ref: r.Ref, Subject: r.Subject, DeviceID: r.DeviceID,
		At: r.At.time(), EndedAt: r.EndedAt.time(),
	}
}

// PutTie ties a session elsewhere to a device. One that is tied already is
// tied anew: who signs in last in a browser has it.
func (s *Store) PutTie(ctx context.Context, t devices.Tie) error {
	if err := writable(t); err != nil {
		return err
	}
	row := &tieRow{
		At: at(t.At), EndedAt: at(t.EndedAt), Kind: t.Kind, Ref: t.Ref, Subject: t.Subject, DeviceID: t.DeviceID,
	}
	_, err := s.write.NewInsert().Model(row).On("CONFLICT (kind, ref) DO UPDATE").
		Set("at = EXCLUDED.at, ended_at = EXCLUDED.ended_at").
		Set("subject = EXCLUDED.subject, device_id = EXCLUDED.device_id").Exec(ctx)
	if err != nil {
		return fmt.Errorf("tie %s: %w", t.Kind, err)
	}
	return nil
}

// Tie returns what a session elsewhere is tied to, or devices.ErrNotFound.
func (s *Store) Tie(ctx context.Context, kind devices.TieKind, ref string) (devices.Tie, error) {
	var r tieRow
	err := one(ctx, s.read.NewSelect().Model(&r).Where("kind = ? AND ref = ?", kind, ref), ref)
	if err != nil {
		return devices.Tie{}, fmt.Errorf("read tie: %w", err)
	}
	return r.tie(), nil
}

// DeviceTies returns the sessions elsewhere of a device, oldest first.
func (s *Store) DeviceTies(ctx context.Context, deviceID string) ([]devices.Tie, error) {
	if !clean(deviceID) {
		return nil, nil
	}
	var rows []tieRow
	err := s.read.NewSelect().Model(&rows).Where("device_id = ?", deviceID).OrderExpr("at, kind, ref").Scan(ctx)
	return tieList(rows, err)
}

// LiveTies returns sessions elsewhere of a kind that have not ended, in the
// order of their references, after one.
func (s *Store) LiveTies(ctx context.Context, kind devices.TieKind, after string, most int) ([]devices.Tie, error) {
	var rows []tieRow
	err := s.read.NewSelect().Model(&rows).Where("kind = ? AND ended_at = 0 AND ref > ?", kind, after).
		OrderExpr("ref").Limit(int64(most)).Scan(ctx)
	return tieList(rows, err)
}

// OutlivedTies returns sessions elsewhere that have not ended though their
// device has, or though their subject is disabled, and that nobody has set out
// to end.
func (s *Store) OutlivedTies(ctx context.Context, most int) ([]devices.Tie, error) {
	var rows []tieRow
	err := s.read.NewSelect().Model(&rows).ModelTableExpr("ties AS t").ColumnExpr("t.*").
		Join("LEFT JOIN devices AS d ON d.id = t.device_id AND d.subject = t.subject").
		Join("LEFT JOIN subjects AS s ON s.id = t.subject").
		Where("t.ended_at = 0 AND (d.state = ? OR s.disabled_at <> 0)", devices.StateRevoked).
		Where("NOT EXISTS (SELECT 1 FROM legs AS l WHERE l.kind = t.kind AND l.ref = t.ref)").
		OrderExpr("t.kind, t.ref").Limit(int64(most)).Scan(ctx)
	return tieList(rows, err)
}

func tieList(rows []tieRow, err error) ([]devices.Tie, error) {
	if err != nil {
		return nil, fmt.Errorf("list ties: %w", err)
	}
	list := make([]devices.Tie, len(rows))
	for i := range rows {
		list[i] = rows[i].tie()
	}
	return list, nil
}

// EndTie notes that a session elsewhere has ended.
func (s *Store) EndTie(ctx context.Context, kind devices.TieKind, ref string, when time.Time) error {
	_, err := s.write.NewUpdate().Model((*tieRow)(nil)).Set("ended_at = ?", at(when)).
		Where("kind = ? AND ref = ? AND ended_at = 0", kind, ref).Exec(ctx)
	if err != nil {
		return fmt.Errorf("end tie: %w", err)
	}
	return nil
}
