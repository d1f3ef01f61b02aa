package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

type codeRow struct {
	bun.BaseModel `bun:"table:codes"`

	CreatedAt micros             `bun:"created_at"`
	ExpiresAt micros             `bun:"expires_at"`
	UsedAt    micros             `bun:"used_at"`
	Hash      []byte             `bun:"hash,pk"`
	GrantID   string             `bun:"grant_id"`
	ClientID  string             `bun:"client_id"`
	Subject   string             `bun:"subject"`
	DeviceID  string             `bun:"device_id"`
	SID       string             `bun:"sid"`
	Data      packed[oauth.Code] `bun:"data"`
}

// SaveCode keeps a new code, or returns devices.ErrExists. If the subject may
// not sign in, the sign-in that the code descends from has ended or the consent
// that it rests on is not there any more, nothing is kept and the error is
// devices.ErrOutdated. It is one statement, which waits for an end of the
// sign-in and for a withdrawal of the consent that are under way.
func (s *Store) SaveCode(ctx context.Context, c oauth.Code) error {
	if err := writable(c); err != nil {
		return err
	}
	row := &codeRow{
		CreatedAt: at(c.CreatedAt), ExpiresAt: at(c.ExpiresAt), UsedAt: at(c.UsedAt), Hash: c.Hash,
		GrantID: c.GrantID, ClientID: c.ClientID, Subject: c.Subject, DeviceID: c.DeviceID, SID: c.SID,
		Data: pack(c),
	}
	insert := s.write.NewInsert().Model(row)
	if c.SID != "" {
		insert.Value("sid", s.liveSignIn(), c.SID, c.Subject)
	}
	if !c.ConsentAt.IsZero() {
		insert.Value("client_id", s.keptConsent(), c.Subject, c.ClientID, at(c.ConsentAt))
	}
	_, err := insert.Exec(ctx)
	switch {
	case duplicate(err):
		err = devices.ErrExists
	case missing(err):
		err = devices.ErrOutdated
	}
	if err != nil {
		return fmt.Errorf("save code: %w", err)
	}
	return nil
}

// liveSignIn reads the ID of a sign-in of a subject, or NULL if that has ended
// or the subject may not sign in.
func (s *Store) liveSignIn() string {
	text := `SELECT i.id FROM sign_ins AS i JOIN subjects AS u ON u.id = i.subject AND u.disabled_at = 0
 WHERE i.id = ? AND i.subject = ? AND i.ended_at = 0`
	if s.pg {
		text += " FOR SHARE OF i"
	}
	return "(" + text + ")"
}

// keptConsent reads the client of a consent, or NULL if the consent is not there
// any more or is another one.
func (s *Store) keptConsent() string {
	text := "SELECT o.client_id FROM consents AS o WHERE o.subject = ? AND o.client_id = ? AND o.at = ?"
	if s.pg {
		text += " FOR SHARE"
	}
	return "(" + text + ")"
}

// Code returns a code by the SHA-256 of it, used ones too, or
// devices.ErrNotFound.
func (s *Store) Code(ctx context.Context, hash []byte) (oauth.Code, error) {
	var r codeRow
	if err := one(ctx, s.read.NewSelect().Model(&r).Where("hash = ?", hash)); err != nil {
		return oauth.Code{}, fmt.Errorf("read code: %w", err)
	}
	c := r.Data.V
	c.CreatedAt, c.ExpiresAt, c.UsedAt = r.CreatedAt.time(), r.ExpiresAt.time(), r.UsedAt.time()
	c.Hash, c.GrantID, c.ClientID, c.Subject = r.Hash, r.GrantID, r.ClientID, r.Subject
	c.DeviceID, c.SID = r.DeviceID, r.SID
	return c, nil
}

// Redeem marks the code used at the creation time of the grant, which it
// opens, and reports whether it was unused, unexpired and the grant's own, its
// subject and device good, its sign-in not ended and its client still there. If
// not, nothing has changed. If the client authenticates otherwise than as it was
// verified, nothing has changed either and the error is devices.ErrOutdated.
func (s *Store) Redeem(
	ctx context.Context, hash []byte, g devices.Grant, verified oauth.Client, events []devices.Event,
) (bool, error) {
	if err := writable(g, events); err != nil {
		return false, err
	}
	redeemed := false
	err := s.inClient(ctx, g, func(tx bun.Tx) error {
		redeemed = false
		ok, err := s.standing(ctx, tx, g)
		if err != nil || !ok {
			return err
		}
		if known, err := s.registered(ctx, tx, g.ClientID, verified); err != nil || !known {
			return err
		}
		rows, err := affected(tx.NewUpdate().Model((*codeRow)(nil)).Set("used_at = ?", at(g.CreatedAt)).
			Where("hash = ? AND used_at = 0 AND expires_at > ?", hash, at(g.CreatedAt)).
			Where("grant_id = ? AND subject = ? AND client_id = ?", g.ID, g.Subject, g.ClientID).
			Exec(ctx))
		if err != nil || rows == 0 {
			return err
		}
		if err := s.insert(ctx, tx, grantRowOf(g)); err != nil {
			return err
		}
		redeemed = true
		return tell(ctx, tx, events...)
	})
	if err != nil {
		return false, fmt.Errorf("redeem a code for grant %s: %w", g.ID, err)
	}
	return redeemed, nil
}

