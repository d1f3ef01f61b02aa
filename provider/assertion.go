package provider

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
)

// Client assertions are read here and not by fosite: that reads the clock of
// the machine without any leeway, uses a jti up before it looks at the
// audience, and lets one client use up another's.

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds of a client assertion.
const (
	maxAssertion  = time.Hour        // its life, which bounds what is remembered
	assertionSkew = 10 * time.Second // how far the client's clock may be off
)

func assertionAlgs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256}
}

var errAssertion = fosite.ErrInvalidClient.WithHint("The client assertion is not valid here (RFC 7523).")

// asserted returns the client that an assertion authenticates (RFC 7523 §3,
// OIDC Core §9). An assertion is used once, and only if it is good.
func (p *Provider) asserted(ctx context.Context, form url.Values) (*client, error) {
	raw := form.Get("client_assertion")
	if raw == "" {
		return nil, fosite.ErrInvalidRequest.WithHint("The client_assertion is missing.")
	}
	parsed, err := jwt.ParseSigned(raw, assertionAlgs())
	if err != nil {
		return nil, errAssertion.WithWrap(err)
	}
	var claims jwt.Claims
	if err := parsed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return nil, errAssertion.WithWrap(err)
	}
	// 1. Whose is it?
	if id := form.Get("client_id"); claims.Subject == "" || claims.Issuer != claims.Subject || id != "" && id != claims.Subject {
		return nil, errAssertion
	}
	c, err := p.clients.get(ctx, claims.Subject)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return nil, fosite.ErrInvalidClient.WithWrap(err)
	case err != nil:
		return nil, trouble{err}
	case c.AuthMethod != methodAssertion || !c.signed(parsed):
		return nil, errAssertion
	}
	// 2. Is it for this server, now, and for the first time?
	if !p.current(claims) {
		return nil, errAssertion
	}
	err = p.Storage.Assertions.UseAssertion(ctx, c.ID, claims.ID, claims.Expiry.Time().Add(assertionSkew))
	switch {
	case errors.Is(err, devices.ErrExists):
		return nil, fosite.ErrInvalidClient.WithHint("The client assertion was used before.")
	case err != nil:
		return nil, trouble{err}
	}
	return c, nil
}

// signed reports whether one of the client's keys signed the assertion, by the
// algorithm that the client is registered with.
func (c *client) signed(assertion *jwt.JSONWebToken) bool {
	header := assertion.Headers[0]
	if header.Algorithm != c.GetTokenEndpointAuthSigningAlgorithm() {
		return false
	}
	keys := c.keys.Keys
	if header.KeyID != "" {
		keys = c.keys.Key(header.KeyID)
	}
	return slices.ContainsFunc(keys, func(key jose.JSONWebKey) bool {
		return key.Use == "sig" && assertion.Claims(key.Key) == nil
	})
}

// current reports whether the assertion names this server as its audience
// (the issuer, RFC 7523bis, or the token endpoint, RFC 7523), can be told from
// others, and is of this time.
func (p *Provider) current(c jwt.Claims) bool {
	now := p.Now()
	ours := c.Audience.Contains(p.Issuer) || c.Audience.Contains(p.URL("/oauth2/token"))
	early := func(d *jwt.NumericDate) bool { return d != nil && d.Time().After(now.Add(assertionSkew)) }
	return ours && c.ID != "" && c.Expiry != nil &&
		now.Before(c.Expiry.Time().Add(assertionSkew)) && !c.Expiry.Time().After(now.Add(maxAssertion)) &&
		!early(c.NotBefore) && !early(c.IssuedAt)
}
