package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	Subject    string `bun:"subject,pk"`
	Identifier string `bun:"identifier"`
	// Folded is the identifier without its case, and unique.
	Folded       string                 `bun:"folded"`
	PasswordHash string                 `bun:"password_hash"`
	Claims       packed[map[string]any] `bun:"claims"`
	CreatedAt    micros                 `bun:"created_at"`
	UpdatedAt    micros                 `bun:"updated_at"`

	DisabledAt micros `bun:"disabled_at,scanonly"`
}

func (r *userRow) user() oauth.User {
	return oauth.User{
		Subject: r.Subject, Identifier: r.Identifier, PasswordHash: r.PasswordHash, Claims: r.Claims.V,
		Disabled: r.DisabledAt != 0, CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

func selectUsers(db bun.IDB, into any) *bun.SelectQuery {
	return db.NewSelect().Model(into).ColumnExpr("u.*").ColumnExpr(
		"COALESCE((SELECT s.disabled_at FROM subjects AS s WHERE s.id = u.subject), 0) AS disabled_at")
}

// UserByIdentifier returns a user whatever the identifier's case, or
// devices.ErrNotFound.
func (s *Store) UserByIdentifier(ctx context.Context, identifier string) (oauth.User, error) {
	var row userRow
	query := selectUsers(s.read, &row).Where("u.folded = ?", oauth.Fold(identifier))
	if err := one(ctx, query, identifier); err != nil {
		return oauth.User{}, fmt.Errorf("read user: %w", err)
	}
	return row.user(), nil
}

// Identifiers returns what these subjects sign in with, by subject, in one
// read. A subject that is no user here is left out.
func (s *Store) Identifiers(ctx context.Context, subjects []string) (map[string]string, error) {
	subjects = slices.DeleteFunc(slices.Clone(subjects), func(subject string) bool { return !clean(subject) })
	if len(subjects) == 0 {
		return nil, nil
	}
	var rows []userRow
	err := s.read.NewSelect().Model(&rows).Column("subject", "identifier").
		Where("u.subject IN (?)", bun.List(subjects)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read identifiers: %w", err)
	}
	identifiers := make(map[string]string, len(rows))
	for _, r := range rows {
		identifiers[r.Subject] = r.Identifier
	}
	return identifiers, nil
}

// HeldDevice returns the ID of the live device of the user with that identifier
// whose cookie has one of the hashes, or devices.ErrNotFound.
func (s *Store) HeldDevice(ctx context.Context, identifier string, cookies [][]byte) (string, error) {
	cookies = slices.DeleteFunc(slices.Clone(cookies), func(hash []byte) bool { return len(hash) == 0 }) // no cookie
	if len(cookies) == 0 || !clean(identifier) {
		return "", devices.ErrNotFound
	}
	var id string
	err := s.read.NewSelect().TableExpr("devices AS d").ColumnExpr("d.id").
		Join("JOIN users AS u ON u.subject = d.subject").
		Where("u.folded = ? AND d.state <> ?", oauth.Fold(identifier), devices.StateRevoked).
		Where("d.cookie_hash IN (?)", bun.List(cookies)).Limit(1).Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", devices.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("find the device that a browser is: %w", err)
	}
	return id, nil
}

// User returns a user by subject, or devices.ErrNotFound.
func (s *Store) User(ctx context.Context, subject string) (oauth.User, error) {
	var row userRow
	if err := one(ctx, selectUsers(s.read, &row).Where("u.subject = ?", subject), subject); err != nil {
		return oauth.User{}, fmt.Errorf("read user: %w", err)
	}
	return row.user(), nil
}

// ListUsers returns users by subject, a page at a time.
func (s *Store) ListUsers(ctx context.Context, p devices.Page) ([]oauth.User, error) {
	if !clean(p.After) {
		return nil, nil
	}
	var rows []userRow
	err := selectUsers(s.read, &rows).Where("u.subject > ?", p.After).Order("u.subject").
		Limit(limit(p)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	list := make([]oauth.User, len(rows))
	for i := range rows {
		list[i] = rows[i].user()
	}
	return list, nil
}

// CreateUser adds a user, or returns devices.ErrExists if the subject or the
// identifier is taken. Who was deleted or disabled keeps their subject.
func (s *Store) CreateUser(ctx context.Context, u oauth.User) error {
	if err := writable(u); err != nil {
		return err
	}
	err := s.inSubject(ctx, u.Subject, func(tx bun.Tx) error {
		switch off, err := disabled(ctx, tx, u.Subject); {
		case err != nil:
			return err
		case off:
			return devices.ErrExists
		}
		row := &userRow{
			Subject: u.Subject, Identifier: u.Identifier, Folded: oauth.Fold(u.Identifier),
			PasswordHash: u.PasswordHash, Claims: pack(u.Claims),
			CreatedAt: at(u.CreatedAt), UpdatedAt: at(u.UpdatedAt),
		}
		if err := s.insert(ctx, tx, row); err != nil {
			return err
		}
		if u.Disabled {
			return setDisabled(ctx, tx, u.Subject, at(u.CreatedAt))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create user %s: %w", u.Subject, err)
	}
	return nil
}

// SetPassword replaces the hash of a subject's password and ends their devices,
// grants and sign-ins, but for the device that stays, if one is named: whoever
// knew the old password is out. If the credential by which the subject
// does it has ended, nothing changes and the error is devices.ErrOutdated; an
// operator has none. devices.ErrNotFound for nobody.
func (s *Store) SetPassword(
	ctx context.Context, subject, hash, stays string, by devices.Credential, when time.Time,
) error {
	if !clean(subject) {
		return devices.ErrNotFound
	}
	if err := writable(hash, stays); err != nil {
		return err
	}
	err := s.inSubject(ctx, subject, func(tx bun.Tx) error {
		if by != (devices.Credential{}) {
			if err := check(ctx, tx, subject, by); err != nil {
				return err
			}
		}
		rows, err := affected(tx.NewUpdate().Model((*userRow)(nil)).Set("password_hash = ?", hash).
			Set("updated_at = ?", at(when)).Where("subject = ?", subject).Exec(ctx))
		switch {
		case err != nil:
			return err
		case rows == 0:
			return devices.ErrNotFound
		}
		actor := devices.ActorOperator
		if stays != "" {
			actor = devices.ActorDevice(stays)
		}
		c := &change{tx: tx, subject: subject}
		registry := devices.Registry{Now: func() time.Time { return when }, NewID: newID}
		_, err = registry.EndOthers(ctx, c, stays, devices.ReasonPasswordChanged, cmp.Or(stays, "operator"))
		if err != nil {
			return err
		}
		grants, err := c.EndGrants(ctx, devices.Selection{Except: stays}, devices.ReasonPasswordChanged, when)
		if err != nil {
			return err
		}
		return c.Tell(ctx, ended(grants, devices.ReasonPasswordChanged, when, actor)...)
	})
	if err != nil {
		return fmt.Errorf("set the password of %s: %w", subject, err)
	}
	return nil
}

// SetUserDisabled lets a subject sign in again or no more. Disabling revokes
// the subject's grants, ends its sign-ins and sessions of the pages, and emits
// their events in the same transaction; its devices stay. A subject that was never met is
// devices.ErrNotFound.
func (s *Store) SetUserDisabled(ctx context.Context, subject string, off bool, when time.Time) error {
	if !clean(subject) {
		return devices.ErrNotFound
	}
	known, err := s.read.NewSelect().Table("subjects").Where("id = ?", subject).Count(ctx)
	if err == nil && known == 0 {
		return devices.ErrNotFound
	}
	if err == nil {
		err = s.inSubject(ctx, subject, func(tx bun.Tx) error {
			if !off {
				return setDisabled(ctx, tx, subject, 0)
			}
			return disable(ctx, tx, subject, when)
		})
	}
	if err != nil {
		return fmt.Errorf("disable or enable %s: %w", subject, err)
	}
	return nil
}

func disable(ctx context.Context, tx bun.Tx, subject string, when time.Time) error {
	if err := setDisabled(ctx, tx, subject, at(when)); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*webSessionRow)(nil)).Where("subject = ?", subject).Exec(ctx); err != nil {
		return err
	}
	c := &change{tx: tx, subject: subject}
	grants, err := c.EndGrants(ctx, devices.Selection{}, devices.ReasonSubjectDisabled, when)
	if err != nil {
		return err
	}
	return c.Tell(ctx, ended(grants, devices.ReasonSubjectDisabled, when, devices.ActorOperator)...)
}

func setDisabled(ctx context.Context, tx bun.Tx, subject string, when micros) error {
	_, err := tx.NewUpdate().Table("subjects").Set("disabled_at = ?", when).Where("id = ?", subject).Exec(ctx)
	return err
}
