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
	"github.com/lanyard-id/lanyard/ratelimit"
)

// newFosite sets every field that fosite would fill lazily: it does that
// without a lock.
func (p *Provider) newFosite() *fosite.Fosite {
	return fosite.NewOAuth2Provider(p, &fosite.Config{
		AccessTokenLifespan: p.Lifetimes.Access, IDTokenLifespan: p.Lifetimes.ID,
		AuthorizeCodeLifespan: p.Lifetimes.Code, RefreshTokenLifespan: -1,
		EnforcePKCE: true, EnforcePKCEForPublicClients: true,
		ScopeStrategy:            fosite.ExactScopeStrategy,
		AudienceMatchingStrategy: fosite.ExactAudienceMatchingStrategy,
		ClientSecretsHasher:      newSecretHasher(p.Hashing, p.Limits.WrongSecrets, p.Now),
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
		ClientAuthenticationStrategy: p.authenticate,
	})
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

// ClientAssertionJWTValid is never asked: assertions are not left to fosite.
func (p *Provider) ClientAssertionJWTValid(context.Context, string) error { return fosite.ErrJTIKnown }

// SetClientAssertionJWT is never asked either.
func (p *Provider) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrJTIKnown
}

// outdated refuses a client whose secret or keys have changed since it was
// authenticated. It is read anew from now on.
func (p *Provider) outdated(c *client) error {
	p.clients.forget(c.ID)
	return fosite.ErrInvalidClient.WithHint("The client's credentials have just changed.")
}

// unchanged refuses a client that was deleted, or whose credentials changed,
// since it was authenticated, as far as this server knows: what it knows of
// clients is at most five seconds old.
func (p *Provider) unchanged(ctx context.Context, c *client) error {
	now, err := p.clients.get(ctx, c.ID)
	switch {
	case now == c:
		return nil
	case errors.Is(err, devices.ErrNotFound):
		return p.outdated(c)
	case err != nil:
		return trouble{err}
	case now.Credential() != c.Credential():
		return p.outdated(c)
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
	if form.Get("client_assertion_type") == assertionType {
		c, err := p.asserted(ctx, form)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	ctx = context.WithValue(ctx, callerKey{}, ratelimit.Key(namedClient(r, form), p.source(r)))
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

// namedClient returns the ID that the request names its client by.
func namedClient(r *http.Request, form url.Values) string {
	if id, _, ok := r.BasicAuth(); ok {
		return unescaped(id)
	}
	return form.Get("client_id")
}

func unescaped(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}
