package cmd

import (
	"errors"
	"fmt"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type clientsCreate struct {
	ID     string `help:"The client_id (default: a new UUID)."`
	Secret string `placeholder:"SECRET" help:"The client secret, of at least 32 characters, or - to read it from standard input (default: a new one, shown once)."`
	Public bool   `help:"A client that cannot keep a secret, such as an app or a single-page application."`
	clientFlags
}

// Run registers the client.
func (c *clientsCreate) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	client = provider.CompleteClient(client, newID)
	return a.withStore(func(_ Config, s *store.Store) error {
		created, err := provider.CreateClient(a.ctx, s, client, a.now())
		switch {
		case errors.Is(err, devices.ErrExists):
			return fmt.Errorf("there is a client %q already; choose another --id", client.ID)
		case errors.Is(err, devices.ErrInvalid):
			return byFlag(err)
		case err != nil:
			return err
		}
		return a.printClient(created)
	})
}

// client returns the record that the flags describe.
func (c *clientsCreate) client(a *app) (oauth.Client, error) {
	client := oauth.Client{ID: c.ID}
	c.apply(&client)
	if len(client.GrantTypes) == 0 {
		client.GrantTypes = []string{"authorization_code", "refresh_token"}
	}
	switch method := client.AuthMethod; {
	case c.Public && method != "" && method != "none":
		return client, usagef("--public and --auth-method=%s exclude each other", method)
	case c.Public:
		client.AuthMethod = "none"
	case c.JWKS != "" && method == "":
		client.AuthMethod = "private_key_jwt"
	}
	if c.Secret == "-" && c.JWKS == "-" {
		return client, usagef("--secret and --jwks cannot both be read from standard input")
	}
	var err error
	if client.Secret, err = a.secretFlag(c.Secret, "Secret"); err != nil {
		return client, err
	}
	if c.JWKS != "" {
		client.JWKS, err = a.jsonFile(c.JWKS)
	}
	return client, err
}
