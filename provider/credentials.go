package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
)

// credentialsGrant is the client credentials grant (RFC 6749 §4.4). No
// subject and no device take part; each token is a grant of its own, that
// ends with it.
type credentialsGrant struct{ p *Provider }

// CanSkipClientAuth reports false: the client is all there is.
func (*credentialsGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest reports whether the request is for this grant.
func (*credentialsGrant) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(grantCredentials)
}

// HandleTokenEndpointRequest checks what the client asks for.
func (h *credentialsGrant) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	c := r.GetClient().(*client)
	if c.Public() || !slices.Contains(c.GrantTypes, grantCredentials) {
		return fosite.ErrUnauthorizedClient
	}
	scopes := r.GetRequestedScopes()
	if !covers(c.GetScopes(), scopes) || scopes.HasOneOf(scopeOpenID, scopeOffline) {
		return fosite.ErrInvalidScope
	}
	if !covers(c.Audience, r.GetRequestedAudience()) {
		return fosite.ErrInvalidRequest.WithHint("The client may not ask for that audience.")
	}
	if err := target(r, c); err != nil {
		return err
	}
	if c.keyRequired() && sightingOf(ctx).Proof.KeyThumbprint == "" { // RFC 9449 §5.2
		return errProof
	}
	return nil
}

// PopulateTokenEndpointResponse opens the grant and mints its one token.
func (h *credentialsGrant) PopulateTokenEndpointResponse(
	ctx context.Context, r fosite.AccessRequester, answer fosite.AccessResponder,
) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	c, now := r.GetClient().(*client), h.p.Now()
	g := devices.Grant{
		ID: h.p.NewID(), ClientID: c.ID, Scopes: r.GetRequestedScopes(), Audience: r.GetRequestedAudience(),
		Secret: make([]byte, 32), Generation: 1, RotatedAt: now, Version: 1, CreatedAt: now,
		NotAfter: now.Add(lifetime(c.AccessTTL, h.p.Lifetimes.Access)), Session: memory{}.pack(),
	}
	_, _ = rand.Read(g.Secret) // never fails (crypto/rand)
	if key := sightingOf(ctx).Proof.KeyThumbprint; key != "" {
		g.Baseline = &devices.Baseline{KeyThumbprint: key}
	}
	switch err := h.p.Storage.Codes.OpenClientGrant(ctx, g, c.Client); {
	case errors.Is(err, devices.ErrOutdated):
		return h.p.outdated(c)
	case errors.Is(err, devices.ErrNotFound): // deleted since it was read
		return fosite.ErrInvalidClient.WithWrap(err)
	case err != nil:
		return trouble{err}
	}
	return h.p.mint(ctx, minting{
		grant: g, client: c, remainder: remainder{scopes: g.Scopes, audience: g.Audience},
	}, answer)
}
