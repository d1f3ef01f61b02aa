package cmd

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// clientFlags are what a client can be given and, later, given anew. Nil is not
// given; an empty value is the default's.
type clientFlags struct {
	Name        *string  `help:"What people see."`
	RedirectURI []string `sep:"none" placeholder:"URI" help:"Where users return to after signing in. May be repeated."`
	PostLogout  []string `name:"post-logout-redirect-uri" sep:"none" placeholder:"URI" help:"Where users return to after signing out. May be repeated."`
	GrantType   list     `placeholder:"TYPE,..." help:"authorization_code, refresh_token, client_credentials (default: the first two)."`
	ResponseTyp list     `name:"response-type" placeholder:"TYPE,..." help:"code."`
	Scope       list     `placeholder:"SCOPE,..." help:"Scopes the client may ask for (default: openid offline_access; none for clients that sign nobody in)."`
	Audience    list     `placeholder:"AUDIENCE,..." help:"Audiences the client may ask for. An empty value takes them all away."`
	AuthMethod  *string  `placeholder:"METHOD" help:"client_secret_basic (default), client_secret_post, private_key_jwt, none."`
	AuthAlg     *string  `placeholder:"ALG" help:"Algorithm of private_key_jwt: ES256 (default), RS256, PS256."`
	JWKS        string   `name:"jwks" placeholder:"FILE" help:"Public keys of private_key_jwt, or - for standard input."`
	Binding     *string  `placeholder:"BINDING" help:"device_status (default with a secret), observed (default for public clients), forwarded, dpop."`
	RefreshMode *string  `placeholder:"MODE" help:"rotate (default), sender_constrained."`
	AccessToken *string  `placeholder:"FORMAT" help:"opaque (default), jwt."`
	IDTokenAlg  *string  `name:"id-token-alg" placeholder:"ALG" help:"ES256 (default), RS256."`
	SkipConsent *bool    `negatable:"" help:"First party: do not ask users."`

	AccessTTL       *string `placeholder:"TIME" help:"Lifetime of access tokens (default: tokens.access_ttl)."`
	IDTTL           *string `name:"id-ttl" placeholder:"TIME" help:"Lifetime of ID tokens (default: tokens.id_ttl)."`
	RefreshIdle     *string `placeholder:"TIME" help:"Idle end of grants (default: tokens.refresh_idle)."`
	RefreshAbsolute *string `placeholder:"TIME" help:"Absolute end of grants (default: tokens.refresh_absolute)."`
}

// apply gives a client what the flags say, but for its keys.
func (f clientFlags) apply(c *oauth.Client) {
	for to, from := range map[*string]*string{
		&c.Name: f.Name, &c.AuthMethod: f.AuthMethod, &c.AuthAlg: f.AuthAlg, &c.RefreshMode: f.RefreshMode,
		&c.AccessToken: f.AccessToken, &c.IDTokenAlg: f.IDTokenAlg, (*string)(&c.Binding): f.Binding,
		&c.AccessTTL: f.AccessTTL, &c.IDTTL: f.IDTTL, &c.RefreshIdle: f.RefreshIdle, &c.RefreshAbsolute: f.RefreshAbsolute,
	} {
		if from != nil {
			*to = *from
		}
	}
	for to, from := range map[*[]string][]string{
		&c.RedirectURIs: f.RedirectURI, &c.PostLogout: f.PostLogout, &c.GrantTypes: f.GrantType,
		&c.ResponseType: f.ResponseTyp, &c.Audience: f.Audience,
	} {
		if from != nil {
			*to = slices.DeleteFunc(from, func(v string) bool { return v == "" })
		}
	}
	if f.Scope != nil {
		c.Scope = strings.Join(f.Scope, " ")
	}
	if f.SkipConsent != nil {
		c.SkipConsent = *f.SkipConsent
	}
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

// jsonFile returns the JSON in a file, or in standard input for "-".
func (a *app) jsonFile(name string) (json.RawMessage, error) {
	var text []byte
	var err error
	switch name {
	case "-":
		text, err = io.ReadAll(io.LimitReader(a.stdin, 1<<20))
	default:
		text, err = readSmall(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("read keys: %s is no JSON", name)
	}
	return text, nil
}
