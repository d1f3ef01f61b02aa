package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

// change is a subject's devices within a transaction that holds its lock.
type change struct {
	tx      bun.Tx
	subject string
}

var _ devices.Tx = (*change)(nil)

func (c *change) Devices(ctx context.Context) ([]devices.Device, error) {
	return subjectDevices(ctx, c.tx, c.subject)
}

func (c *change) Check(ctx context.Context, by devices.Credential) error {
	return check(ctx, c.tx, c.subject, by)
}

// Put writes a device. The ID of another subject's is devices.ErrExists.
func (c *change) Put(ctx context.Context, d devices.Device) error {
	if d.Subject != c.subject {
		return fmt.Errorf("%w: device %s is of another subject than the change", devices.ErrInvalid, d.ID)
	}
	if err := writable(d); err != nil {
		return err
	}
	insert := c.tx.NewInsert().Model(deviceRowOf(d)).On("CONFLICT (id) DO UPDATE")
	for _, column := range putColumns {
		insert.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	rows, err := affected(insert.Where("d.subject = EXCLUDED.subject").Exec(ctx))
	switch {
	case err != nil:
		return fmt.Errorf("put device %s: %w", d.ID, err)
	case rows == 0:
		return fmt.Errorf("put device %s: %w", d.ID, devices.ErrExists)
	}
	return nil
}

// putColumns are what a known device takes from the one that is put: all but
// its ID and its subject.
var putColumns = []string{
	"created_at", "last_seen", "revoked_at", "version", "first_asn", "last_asn", "tier",
	"can_update_others", "can_delete_others", "name", "state", "cookie_hash", "key_thumbprint", "os",
	"fingerprint", "entrance", "first_addr", "first_place", "first_spot", "last_addr", "last_place",
	"last_spot", "last_at", "known",
	"flagged_reason", "flagged_at", "doubted_at", "revoked_reason", "revoked_by",
}

func (c *change) EndGrants(
	ctx context.Context, s devices.Selection, reason devices.Reason, when time.Time,
) ([]devices.Grant, error) {
	if !clean(s.DeviceID, s.GrantID, s.Except, string(reason)) {
		return nil, nil
	}
	ended, err := endGrants(ctx, c.tx, reason, when, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		q.Where("subject = ?", c.subject)
		if s.GrantID != "" {
			q.Where("id = ?", s.GrantID)
		}
		switch {
		case s.DeviceID != "":
			q.Where("device_id = ?", s.DeviceID)
		case s.Except != "":
			q.Where("device_id <> ?", s.Except)
		}
		return q
	})
	if err != nil || s.GrantID != "" {
		return ended, err
	}
	signIns := c.tx.NewUpdate().Model((*signInRow)(nil)).Set("ended_at = ?", at(when)).
		Where("subject = ? AND ended_at = 0", c.subject)
	switch {
	case s.DeviceID != "":
		signIns.Where("device_id = ?", s.DeviceID)
	case s.Except != "":
		signIns.Where("device_id <> ?", s.Except)
	}
	if _, err := signIns.Exec(ctx); err != nil {
		return nil, fmt.Errorf("end sign-ins: %w", err)
	}
	return ended, nil
}

// endGrants revokes the live grants that are chosen and returns them as they
// are then. The version moves, so that a rotation on its way loses.
func endGrants(
	ctx context.Context, tx bun.Tx, reason devices.Reason, when time.Time,
	choose func(*bun.UpdateQuery) *bun.UpdateQuery,
) ([]devices.Grant, error) {
	var rows []grantRow
	update := tx.NewUpdate().Model(&rows).
		Set("revoked_at = ?", at(when)).Set("revoked_reason = ?", reason).
		Set("version = version + 1").Where("revoked_at = 0").Returning("*")
	if err := choose(update).Scan(ctx); err != nil {
		return nil, fmt.Errorf("end grants: %w", err)
	}
	return grantList(rows), nil
}

func (c *change) Record(ctx context.Context, j devices.Judgment) error {
	return record(ctx, c.tx, j)
}

func (c *change) Tell(ctx context.Context, events ...devices.Event) error {
	return tell(ctx, c.tx, events...)
}
