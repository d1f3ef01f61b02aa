package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type clientsCmd struct {
	Create clientsCreate `cmd:"" help:"Register a client and print it. A generated secret is shown this once."`
	List   clientsList   `cmd:"" help:"List the clients."`
	Show   clientsShow   `cmd:"" help:"Print a client."`
	Update clientsUpdate `cmd:"" help:"Change a client: what is not named stays. Gives it a new secret, too."`
	Delete clientsDelete `cmd:"" help:"Remove clients and revoke their grants."`
}

type clientsList struct{}

// Run prints every client by ID.
func (*clientsList) Run(a *app) error {
	return a.withStore(func(_ Config, s *store.Store) error {
		all := []oauth.Client{}
		for {
			page := devices.Page{Limit: 500}
			if len(all) > 0 {
				page.After = all[len(all)-1].ID
			}
			more, err := s.Clients(a.ctx, page)
			if err != nil {
				return err
			}
			if all = append(all, more...); len(more) < page.Limit {
				break
			}
		}
		rows := make([]row, len(all))
		for i, c := range all {
			rows[i] = row{c.ID, orDash(c.Name), c.AuthMethod, string(c.BindingInForce()), strings.Join(c.GrantTypes, " ")}
		}
		return a.print(all, row{"CLIENT", "NAME", "AUTHENTICATION", "BINDING", "GRANT TYPES"}, rows...)
	})
}

type clientsShow struct {
	ID string `arg:"" help:"The client_id."`
}

// Run prints a client.
func (c *clientsShow) Run(a *app) error {
	return a.withStore(func(_ Config, s *store.Store) error {
		found, err := s.Client(a.ctx, c.ID)
		if errors.Is(err, devices.ErrNotFound) {
			return noClient(c.ID)
		} else if err != nil {
			return err
		}
		return a.printClient(found)
	})
}

func noClient(id string) error {
	return fmt.Errorf("there is no client %q (try: lanyard clients list)", id)
}

// printClient prints what is set.
func (a *app) printClient(c oauth.Client) error {
	rows := []row{}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, row{name, value})
		}
	}
	add("client_id", c.ID)
	if c.Secret != "" {
		add("client_secret", c.Secret+"  (shown this once)")
	}
	add("client_name", c.Name)
	add("redirect_uris", strings.Join(c.RedirectURIs, " "))
	add("post_logout_redirect_uris", strings.Join(c.PostLogout, " "))
	add("grant_types", strings.Join(c.GrantTypes, " "))
	add("response_types", strings.Join(c.ResponseType, " "))
	add("scope", c.Scope)
	add("audience", strings.Join(c.Audience, " "))
	add("token_endpoint_auth_method", c.AuthMethod)
	add("id_token_signed_response_alg", c.IDTokenAlg)
	add("access_token_strategy", c.AccessToken)
	add("binding", string(c.BindingInForce()))
	add("refresh_mode", c.RefreshMode)
	if c.SkipConsent {
		add("skip_consent", "true")
	}
	add("access_token_lifespan", c.AccessTTL)
	add("id_token_lifespan", c.IDTTL)
	add("refresh_token_idle_lifespan", c.RefreshIdle)
	add("refresh_token_lifespan", c.RefreshAbsolute)
	add("created_at", stamp(c.CreatedAt))
	return a.print(c, nil, rows...)
}

type clientsDelete struct {
	IDs []string `arg:"" name:"id" help:"The client_ids."`
}

// Run removes the clients in turn and stops at the first that is not there.
func (c *clientsDelete) Run(a *app) error {
	return a.withStore(func(config Config, s *store.Store) error {
		for _, id := range c.IDs {
			if err := config.ownClient(id); err != nil {
				return err
			}
			switch err := s.DeleteClient(a.ctx, id, a.now()); {
			case errors.Is(err, devices.ErrNotFound):
				return noClient(id)
			case err != nil:
				return err
			}
		}
		return a.say(map[string][]string{"deleted": c.IDs}, "deleted %s", strings.Join(c.IDs, ", "))
	})
}
