// Package ory talks to the admin APIs of Ory Hydra and Ory Kratos. It is the
// only one that does: it ends there what was ended here, and asks Hydra about
// login and consent requests.
package ory

import (
	"context"
	"errors"
	"net/http"
	"time"

	client "github.com/ory/client-go"

	"github.com/lanyard-id/lanyard/devices"
)

// Grants finds what a subject holds.
type Grants interface {
	FindGrants(ctx context.Context, q devices.GrantQuery) ([]devices.Grant, error)
}

// Config is where the two are reached. An empty URL is one that is not there.
type Config struct {
	HydraAdmin, KratosAdmin string
	Grants                  Grants
	// AccessTTL is how long Hydra's access tokens live, by its configuration:
	// what it cannot revoke dies by then.
	AccessTTL time.Duration
	HTTP      *http.Client
	Now       func() time.Time
}

// Client talks to both.
type Client struct {
	Config
	hydra  client.OAuth2API
	kratos client.IdentityAPI
}

// New returns a client.
func New(c Config) *Client {
	return &Client{Config: c, hydra: at(c.HydraAdmin, c.HTTP).OAuth2API, kratos: at(c.KratosAdmin, c.HTTP).IdentityAPI}
}

// at returns a client for one base URL: client-go's paths begin with /admin.
func at(base string, h *http.Client) *client.APIClient {
	config := client.NewConfiguration()
	config.Servers = client.ServerConfigurations{{URL: base}}
	config.HTTPClient, config.UserAgent = h, "lanyard"
	return client.NewAPIClient(config)
}

// answered closes an answer's body and reports its status, 0 for none.
func answered(r *http.Response) int {
	if r == nil {
		return 0
	}
	_ = r.Body.Close() // client-go has read it
	return r.StatusCode
}

// errNoServer: there is no such server in the configuration.
var errNoServer = errors.New("no admin URL")

// LoginSession returns the ID (sid) of the login session that the subject signs
// in to with a login challenge, "" if it is somebody else's.
func (c *Client) LoginSession(ctx context.Context, challenge, subject string) (string, error) {
	if c.HydraAdmin == "" {
		return "", errNoServer
	}
	login, err := c.LoginRequest(ctx, challenge)
	if err != nil || login.Skip && login.Subject != subject {
		return "", err
	}
	return login.SID, nil
}
