package cmd

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

type clientsCreate struct {
	ID          string   `help:"The client_id (default: a new UUID)."`
	Name        string   `help:"What people see."`
	Secret      string   `placeholder:"SECRET" help:"The client secret, or - to read it from standard input (default: a new one, shown once)."`
	Public      bool     `help:"A client that cannot keep a secret, such as an app or a single-page application."`
	RedirectURI []string `sep:"none" placeholder:"URI" help:"Where users return to after signing in. May be repeated."`
	PostLogout  []string `name:"post-logout-redirect-uri" sep:"none" placeholder:"URI" help:"Where users return to after signing out. May be repeated."`
	GrantType   []string `placeholder:"TYPE" help:"authorization_code, refresh_token, client_credentials (default: the first two)."`
	ResponseTyp []string `name:"response-type" placeholder:"TYPE" help:"code."`
	Scope       []string `placeholder:"SCOPE" help:"Scopes the client may ask for (default: openid offline_access)."`
	Audience    []string `placeholder:"AUDIENCE" help:"Audiences the client may ask for."`
	AuthMethod  string   `placeholder:"METHOD" help:"client_secret_basic (default), client_secret_post, private_key_jwt, none."`
	AuthAlg     string   `placeholder:"ALG" help:"Algorithm of private_key_jwt: ES256, RS256, PS256."`
	JWKS        string   `name:"jwks" placeholder:"FILE" help:"Public keys of private_key_jwt, or - for standard input."`
	Binding     string   `placeholder:"BINDING" help:"device_status (default with a secret), observed (default for public clients), forwarded, dpop."`
	RefreshMode string   `placeholder:"MODE" help:"rotate (default), sender_constrained."`
	AccessToken string   `placeholder:"FORMAT" help:"opaque (default), jwt."`
	IDTokenAlg  string   `name:"id-token-alg" placeholder:"ALG" help:"ES256 (default), RS256."`
	SkipConsent bool     `help:"First party: do not ask users."`

	AccessTTL       string `placeholder:"TIME" help:"Lifetime of access tokens (default: tokens.access_ttl)."`
	IDTTL           string `name:"id-ttl" placeholder:"TIME" help:"Lifetime of ID tokens (default: tokens.id_ttl)."`
	RefreshIdle     string `placeholder:"TIME" help:"Idle end of grants (default: tokens.refresh_idle)."`
	RefreshAbsolute string `placeholder:"TIME" help:"Absolute end of grants (default: tokens.refresh_absolute)."`
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

// byFlag says of each mistake in a client which flag it is in.
func byFlag(err error) error {
	flags := map[string]string{ //nolint:gosec // because these are names, no secrets
		"client_id": "--id", "client_secret": "--secret", "redirect_uris": "--redirect-uri",
		"post_logout_redirect_uris": "--post-logout-redirect-uri", "grant_types": "--grant-type",
		"response_types": "--response-type", "token_endpoint_auth_method": "--auth-method",
		"token_endpoint_auth_signing_alg": "--auth-alg", "jwks": "--jwks", "binding": "--binding",
		"refresh_mode": "--refresh-mode", "access_token_strategy": "--access-token",
		"id_token_signed_response_alg": "--id-token-alg", "access_token_lifespan": "--access-ttl",
		"id_token_lifespan": "--id-ttl", "refresh_token_idle_lifespan": "--refresh-idle",
		"refresh_token_lifespan": "--refresh-absolute",
	}
	mistakes := provider.Mistakes(err)
	if len(mistakes) == 0 {
		return err
	}
	lines := make([]string, len(mistakes))
	for i, m := range mistakes {
		lines[i] = cmp.Or(flags[m.Member], m.Member) + ": " + m.What
	}
	slices.Sort(lines)
	return usageError{errors.New(strings.Join(lines, "\n"))}
}

// client returns the record that the flags describe.
func (c *clientsCreate) client(a *app) (oauth.Client, error) {
	client := oauth.Client{
		ID: c.ID, Name: c.Name, RedirectURIs: c.RedirectURI, PostLogout: c.PostLogout,
		GrantTypes: c.GrantType, ResponseType: c.ResponseTyp, Scope: strings.Join(c.Scope, " "),
		Audience: c.Audience, AuthMethod: c.AuthMethod, AuthAlg: c.AuthAlg,
		IDTokenAlg: c.IDTokenAlg, AccessToken: c.AccessToken, SkipConsent: c.SkipConsent,
		Binding: devices.Binding(c.Binding), RefreshMode: c.RefreshMode,
		AccessTTL: c.AccessTTL, IDTTL: c.IDTTL,
		RefreshIdle: c.RefreshIdle, RefreshAbsolute: c.RefreshAbsolute,
	}
	if len(client.GrantTypes) == 0 {
		client.GrantTypes = []string{"authorization_code", "refresh_token"}
	}
	switch {
	case c.Public && c.AuthMethod != "" && c.AuthMethod != "none":
		return client, usagef("--public and --auth-method=%s exclude each other", c.AuthMethod)
	case c.Public:
		client.AuthMethod = "none"
	case c.JWKS != "" && c.AuthMethod == "":
		client.AuthMethod = "private_key_jwt"
	}
	if c.Secret == "-" && c.JWKS == "-" {
		return client, usagef("--secret and --jwks cannot both be read from standard input")
	}
	var err error
	if client.Secret, err = a.secretFlag(c.Secret, "Secret"); err != nil {
		return client, err
	}
	client.JWKS, err = a.jsonFile(c.JWKS)
	return client, err
}

// jsonFile returns the JSON in a file, or in standard input for "-".
func (a *app) jsonFile(name string) (json.RawMessage, error) {
	var text []byte
	var err error
	switch name {
	case "":
		return nil, nil
	case "-":
		text, err = io.ReadAll(io.LimitReader(a.stdin, 1<<20))
	default:
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("read keys: %s is no JSON", name)
	}
	return text, nil
}
