package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

type consentRow struct {
	bun.BaseModel `bun:"table:consents"`

	Subject  string           `bun:"subject,pk"`
	ClientID string           `bun:"client_id,pk"`
	Scopes   packed[[]string] `bun:"scopes"`
	At       micros           `bun:"at"`
}

// Consent returns what a subject let a client have, or devices.ErrNotFound.
func (s *Store) Consent(ctx context.Context, subject, clientID string) (oauth.Consent, error) {
	return consent(ctx, s.read, subject, clientID)
}

func consent(ctx context.Context, db bun.IDB, subject, clientID string) (oauth.Consent, error) {
	var r consentRow
	query := db.NewSelect().Model(&r).Where("subject = ? AND client_id = ?", subject, clientID)
	if err := one(ctx, query, subject, clientID); err != nil {
		return oauth.Consent{}, fmt.Errorf("read consent: %w", err)
	}
	return oauth.Consent{Subject: r.Subject, ClientID: r.ClientID, Scopes: r.Scopes.V, At: r.At.time()}, nil
}

// PutConsent adds the scopes to those consented before and moves At. If the
// sign-in by which the subject consented has ended, nothing is kept and the
// error is devices.ErrOutdated; of a subject that is disabled, who may have
// just been deleted, it is devices.ErrDisabled.
func (s *Store) PutConsent(ctx context.Context, c oauth.Consent) error {
	if err := writable(c); err != nil {
		return err
	}
	err := s.inSubject(ctx, c.Subject, func(tx bun.Tx) error {
		if err := check(ctx, tx, c.Subject, c.By); err != nil {
			return err
		}
		before, err := consent(ctx, tx, c.Subject, c.ClientID)
		if err != nil && !errors.Is(err, devices.ErrNotFound) {
			return err
		}
		scopes := before.Scopes
		for _, scope := range c.Scopes {
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
		row := &consentRow{Subject: c.Subject, ClientID: c.ClientID, Scopes: pack(scopes), At: at(c.At)}
		_, err = tx.NewInsert().Model(row).On("CONFLICT (subject, client_id) DO UPDATE").
			Set("scopes = EXCLUDED.scopes").Set("at = EXCLUDED.at").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("put consent: %w", err)
	}
	return nil
}
