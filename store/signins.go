package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

type signInRow struct {
	bun.BaseModel `bun:"table:sign_ins"`

	AuthTime   micros           `bun:"auth_time"`
	CreatedAt  micros           `bun:"created_at"`
	IdleUntil  micros           `bun:"idle_until"`
	NotAfter   micros           `bun:"not_after"`
	EndedAt    micros           `bun:"ended_at"`
	ID         string           `bun:"id,pk"`
	Subject    string           `bun:"subject"`
	DeviceID   string           `bun:"device_id"`
	SecretHash []byte           `bun:"secret_hash"`
	ACR        string           `bun:"acr"`
	AMR        packed[[]string] `bun:"amr"`
}

func signInRowOf(i oauth.SignIn) *signInRow {
	return &signInRow{
		AuthTime: at(i.AuthTime), CreatedAt: at(i.CreatedAt), IdleUntil: at(i.IdleUntil),
		NotAfter: at(i.NotAfter), EndedAt: at(i.EndedAt), ID: i.ID, Subject: i.Subject,
		DeviceID: i.DeviceID, SecretHash: i.SecretHash, ACR: i.ACR, AMR: pack(i.AMR),
	}
}

// OpenSignIn adds a sign-in if its device and subject are good at that moment
// and what was verified for it is still so, and reports whether they were.
func (s *Store) OpenSignIn(ctx context.Context, i oauth.SignIn) (bool, error) {
	if err := writable(i); err != nil {
		return false, err
	}
	opened := false
	err := s.inSubject(ctx, i.Subject, func(tx bun.Tx) error {
		ok, err := goodBy(ctx, tx, i.Subject, i.DeviceID, i.By)
		opened = ok
		if err != nil || !ok {
			return err
		}
		return s.insert(ctx, tx, signInRowOf(i))
	})
	if err != nil {
		return false, fmt.Errorf("open sign-in: %w", err)
	}
	return opened, nil
}

// SignIn returns a sign-in, ended ones too, or devices.ErrNotFound.
func (s *Store) SignIn(ctx context.Context, id string) (oauth.SignIn, error) {
	var r signInRow
	if err := one(ctx, s.read.NewSelect().Model(&r).Where("id = ?", id), id); err != nil {
		return oauth.SignIn{}, fmt.Errorf("read sign-in: %w", err)
	}
	return oauth.SignIn{
		ID: r.ID, SecretHash: r.SecretHash, Subject: r.Subject, DeviceID: r.DeviceID,
		AuthTime: r.AuthTime.time(), ACR: r.ACR, AMR: r.AMR.V, CreatedAt: r.CreatedAt.time(),
		IdleUntil: r.IdleUntil.time(), NotAfter: r.NotAfter.time(), EndedAt: r.EndedAt.time(),
	}, nil
}

// RenewSignIn gives a live sign-in of the same subject and device the secret,
// the authentication and the ends of i, and reports whether it was live and
// its device and subject good and what was verified for it still so. It was
// live if it had not ended by the new authentication time.
func (s *Store) RenewSignIn(ctx context.Context, i oauth.SignIn) (bool, error) {
	if err := writable(i); err != nil {
		return false, err
	}
	renewed := false
	err := s.inSubject(ctx, i.Subject, func(tx bun.Tx) error {
		renewed = false
		if ok, err := goodBy(ctx, tx, i.Subject, i.DeviceID, i.By); err != nil || !ok {
			return err
		}
		rows, err := affected(tx.NewUpdate().Model(signInRowOf(i)).
			Column("secret_hash", "auth_time", "acr", "amr", "idle_until", "not_after").WherePK().
			Where("subject = ? AND device_id = ? AND ended_at = 0", i.Subject, i.DeviceID).
			Where("idle_until > ? AND not_after > ?", at(i.AuthTime), at(i.AuthTime)).Exec(ctx))
		renewed = rows == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("renew sign-in: %w", err)
	}
	return renewed, nil
}

// ExtendSignIn moves the idle end of a live sign-in onward. One that has ended
// stays as it is; an unknown one is devices.ErrNotFound.
func (s *Store) ExtendSignIn(ctx context.Context, id string, idleUntil time.Time) error {
	if !clean(id) {
		return devices.ErrNotFound
	}
	rows, err := affected(s.write.NewUpdate().Model((*signInRow)(nil)).
		Set("idle_until = ?", at(idleUntil)).
		Where("id = ? AND ended_at = 0 AND idle_until < ?", id, at(idleUntil)).Exec(ctx))
	if err != nil {
		return fmt.Errorf("extend sign-in: %w", err)
	}
	if rows == 0 {
		_, err = s.SignIn(ctx, id)
	}
	return err
}

// EndSignIn ends a sign-in and revokes those of its grants that were not given
// offline access, and tells of them. Ending one that has ended changes
// nothing; an unknown one is devices.ErrNotFound.
func (s *Store) EndSignIn(ctx context.Context, id string, when time.Time) error {
	known, err := s.SignIn(ctx, id)
	if err != nil {
		return err
	}
	err = s.inSubject(ctx, known.Subject, func(tx bun.Tx) error {
		rows, err := affected(tx.NewUpdate().Model((*signInRow)(nil)).Set("ended_at = ?", at(when)).
			Where("id = ? AND ended_at = 0", id).Exec(ctx))
		if err != nil || rows == 0 {
			return err
		}
		grants, err := endGrants(ctx, tx, devices.ReasonLogout, when,
			func(q *bun.UpdateQuery) *bun.UpdateQuery {
				return q.Where("sid = ? AND subject = ? AND offline = FALSE", id, known.Subject)
			})
		return errors.Join(err, tell(ctx, tx, ended(grants, devices.ReasonLogout, when, devices.ActorDevice(known.DeviceID))...))
	})
	if err != nil {
		return fmt.Errorf("end sign-in: %w", err)
	}
	return nil
}
