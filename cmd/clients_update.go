package cmd

import (
	"errors"
	"fmt"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/store"
)

type clientsUpdate struct {
	ID        string `arg:"" help:"The client_id."`
	NewSecret bool   `xor:"secret" help:"Make a new secret, shown this once. The old one is refused within seconds."`
	Secret    string `xor:"secret" placeholder:"SECRET" help:"A new secret, of at least 32 characters, or - to read it from standard input."`
	clientFlags
}

// Run changes what the flags name. Grants stay, and are good for what the
// client is registered for then.
func (c *clientsUpdate) Run(a *app) error {
	if c.Secret == "-" && c.JWKS == "-" {
		return usagef("--secret and --jwks cannot both be read from standard input")
	}
	return a.withStore(func(config Config, s *store.Store) error {
		if err := config.ownClient(c.ID); err != nil {
			return err
		}
		before, err := s.Client(a.ctx, c.ID)
		if errors.Is(err, devices.ErrNotFound) {
			return noClient(c.ID)
		} else if err != nil {
			return err
		}
		next := before
		c.apply(&next)
		if next.Secret, err = a.secretFlag(c.Secret, "Secret"); err != nil {
			return err
		}
		if c.NewSecret {
			next.Secret = provider.NewSecret()
		}
		if c.JWKS != "" {
			if next.JWKS, err = a.jsonFile(c.JWKS); err != nil {
				return err
			}
		}
		next, err = provider.ReplaceClient(a.ctx, s, before, next, a.now())
		switch {
		case errors.Is(err, devices.ErrInvalid):
			return byFlag(err)
		case errors.Is(err, provider.ErrChanged):
			return fmt.Errorf("%w; try again", err)
		case err != nil:
			return err
		}
		return a.printClient(next)
	})
}

// ownClient returns why a client is not the operator's to change.
func (c Config) ownClient(id string) error {
	if id == pagesClient && c.WebUI.SignIn == "provider" {
		return fmt.Errorf("%s is the client of the owners' pages, and as it must be (webui.sign_in: provider)", id)
	}
	return nil
}
