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
	// chainText reads a grant by the name that its issuer has for it. That the
	// name is not empty is said for the index, which has no other grants.
	chainText = holdingSelect + `
WHERE g.issuer = $1 AND g.external_ref = $2 AND g.external_ref <> ''`
	// passedText reads the grant of a token that passed by, by its signature's
	// hash or its own, and whether its own is known.
	passedText = "SELECT" + holdingColumns + `,
 EXISTS (SELECT 1 FROM passed AS w WHERE w.hash = $2 OR (w.hash = $1 AND w.whole = $2))` + holdingFrom + `
WHERE g.id = (SELECT p.grant_id FROM passed AS p WHERE p.hash IN ($1, $2) LIMIT 1)`
	// markText is chainText, which takes a token down as the grant's.
	markText = `WITH held AS (` + chainText + `), marked AS (
 INSERT INTO passed (at, hash, grant_id) SELECT $3, $4, held.id FROM held WHERE held.revoked_at = 0
 ON CONFLICT (hash) DO NOTHING)
SELECT * FROM held`
	spentText = `SELECT EXISTS (SELECT 1 FROM passed AS n WHERE n.parent IN ($1, $2))`
	// lazyText is learnText that does not wait for the disk. What PostgreSQL
	// loses in a crash is a token that did not pass by: its next use is judged
	// by the chain.
	lazyText = `WITH lazily AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS it)
INSERT INTO passed (at, hash, whole, parent, grant_id)
SELECT $1, $2, $3, p.hash, p.grant_id FROM lazily, passed AS p WHERE p.hash IN ($4, $5) AND lazily.it = 'off'` + learnEnd
	learnText = `INSERT INTO passed (at, hash, whole, parent, grant_id)
SELECT $1, $2, $3, p.hash, p.grant_id FROM passed AS p WHERE p.hash IN ($4, $5)` + learnEnd
	// learnEnd returns when the token's grant ended, 0 for a live one.
	learnEnd = `
ON CONFLICT (hash) DO NOTHING
RETURNING COALESCE((SELECT g.revoked_at FROM grants AS g WHERE g.id = passed.grant_id), 1)`
)

