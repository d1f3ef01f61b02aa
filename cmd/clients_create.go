package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"golang.org/x/term"
	"io"
	"os"
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
			return errors.New(strings.ReplaceAll(err.Error(), devices.ErrInvalid.Error()+": ", ""))
		case err != nil:
			return err
		}
		return a.printClient(created)
	})
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
	if client.Secret, err = a.secretFlag(c.Secret); err != nil {
		return client, err
	}
	client.JWKS, err = a.jsonFile(c.JWKS)
	return client, err
}

// secretFlag returns a secret that was given as it is or, as "-", on standard
// input: there it appears in no list of processes. On a terminal it is asked
// for, and not shown.
func (a *app) secretFlag(value string) (string, error) {
	if value != "-" {
		return value, nil
	}
	text, err := a.readSecret()
	if err != nil {
		return "", fmt.Errorf("read the secret from standard input: %w", err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", usagef("no secret came on standard input")
	}
	return secret, nil
}

func (a *app) readSecret() ([]byte, error) {
	in, isFile := a.stdin.(*os.File)
	if !isFile || !term.IsTerminal(int(in.Fd())) {
		return io.ReadAll(io.LimitReader(a.stdin, 64<<10))
	}
	fmt.Fprint(a.stderr, "Secret (not shown): ")
	text, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.stderr)
	return text, err
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
