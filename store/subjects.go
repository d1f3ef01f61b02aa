package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// FindSubjects returns who goes by a name: the subject of that ID, and the
// user who types it to sign in. They are one, none, or for an unlucky name two.
func (s *Store) FindSubjects(ctx context.Context, name string) ([]devices.Subject, error) {
	if !clean(name) {
		return nil, nil
	}
	var rows []struct {
		subjectRow
		Identifier string `bun:"identifier"`
	}
	err := s.read.NewSelect().TableExpr("subjects AS s").Column("s.id", "s.disabled_at", "s.created_at").
		ColumnExpr("COALESCE((SELECT u.identifier FROM users AS u WHERE u.subject = s.id), '') AS identifier").
		Where("s.id = ? OR s.id = (SELECT u.subject FROM users AS u WHERE u.folded = ?)", name, oauth.Fold(name)).
		Order("s.id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("find subjects: %w", err)
	}
	found := make([]devices.Subject, len(rows))
	for i, r := range rows {
		found[i] = devices.Subject{
			ID: r.ID, Identifier: r.Identifier, Disabled: r.DisabledAt != 0, CreatedAt: r.CreatedAt.time(),
		}
	}
	return found, nil
}

// UpdateUser changes what a user types to sign in and what is claimed of them.
// The change reads the user as it is within the transaction. What they have
// stays. devices.ErrNotFound for nobody, devices.ErrExists where the identifier
// is somebody else's.
func (s *Store) UpdateUser(
	ctx context.Context, subject string, when time.Time, edit func(*oauth.User),
) (oauth.User, error) {
	if _, err := s.User(ctx, subject); err != nil {
		return oauth.User{}, err // before a transaction would add the subject
	}
	var u oauth.User
	err := s.inSubject(ctx, subject, func(tx bun.Tx) error {
		var row userRow
		if err := one(ctx, selectUsers(tx, &row).Where("u.subject = ?", subject), subject); err != nil {
			return err
		}
		u = row.user()
		edit(&u)
		u.UpdatedAt = when
		if err := writable(u); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*userRow)(nil)).Set("identifier = ?", u.Identifier).
			Set("folded = ?", oauth.Fold(u.Identifier)).Set("claims = ?", pack(u.Claims)).
			Set("updated_at = ?", at(when)).Where("subject = ?", subject).Exec(ctx)
		if duplicate(err) {
			return devices.ErrExists
		}
		return err
	})
	if err != nil {
		return oauth.User{}, fmt.Errorf("update user %s: %w", subject, err)
	}
	return u, nil
}

// DeleteUser forgets a user: identifier, password, claims, consents and the
// sessions of the pages go. What end ends, it ends in the same transaction, as
// in [Store.Change]. The subject stays, disabled, with the tombstones of its
// devices, so that its ID is never anybody else's (OIDC Core §2).
// devices.ErrNotFound for nobody.
func (s *Store) DeleteUser(
	ctx context.Context, subject string, when time.Time, end func(devices.Tx) error,
) error {
	if !clean(subject) {
		return devices.ErrNotFound
	}
	if _, err := s.User(ctx, subject); err != nil {
		return err // before a transaction would add the subject
	}
	err := s.inSubject(ctx, subject, func(tx bun.Tx) error {
		rows, err := affected(tx.NewDelete().Model((*userRow)(nil)).Where("subject = ?", subject).Exec(ctx))
		switch {
		case err != nil:
			return err
		case rows == 0:
			return devices.ErrNotFound
		}
		if err := end(&change{tx: tx, subject: subject}); err != nil {
			return err
		}
		for _, table := range []string{"consents", "web_sessions"} {
			if _, err := tx.NewDelete().Table(table).Where("subject = ?", subject).Exec(ctx); err != nil {
				return err
			}
		}
		return setDisabled(ctx, tx, subject, at(when))
	})
	if err != nil {
		return fmt.Errorf("delete user %s: %w", subject, err)
	}
	return nil
}
