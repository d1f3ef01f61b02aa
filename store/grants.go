package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

var _ devices.GrantStore = (*Store)(nil)

// holdingText reads a grant, its device and its subject at one moment. Where
// there is no device, its columns are NULL.
const holdingText = holdingSelect + `
WHERE g.id = $1`

const (
	holdingSelect  = "SELECT" + holdingColumns + holdingFrom
	holdingColumns = `
 g.generation, g.parent, g.version, g.rotated_at, g.idle_until, g.not_after, g.revoked_at,
 g.tokens_not_before, g.created_at, g.offline, g.id, g.subject, g.client_id, g.device_id, g.sid,
 g.issuer, g.external_ref, g.scopes, g.audience, g.revoked_reason, g.secret, g.session, g.baseline,
 COALESCE(s.disabled_at, 0), d.id IS NOT NULL, COALESCE(d.tier, 0), COALESCE(d.state, ''),
 d.cookie_hash, COALESCE(d.key_thumbprint, ''), d.last_addr, COALESCE(d.last_asn, 0),
 COALESCE(d.last_place, ''), COALESCE(d.last_spot, 0), COALESCE(d.last_at, 0), COALESCE(d.known, '')`
	holdingFrom = `
FROM grants AS g
LEFT JOIN devices AS d ON d.id = g.device_id
LEFT JOIN subjects AS s ON s.id = g.subject`
)

const (
	rotateText = `UPDATE grants SET
 rotated_at = $1, idle_until = $2, generation = $7, parent = $8, version = version + 1` + renewWhere + rotateWhere
	rotateRaisedText = `UPDATE grants SET
 rotated_at = $1, idle_until = $2, generation = $7, parent = $8, version = version + 1,
 baseline = $10` + renewWhere + rotateWhere
	rotateWhere = `
 AND version = $9`
	renewText  = `UPDATE grants SET rotated_at = $1, idle_until = $2` + renewWhere
	renewWhere = `
WHERE id = $3 AND subject = $4 AND generation = $5 AND revoked_at = 0
 AND (not_after = 0 OR not_after > $1) AND (idle_until = 0 OR idle_until > $1)
 AND NOT EXISTS (SELECT 1 FROM devices AS d WHERE d.id = grants.device_id AND d.last_addr IS DISTINCT FROM $6)`
)

// Holding returns a grant with its device and subject, or devices.ErrNotFound.
// It is one SELECT.
func (s *Store) Holding(ctx context.Context, grantID string) (devices.Holding, error) {
	if !clean(grantID) {
		return devices.Holding{}, devices.ErrNotFound
	}
	row, err := s.holding.row(ctx, grantID)
	if err != nil {
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	return scanHolding(row)
}

// scanHolding reads a row of holdingSelect.
func scanHolding(row scanner) (devices.Holding, error) {
	var (
		g        grantRow
		d        deviceRow
		disabled micros
		held     bool
	)
	err := row.Scan(
		&g.Generation, &g.Parent, &g.Version, &g.RotatedAt, &g.IdleUntil, &g.NotAfter, &g.RevokedAt,
		&g.TokensNotBefore, &g.CreatedAt, &g.Offline, &g.ID, &g.Subject, &g.ClientID, &g.DeviceID, &g.SID,
		&g.Issuer, &g.ExternalRef, &g.Scopes, &g.Audience, &g.RevokedReason, &g.Secret, &g.Session, &g.Baseline,
		&disabled, &held, &d.Tier, &d.State, &d.CookieHash, &d.KeyThumbprint, &d.LastAddr, &d.LastASN,
		&d.LastPlace, &d.LastSpot, &d.LastAt, &d.Known,
	)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return devices.Holding{}, devices.ErrNotFound
	case err != nil:
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	h := devices.Holding{Grant: g.grant(), SubjectDisabled: disabled != 0}
	if held {
		d.ID, d.Subject = g.DeviceID, g.Subject
		device := d.device()
		h.Device = &device
	}
	return h, nil
}

// Rotate moves a grant to its next generation and reports whether it still was
// as r says. A plain rotation is one statement in a transaction of its own;
// what is told beyond it queues for the subject, so that it is told in order.
func (s *Store) Rotate(ctx context.Context, r devices.Rotation) (bool, error) {
	if !clean(r.GrantID, r.Subject) {
		return false, nil
	}
	if err := writable(r.Baseline, r.Touched, r.Judgment, r.Events); err != nil {
		return false, err
	}
	statement, args, err := s.rotation(r)
	if err != nil {
		return false, fmt.Errorf("rotate grant %s: %w", r.GrantID, err)
	}
	var rows int64
	if r.Touched == nil && r.Judgment == nil && len(r.Events) == 0 {
		err = retried(ctx, func() error {
			rows, err = statement.exec(ctx, args...)
			return err
		})
	} else {
		err = s.inSubject(ctx, r.Subject, func(tx bun.Tx) error {
			if rows, err = statement.execIn(ctx, tx.Tx, args...); err != nil || rows == 0 {
				return err
			}
			return told(ctx, tx, r)
		})
	}
	if err != nil {
		return false, fmt.Errorf("rotate grant %s: %w", r.GrantID, err)
	}
	return rows == 1, nil
}

func (s *Store) rotation(r devices.Rotation) (*hot, []any, error) {
	var seen any // NULL where it was nowhere
	if r.Seen.IsValid() {
		seen = address(r.Seen)
	}
	args := []any{int64(at(r.At)), int64(at(r.IdleUntil)), r.GrantID, r.Subject, r.From, seen}
	if r.Renews() {
		return s.renew, args, nil
	}
	args = append(args, r.To, r.Parent, r.Version)
	if r.Baseline == nil {
		return s.rotate, args, nil
	}
	text, err := pack(r.Baseline).Value()
	return s.rotateRaised, append(args, text), err
}

// told keeps what a rotation tells beyond itself.
func told(ctx context.Context, tx bun.Tx, r devices.Rotation) error {
	if r.Touched != nil {
		n := r.Touched.Network
		_, err := tx.NewUpdate().Model((*deviceRow)(nil)).
			Set("last_addr = ?", address(n.Addr)).Set("last_asn = ?", int64(n.ASN)).
			Set("last_place = ?", place(n)).Set("last_spot = ?", spotOf(n.Spot)).
			Set("last_at = ?", at(r.Touched.At)).Set("known = ?", carriers(r.Touched.Known)).
			Set("version = version + 1").
			Where("id = ? AND subject = ?", r.Touched.DeviceID, r.Subject).Exec(ctx)
		if err != nil {
			return err
		}
	}
	if r.Judgment != nil {
		if err := record(ctx, tx, *r.Judgment); err != nil {
			return err
		}
	}
	for _, flag := range flags(tx, r.Events) {
		if _, err := flag.Exec(ctx); err != nil {
			return err
		}
	}
	return tell(ctx, tx, r.Events...)
}
