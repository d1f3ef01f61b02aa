package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

const (
	// tombstone is the least time for which a grant with a device is kept past
	// its end, for whoever looks at what has become of it.
	tombstone = 30 * 24 * time.Hour
	// slicesASweep is how many slices of the grants one sweep looks at, so that it
	// costs the same however many there are. The next one goes on there.
	slicesASweep = 50
	// grantsSwept is how far that is, by the name of the cursor.
	grantsSwept = "sweep of grants"
)

// Of the statements below, the first of each pair returns where the slice ends
// that begins after ?0 and has ?1 rows.
const (
	codesSliceText = `SELECT max(expires_at) FROM
 (SELECT expires_at FROM codes WHERE expires_at > ?0 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?1) AS s`
	// A used code is kept while it can be told that it came again, which ends
	// its grant; for a day at most.
	codesPastText = `DELETE FROM codes WHERE expires_at > ?0 AND expires_at <= ?1 AND
 (used_at = 0 OR expires_at <= ?2 OR NOT EXISTS (SELECT 1 FROM grants AS g WHERE g.id = codes.grant_id AND
 g.revoked_at = 0 AND (g.not_after = 0 OR g.not_after > ?3) AND (g.idle_until = 0 OR g.idle_until > ?3)))`
	// By the key: the idle end has no index, so that rotations touch none.
	grantsSliceText = `SELECT max(id) FROM (SELECT id FROM grants WHERE id > ?0 ORDER BY id LIMIT ?1) AS s`
	// Grants of other servers stay: that they have ended is what refuses
	// tokens which those may still honour.
	grantsPast = `id > ?0 AND id <= ?1 AND external_ref = '' AND ((revoked_at > 0 AND revoked_at <= ?2) OR
 (not_after > 0 AND not_after <= ?2) OR (idle_until > 0 AND idle_until <= ?2))`
	grantsPastText = `DELETE FROM grants WHERE ` + grantsPast
	// A device was last seen at the last rotation of its grants, which is
	// written down before they go.
	grantsSeenText = `UPDATE devices SET last_seen =
 (SELECT max(g.rotated_at) FROM grants AS g WHERE g.device_id = devices.id)
 WHERE id IN (SELECT device_id FROM grants WHERE ` + grantsPast + `) AND last_seen <
 (SELECT max(g.rotated_at) FROM grants AS g WHERE g.device_id = devices.id)`
)

// sweepCodes forgets codes that are past: an hour after their end, and a day
// after it where they were used and their grant lives.
func (s *Store) sweepCodes(ctx context.Context, now time.Time) error {
	due, replay := at(now.Add(-time.Hour)), at(now.Add(-leeway))
	for after := micros(0); ; {
		var upto sql.NullInt64
		err := s.read.NewRaw(codesSliceText, after, batch, due).Scan(ctx, &upto)
		if err != nil || !upto.Valid {
			return err
		}
		if _, err := s.write.NewRaw(codesPastText, after, upto.Int64, replay, at(now)).Exec(ctx); err != nil {
			return err
		}
		after = micros(upto.Int64)
	}
}

// sweepGrants forgets the grants that have been revoked, or were past their
// end, since before. It looks at some of them all, from where the last sweep
// has come to.
func (s *Store) sweepGrants(ctx context.Context, before micros) error {
	after, err := s.Cursor(ctx, grantsSwept)
	if err != nil {
		return err
	}
	for range slicesASweep {
		var upto sql.NullString
		if err := s.read.NewRaw(grantsSliceText, after, batch).Scan(ctx, &upto); err != nil {
			return err
		}
		if upto.Valid {
			if err := s.forgetGrants(ctx, after, upto.String, before); err != nil {
				return err
			}
		}
		if after = upto.String; !upto.Valid {
			break // that was all; the next sweep begins anew
		}
	}
	_, err = s.write.ExecContext(ctx, `INSERT INTO cursors (name, place) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET place = EXCLUDED.place`, grantsSwept, after)
	return err
}

func (s *Store) forgetGrants(ctx context.Context, after, upto string, before micros) error {
	return s.inTx(ctx, func(tx bun.Tx) error {
		for _, text := range []string{grantsSeenText, grantsPastText} {
			if _, err := tx.NewRaw(text, after, upto, before).Exec(ctx); err != nil {
				return fmt.Errorf("forget grants after %q: %w", after, err)
			}
		}
		return nil
	})
}
