package cmd

import (
	"errors"
	"fmt"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
)

type usersDelete struct {
	who
	Yes bool `help:"Do not ask."`
}

// Run ends everything that the user has and forgets them, in one transaction.
// What ended stays as tombstones: see docs/operations.md.
func (c *usersDelete) Run(a *app) error {
	return a.withStore(func(config Config, s *store.Store) error {
		u, err := c.find(a, config, s)
		if err != nil {
			return err
		}
		question := fmt.Sprintf("This deletes %s (subject %s) and ends all their devices, grants and sign-ins. "+
			"The subject is never given again.", u.Identifier, u.Subject)
		if err := a.confirm(c.Yes, question); err != nil {
			return err
		}
		registry := config.operatorRegistry(s, a)
		ended := 0
		err = s.DeleteUser(a.ctx, u.Subject, a.now(), func(tx devices.Tx) (err error) {
			ended, err = registry.EndAll(a.ctx, tx, devices.ReasonSubjectDisabled)
			return err
		})
		switch {
		case errors.Is(err, devices.ErrNotFound):
			return config.noUser(c.User) // somebody else was faster
		case err != nil:
			return err
		}
		deleted := map[string]any{"deleted": u.Subject, "identifier": u.Identifier, "revoked": ended}
		return a.say(deleted, "deleted %s (subject %s) and ended %d devices", u.Identifier, u.Subject, ended)
	})
}

// operatorRegistry returns a registry for what operators do: it judges nothing.
func (c Config) operatorRegistry(s *store.Store, a *app) *devices.Registry {
	return &devices.Registry{
		Store: s, Consents: s, Policy: devices.DefaultPolicy(), Rules: c.Devices.Rules(), Now: a.now, NewID: newID,
	}
}
