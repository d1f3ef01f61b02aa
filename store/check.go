package store

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

// check returns devices.ErrDisabled if a subject may not sign in, and
// devices.ErrOutdated if a credential of theirs is not as it was verified. It
// means something only while the subject's lock is held: all that ends a
// credential takes it too.
func check(ctx context.Context, tx bun.Tx, subject string, by devices.Credential) error {
	if off, err := disabled(ctx, tx, subject); err != nil {
		return err
	} else if off {
		return devices.ErrDisabled
	}
	if by.Password != (devices.Credential{}).Password {
		if err := checkPassword(ctx, tx, subject, by); err != nil {
			return err
		}
	}
	for _, live := range []struct {
		id    string
		query *bun.SelectQuery
	}{
		{by.SignIn, tx.NewSelect().Table("sign_ins").Where("ended_at = 0")},
		{by.WebSession, tx.NewSelect().Table("web_sessions").
			Where("(issuer <> '' OR sid IN (SELECT i.id FROM sign_ins AS i WHERE i.subject = ? AND i.ended_at = 0))", subject)},
		{by.GrantID, tx.NewSelect().Table("grants").Where("revoked_at = 0")},
	} {
		if live.id == "" {
			continue
		}
		n, err := live.query.Where("id = ? AND subject = ?", live.id, subject).Count(ctx)
		if err != nil {
			return fmt.Errorf("check a credential: %w", err)
		}
		if n == 0 {
			return devices.ErrOutdated
		}
	}
	return nil
}

func checkPassword(ctx context.Context, tx bun.Tx, subject string, by devices.Credential) error {
	var row userRow
	err := one(ctx, selectUsers(tx, &row).Where("u.subject = ?", subject), subject)
	if err != nil && !errors.Is(err, devices.ErrNotFound) {
		return fmt.Errorf("check a password: %w", err)
	}
	now := row.user().Credential().Password
	if err != nil || subtle.ConstantTimeCompare(now[:], by.Password[:]) != 1 {
		return devices.ErrOutdated
	}
	return nil
}

// goodBy is good, and checks a credential.
func goodBy(ctx context.Context, tx bun.Tx, subject, deviceID string, by devices.Credential) (bool, error) {
	err := check(ctx, tx, subject, by)
	if errors.Is(err, devices.ErrDisabled) || errors.Is(err, devices.ErrOutdated) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return good(ctx, tx, subject, deviceID)
}
