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

const (
	// chainText reads a grant by the name that its issuer has for it.
	chainText = holdingSelect + `
WHERE g.issuer = $1 AND g.external_ref = $2`
	// passedText reads the grant of a token that passed by, and whether the
	// token is spent.
	passedText = holdingSelect + `
WHERE g.id = (SELECT p.grant_id FROM passed AS p WHERE p.hash = $1)`
	spentText = `SELECT EXISTS (SELECT 1 FROM passed AS n WHERE n.parent = $1)`
	learnText = `INSERT INTO passed (at, hash, parent, grant_id)
SELECT $1, $2, p.hash, p.grant_id FROM passed AS p WHERE p.hash = $3
ON CONFLICT (hash) DO NOTHING`
)

// HoldingByRef returns the grant that its issuer calls ref, with its device
// and subject, or devices.ErrNotFound. It is one SELECT.
func (s *Store) HoldingByRef(ctx context.Context, issuer, ref string) (devices.Holding, error) {
	if !clean(issuer, ref) {
		return devices.Holding{}, devices.ErrNotFound
	}
	row, err := s.chain.row(ctx, issuer, ref)
	if err != nil {
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	return scanHolding(row)
}

// HoldingByToken returns the grant of a token that passed by, by the keyed
// hash of the token, or devices.ErrNotFound. It is one SELECT.
func (s *Store) HoldingByToken(ctx context.Context, hash []byte) (devices.Holding, error) {
	row, err := s.passed.row(ctx, hash)
	if err != nil {
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	return scanHolding(row)
}

// TokenSpent reports whether a token has a successor that passed by.
func (s *Store) TokenSpent(ctx context.Context, hash []byte) (bool, error) {
	row, err := s.spent.row(ctx, hash)
	if err != nil {
		return false, fmt.Errorf("read token: %w", err)
	}
	var spent bool
	if err := row.Scan(&spent); err != nil {
		return false, fmt.Errorf("read token: %w", err)
	}
	return spent, nil
}

// LearnToken keeps the hash of a token that came out of another, whose hash is
// known. Where it is not, or the fresh one is known already, nothing changes.
func (s *Store) LearnToken(ctx context.Context, fresh, from []byte, when time.Time) error {
	err := retried(ctx, func() error {
		_, err := s.learn.exec(ctx, int64(at(when)), fresh, from)
		return err
	})
	if err != nil {
		return fmt.Errorf("learn token: %w", err)
	}
	return nil
}

// MarkToken keeps a hash as one of a grant's, without a parent.
func (s *Store) MarkToken(ctx context.Context, hash []byte, grantID string, when time.Time) error {
	err := markToken(ctx, s.write, hash, grantID, when)
	if err != nil {
		return fmt.Errorf("mark token: %w", err)
	}
	return nil
}

func markToken(ctx context.Context, db bun.IDB, hash []byte, grantID string, when time.Time) error {
	row := &passedRow{At: at(when), Hash: hash, GrantID: grantID}
	_, err := db.NewInsert().Model(row).On("CONFLICT (hash) DO NOTHING").Exec(ctx)
	return err
}

type passedRow struct {
	bun.BaseModel `bun:"table:passed"`

	At      micros `bun:"at"`
	Hash    []byte `bun:"hash,pk"`
	Parent  []byte `bun:"parent"`
	GrantID string `bun:"grant_id"`
}

// OpenChain adds a grant whose tokens another server mints, and returns the
// grant of that name as it is then: the same one where it was there before.
// The device is the grant's, if it is a live one of the subject, else the one
// that the sign-in is tied to, else none. A device or a subject that has ended
// is devices.ErrRevoked. Tell makes the events of a grant that is new. The
// mark, where there is one, is kept as a token's hash (see MarkToken).
func (s *Store) OpenChain(
	ctx context.Context, g devices.Grant, mark []byte, tell func(devices.Grant) []devices.Event,
) (devices.Grant, error) {
	if err := writable(g); err != nil {
		return devices.Grant{}, err
	}
	var opened devices.Grant
	err := s.inSubject(ctx, g.Subject, func(tx bun.Tx) error {
		opened = g
		device, err := chainDevice(ctx, tx, g)
		if err != nil {
			return err
		}
		opened.DeviceID = device
		if ok, err := good(ctx, tx, g.Subject, device); err != nil {
			return err
		} else if !ok {
			return devices.ErrRevoked
		}
		return s.openChain(ctx, tx, &opened, mark, tell)
	})
	if err != nil {
		return devices.Grant{}, fmt.Errorf("open chain %s: %w", g.ExternalRef, err)
	}
	return opened, nil
}

func (s *Store) openChain(
	ctx context.Context, tx bun.Tx, g *devices.Grant, mark []byte, tells func(devices.Grant) []devices.Event,
) error {
	insert := tx.NewInsert().Model(grantRowOf(*g)).On("CONFLICT DO NOTHING")
	rows, err := affected(insert.Exec(ctx))
	if err != nil {
		return err
	}
	if rows == 0 {
		var known grantRow
		err := tx.NewSelect().Model(&known).
			Where("issuer = ? AND external_ref = ?", g.Issuer, g.ExternalRef).Scan(ctx)
		if err != nil {
			return err
		}
		*g = known.grant()
		tells = func(devices.Grant) []devices.Event { return nil }
	}
	if len(mark) > 0 {
		if err := markToken(ctx, tx, mark, g.ID, g.CreatedAt); err != nil {
			return err
		}
	}
	return tell(ctx, tx, tells(*g)...)
}

// chainDevice returns which device a chain belongs to: the one that it names,
// if the subject has it, else the one that its sign-in is tied to.
func chainDevice(ctx context.Context, tx bun.Tx, g devices.Grant) (string, error) {
	var id string
	err := tx.NewSelect().Table("devices").Column("id").
		Where("id = ? AND subject = ?", g.DeviceID, g.Subject).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) && g.SID != "" {
		err = tx.NewSelect().Model((*tieRow)(nil)).Column("device_id").
			Where("kind = ? AND ref = ? AND subject = ?", devices.TieHydraLogin, g.SID, g.Subject).Scan(ctx, &id)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}