// standing reports whether a grant may open: its subject and device are good,
// and the sign-in that it descends from, if it is one of ours, has not ended.
func (s *Store) standing(ctx context.Context, tx bun.Tx, g devices.Grant) (bool, error) {
	if ok, err := good(ctx, tx, g.Subject, g.DeviceID); err != nil || !ok {
		return false, err
	}
	over, err := tx.NewSelect().Model((*signInRow)(nil)).Where("id = ? AND ended_at <> 0", g.SID).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("read sign-in: %w", err)
	}
	return over == 0, nil
}

// inClient runs fn in one transaction that no other one of the grant's subject
// overlaps, nor the deletion of its client. The client comes first, there as
// here, so that nobody waits in circles.
func (s *Store) inClient(ctx context.Context, g devices.Grant, fn func(bun.Tx) error) error {
	return s.inTx(ctx, func(tx bun.Tx) error {
		if err := s.lockClient(ctx, tx, g.ClientID, "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 1))"); err != nil {
			return err
		}
		if err := s.lock(ctx, tx, g.Subject); err != nil {
			return err
		}
		return fn(tx)
	})
}

// OpenGrant adds a grant that descends from no code, or returns
// devices.ErrExists. One with a device is refused with devices.ErrRevoked
// unless its subject and device are good at that moment. One without is its
// client's own: devices.ErrNotFound where that is gone.
func (s *Store) OpenGrant(ctx context.Context, g devices.Grant) error {
	if err := writable(g); err != nil {
		return err
	}
	var err error
	if g.DeviceID == "" {
		err = s.openOwn(ctx, g, "(SELECT id FROM clients WHERE id = ?)", g.ClientID)
	} else {
		err = s.inSubject(ctx, g.Subject, func(tx bun.Tx) error {
			ok, err := s.standing(ctx, tx, g)
			switch {
			case err != nil:
				return err
			case !ok:
				return devices.ErrRevoked
			}
			return s.insert(ctx, tx, grantRowOf(g))
		})
	}
	if err != nil {
		return fmt.Errorf("open grant %s: %w", g.ID, err)
	}
	return nil
}

// OpenClientGrant adds a client's own grant, or returns devices.ErrExists. It is
// devices.ErrNotFound where the client is gone, and devices.ErrOutdated where it
// authenticates otherwise than as it was verified. It is one statement where the
// client is as it was read.
func (s *Store) OpenClientGrant(ctx context.Context, g devices.Grant, verified oauth.Client) error {
	if err := writable(g); err != nil {
		return err
	}
	const client = "(SELECT id FROM clients WHERE id = ? AND version = ?)"
	now := verified
	err := s.openOwn(ctx, g, client, g.ClientID, now.Version)
	for range attempts {
		if !errors.Is(err, devices.ErrNotFound) {
			break
		}
		if now, err = s.Client(ctx, g.ClientID); err != nil {
			break
		}
		if now.Credential() != verified.Credential() {
			err = devices.ErrOutdated
			break
		}
		err = s.openOwn(ctx, g, client, g.ClientID, now.Version) // something else of it has changed
	}
	if err != nil {
		return fmt.Errorf("open grant %s: %w", g.ID, err)
	}
	return nil
}

// openOwn adds a client's own grant in one statement. It waits for a deletion
// or a change of the client that is underway, and these wait for it; without
// the client, the column that may not be empty is.
func (s *Store) openOwn(ctx context.Context, g devices.Grant, client string, args ...any) error {
	if s.pg {
		client = strings.TrimSuffix(client, ")") + " FOR SHARE)"
	}
	_, err := s.write.NewInsert().Model(grantRowOf(g)).Value("client_id", client, args...).Exec(ctx)
	switch {
	case duplicate(err):
		return devices.ErrExists
	case missing(err):
		return devices.ErrNotFound
	}
	return err
}

// missing reports whether a row was refused because a column of it is empty.
func missing(err error) bool {
	var inPostgres *pgconn.PgError
	var inSQLite *sqlite.Error
	return errors.As(err, &inPostgres) && inPostgres.Code == "23502" ||
		errors.As(err, &inSQLite) && inSQLite.Code() == sqlite3.SQLITE_CONSTRAINT_NOTNULL
}

// CutTokens makes the grant's access tokens issued before the time dead, or
// returns devices.ErrNotFound. An earlier cut is not taken back.
func (s *Store) CutTokens(ctx context.Context, grantID string, before time.Time) error {
	if !clean(grantID) {
		return devices.ErrNotFound
	}
	rows, err := affected(s.write.NewUpdate().Model((*grantRow)(nil)).
		Set("tokens_not_before = CASE WHEN tokens_not_before < ? THEN ? ELSE tokens_not_before END",
			at(before), at(before)).
		Set("version = version + 1").Where("id = ?", grantID).Exec(ctx))
	switch {
	case err != nil:
		return fmt.Errorf("cut tokens of grant %s: %w", grantID, err)
	case rows == 0:
		return devices.ErrNotFound
	}
	return nil
}
