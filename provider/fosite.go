package provider

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/ory/fosite"
	"github.com/ory/fosite/i18n"

	"github.com/lanyard-id/lanyard/devices"
)

// configuration is fosite's, with the audiences of client assertions. Every
// lazily filled field is set: fosite fills them without a lock.
type configuration struct {
	*fosite.Config
	audiences []string
}

// GetTokenURLs returns what a client assertion may name as its audience: the
// issuer (RFC 7523bis) and the token endpoint (RFC 7523).
func (c configuration) GetTokenURLs(context.Context) []string { return c.audiences }

func (p *Provider) newFosite() *fosite.Fosite {
	conf := configuration{
		Config: &fosite.Config{
			AccessTokenLifespan: p.Lifetimes.Access, IDTokenLifespan: p.Lifetimes.ID,
			AuthorizeCodeLifespan: p.Lifetimes.Code, RefreshTokenLifespan: -1,
			EnforcePKCE: true, EnforcePKCEForPublicClients: true,
			ScopeStrategy:            fosite.ExactScopeStrategy,
			AudienceMatchingStrategy: fosite.ExactAudienceMatchingStrategy,
			ClientSecretsHasher:      newSecretHasher(),
			RedirectSecureChecker:    func(_ context.Context, u *url.URL) bool { return secureRedirect(u) == nil },
			JWKSFetcherStrategy:      noFetch{},
			HTTPClient:               retryablehttp.NewClient(),
			MessageCatalog:           (i18n.MessageCatalog)(nil),
			FormPostHTMLTemplate:     template.New("unused"),
			RefreshTokenScopes:       []string{scopeOffline},
			TokenURL:                 p.URL("/oauth2/token"),
			TokenEndpointHandlers: fosite.TokenEndpointHandlers{
				&codeGrant{p}, &refreshGrant{p}, &credentialsGrant{p},
			},
		},
		audiences: []string{p.Issuer, p.URL("/oauth2/token")},
	}
	conf.ClientAuthenticationStrategy = p.authenticate
	return fosite.NewOAuth2Provider(p, conf)
}

// noFetch refuses to fetch keys: clients register them inline, so that no
// request of a stranger makes this server call anybody.
type noFetch struct{}

func (noFetch) Resolve(context.Context, string, bool) (*fositeKeySet, error) {
	return nil, fosite.ErrInvalidClient.WithHint("Register the keys of the client inline, as jwks.")
}

// GetClient returns a client to fosite. Trouble is marked, since fosite would
// call it invalid_client.
func (p *Provider) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	c, err := p.clients.get(ctx, id)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return nil, fosite.ErrNotFound.WithWrap(err)
	case err != nil:
		return nil, trouble{err}
	}
	return c, nil
}

// ClientAssertionJWTValid always agrees: using an assertion is one insert,
// and the insert is the check.
func (p *Provider) ClientAssertionJWTValid(context.Context, string) error { return nil }

// maxAssertion is the longest a client assertion may live, which bounds what
// must be remembered.
const maxAssertion = time.Hour

// SetClientAssertionJWT uses an assertion, once (RFC 7523 §3).
func (p *Provider) SetClientAssertionJWT(ctx context.Context, jti string, exp time.Time) error {
	if exp.After(p.Now().Add(maxAssertion)) {
		return fosite.ErrInvalidClient.WithHint("The client assertion lives longer than an hour.")
	}
	err := p.Storage.Assertions.UseAssertion(ctx, "", jti, exp)
	switch {
	case errors.Is(err, devices.ErrExists):
		return fosite.ErrJTIKnown
	case err != nil:
		return trouble{err}
	}
	return nil
}

// authenticate is fosite's client authentication with three doors closed: two
// methods at once (RFC 6749 §2.3), credentials in the query, and a secret
// sent by a client that has none.
func (p *Provider) authenticate(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	methods := 0
	if r.Header.Get("Authorization") != "" {
		methods++
	}
	if form.Get("client_secret") != "" {
		methods++
	}
	if form.Get("client_assertion") != "" {
		methods++
	}
	if methods > 1 {
		return nil, fosite.ErrInvalidRequest.WithHint("Use one way to authenticate the client.")
	}
	if basicID, _, ok := r.BasicAuth(); ok {
		if id := form.Get("client_id"); id != "" && id != unescaped(basicID) {
			return nil, fosite.ErrInvalidRequest.WithHint("The client_id differs from the one that authenticates.")
		}
	} else if r.Header.Get("Authorization") != "" {
		return nil, fosite.ErrInvalidClient.WithHint("The Authorization header is not a valid Basic one.")
	}
	found, err := p.oauth2.DefaultClientAuthenticationStrategy(ctx, r, form)
	if err != nil {
		return nil, err
	}
	if c := found.(*client); methods == 0 && !c.Public() {
		return nil, fosite.ErrInvalidClient.WithHint("The client must authenticate.")
	} else if methods > 0 && c.Public() {
		return nil, fosite.ErrInvalidClient.WithHint("The client is registered without a secret.")
	}
	return found, nil
}

func unescaped(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}
