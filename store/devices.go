package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

var _ devices.Store = (*Store)(nil)

// Change runs fn in one transaction that no other change of the subject
// overlaps; see devices.Store.
func (s *Store) Change(ctx context.Context, subject string, fn func(devices.Tx) error) error {
	return s.inSubject(ctx, subject, func(tx bun.Tx) error {
		return fn(&change{tx: tx, subject: subject})
	})
}

// Devices returns the subject's devices, revoked ones too, oldest first.
func (s *Store) Devices(ctx context.Context, subject string) ([]devices.Device, error) {
	return subjectDevices(ctx, s.read, subject)
}

func subjectDevices(ctx context.Context, db bun.IDB, subject string) ([]devices.Device, error) {
	if !clean(subject) {
		return nil, nil
	}
	var rows []deviceRow
	err := selectDevices(db, &rows).Where("d.subject = ?", subject).
		OrderExpr("d.created_at, d.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	return deviceList(rows), nil
}

// Device returns one device of the subject, or devices.ErrNotFound.
func (s *Store) Device(ctx context.Context, subject, id string) (devices.Device, error) {
	d, err := s.DeviceByID(ctx, id)
	if err != nil {
		return devices.Device{}, err
	}
	if d.Subject != subject {
		return devices.Device{}, devices.ErrNotFound
	}
	return d, nil
}

// History returns judgments on a device of the subject, newest first, or
// devices.ErrNotFound where it is not the subject's.
func (s *Store) History(
	ctx context.Context, subject, deviceID string, p devices.Page,
) ([]devices.Judgment, error) {
	if _, err := s.Device(ctx, subject, deviceID); err != nil {
		return nil, err
	}
	return s.judgments(ctx, p, "device_id = ? AND subject = ?", deviceID, subject)
}

// GrantHistory returns the judgments about a grant, newest first.
func (s *Store) GrantHistory(ctx context.Context, grantID string, p devices.Page) ([]devices.Judgment, error) {
	if grantID == "" || !clean(grantID) {
		return nil, nil
	}
	return s.judgments(ctx, p, "grant_id <> '' AND grant_id = ?", grantID)
}

func (s *Store) judgments(ctx context.Context, p devices.Page, condition string, args ...any) ([]devices.Judgment, error) {
	var rows []judgmentRow
	query := s.read.NewSelect().Model(&rows).Where(condition, args...).
		OrderExpr("at DESC, id DESC").Limit(limit(p))
	if p.After != "" {
		if !clean(p.After) {
			return nil, nil
		}
		query.Where("(at, id) < (SELECT j.at, j.id FROM judgments AS j WHERE j.id = ?)", p.After)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list judgments: %w", err)
	}
	list := make([]devices.Judgment, len(rows))
	for i := range rows {
		list[i] = rows[i].judgment()
	}
	return list, nil
}

// limit returns how many rows a page has.
func limit(p devices.Page) int64 {
	switch {
	case p.Limit <= 0:
		return 50
	default:
		return int64(min(p.Limit, 500))
	}
}