// HoldingByRef returns the grant that its issuer calls ref, with its device
// and subject, or devices.ErrNotFound. It is one SELECT, which on PostgreSQL
// those who ask at once share.
func (s *Store) HoldingByRef(ctx context.Context, issuer, ref string) (devices.Holding, error) {
	if !clean(issuer, ref) {
		return devices.Holding{}, devices.ErrNotFound
	}
	if s.pg {
		return s.chains.holding(ctx, chain{issuer, ref})
	}
	row, err := s.chain.row(ctx, issuer, ref)
	if err != nil {
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	return scanHolding(row)
}

// HoldingByToken returns the grant of a token that passed by, or
// devices.ErrNotFound. Whole reports that the whole token did, not only its
// signature. It is one SELECT.
func (s *Store) HoldingByToken(ctx context.Context, t devices.TokenHash) (h devices.Holding, whole bool, err error) {
	row, err := s.passed.row(ctx, t.Signature, t.Whole)
	if err != nil {
		return devices.Holding{}, false, fmt.Errorf("read grant: %w", err)
	}
	h, err = scanHolding(oneMore{row, &whole})
	return h, whole, err
}

// oneMore scans a column behind those that are asked for.
type oneMore struct {
	row  scanner
	last any
}

// Scan reads the row.
func (m oneMore) Scan(into ...any) error { return m.row.Scan(append(into, m.last)...) }

// TokenSpent reports whether a token has a successor that passed by.
func (s *Store) TokenSpent(ctx context.Context, t devices.TokenHash) (bool, error) {
	row, err := s.spent.row(ctx, t.Signature, t.Whole)
	if err != nil {
		return false, fmt.Errorf("read token: %w", err)
	}
	var spent bool
	if err := row.Scan(&spent); err != nil {
		return false, fmt.Errorf("read token: %w", err)
	}
	return spent, nil
}

// LearnToken keeps a token that came out of another, which is known, and returns
// devices.ErrRevoked if their grant has ended by then. If the other one is not
// known, or the fresh one is known already, nothing changes. On PostgreSQL it is
// one round trip.
func (s *Store) LearnToken(ctx context.Context, fresh, from devices.TokenHash, when time.Time) error {
	var ended micros
	err := retried(ctx, func() error {
		row, err := s.learn.row(ctx, int64(at(when)), fresh.Signature, fresh.Whole, from.Signature, from.Whole)
		if err != nil {
			return err
		}
		return row.Scan(&ended)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		h, _, err := s.HoldingByToken(ctx, fresh)
		if errors.Is(err, devices.ErrNotFound) {
			return nil
		}
		ended = at(h.Grant.RevokedAt)
		if err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("learn token: %w", err)
	}
	if ended != 0 {
		return devices.ErrRevoked
	}
	return nil
}

// MarkedByRef is HoldingByRef, and keeps a hash as one of the grant's, without
// a parent, where the grant lives. On PostgreSQL it is one round trip.
func (s *Store) MarkedByRef(
	ctx context.Context, issuer, ref string, mark []byte, when time.Time,
) (devices.Holding, error) {
	if !s.pg {
		h, err := s.HoldingByRef(ctx, issuer, ref)
		if err != nil || !h.Grant.RevokedAt.IsZero() {
			return h, err
		}
		if _, err := s.marked(mark, h.Grant.ID, when).Exec(ctx); err != nil {
			return devices.Holding{}, fmt.Errorf("mark token: %w", err)
		}
		return h, nil
	}
	if !clean(issuer, ref) {
		return devices.Holding{}, devices.ErrNotFound
	}
	row, err := s.mark.row(ctx, issuer, ref, int64(at(when)), mark)
	if err != nil {
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	return scanHolding(row)
}

// marked is the query that keeps a hash as one of a grant's.
func (s *Store) marked(hash []byte, grantID string, when time.Time) *bun.InsertQuery {
	return s.write.NewInsert().Model(&passedRow{At: at(when), Hash: hash, GrantID: grantID}).
		On("CONFLICT (hash) DO NOTHING")
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
// mark, where there is one, is kept as a token's hash.
//
// On PostgreSQL it is two round trips.
func (s *Store) OpenChain(
	ctx context.Context, g devices.Grant, mark []byte, tell func(devices.Grant) []devices.Event,
) (devices.Grant, error) {
	if err := writable(g); err != nil {
		return devices.Grant{}, err
	}
	opened := g
	err := s.inTrips(ctx, g.Subject, []question{
		{standingText, []any{g.DeviceID, g.Subject, string(devices.TieHydraLogin), g.SID}},
		{chainText, []any{g.Issuer, g.ExternalRef}},
	}, func(next func() scanner) ([]fmt.Stringer, error) {
		opened = g
		var err error
		if opened.DeviceID, err = chainDevice(next()); err != nil {
			return nil, err
		}
		known, err := scanHolding(next())
		if err == nil {
			opened = known.Grant
			return s.chainRows(opened, mark), nil
		}
		if !errors.Is(err, devices.ErrNotFound) {
			return nil, err
		}
		told := tell(opened)
		events, err := eventRows(told)
		if err != nil {
			return nil, err
		}
		rows := append([]fmt.Stringer{s.write.NewInsert().Model(grantRowOf(opened))}, s.chainRows(opened, mark)...)
		for _, flag := range flags(s.write, told) {
			rows = append(rows, flag)
		}
		if len(events) > 0 {
			rows = append(rows, s.write.NewInsert().Model(&events))
		}
		return rows, nil
	})
	if err != nil {
		return devices.Grant{}, fmt.Errorf("open chain %s: %w", g.ExternalRef, err)
	}
	return opened, nil
}

func (s *Store) chainRows(g devices.Grant, mark []byte) []fmt.Stringer {
	if len(mark) == 0 {
		return nil
	}
	return []fmt.Stringer{s.marked(mark, g.ID, g.CreatedAt)}
}

// standingText reads which device a chain belongs to, the one that it names,
// if the subject has it, else the one that its sign-in is tied to; and how the
// device and the subject stand.
const standingText = `SELECT COALESCE(c.id, ''), COALESCE(d.state, ''), COALESCE(s.disabled_at, 0)
FROM (SELECT COALESCE(
 (SELECT n.id FROM devices AS n WHERE n.id = $1 AND n.subject = $2),
 (SELECT t.device_id FROM ties AS t WHERE t.kind = $3 AND t.ref = $4 AND t.ref <> '' AND t.subject = $2)) AS id) AS c
LEFT JOIN devices AS d ON d.id = c.id AND d.subject = $2
LEFT JOIN subjects AS s ON s.id = $2`

// chainDevice reads the answer to standingText: the device, or none, or
// devices.ErrRevoked.
func chainDevice(row scanner) (string, error) {
	var (
		id, state string
		disabled  micros
	)
	if err := row.Scan(&id, &state, &disabled); err != nil {
		return "", fmt.Errorf("read device: %w", err)
	}
	if disabled != 0 || id != "" && (state == "" || devices.State(state) == devices.StateRevoked) {
		return "", devices.ErrRevoked
	}
	return id, nil
}
