package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/lanyard-id/lanyard/store"
)

// withStore runs fn on the configured database, whose schema must be this
// binary's.
func (a *app) withStore(fn func(Config, *store.Store) error) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(a.ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(fn(c, s), s.Close())
}

// openStore opens the configured database. In development it migrates by
// itself, as the server does.
func (a *app) openStore(ctx context.Context, c Config) (*store.Store, error) {
	if c.Dev {
		if _, err := store.MigrateUp(ctx, c.Database.URL.Reveal()); err != nil {
			return nil, fmt.Errorf("migrate %s: %w", c.Database.URL, err)
		}
	}
	s, err := store.Open(ctx, c.Database.URL.Reveal(), store.WithNow(a.now))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Database.URL, err)
	}
	if err := s.Check(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
