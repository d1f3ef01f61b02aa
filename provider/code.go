package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// codeGrant is the authorization code grant (RFC 6749 §4.1.3) with PKCE (RFC
// 7636 §4.6). It turns a code into a grant, once.
type codeGrant struct{ p *Provider }

// CanSkipClientAuth reports false: every client says who it is.
func (*codeGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest reports whether the request is for this grant.
func (*codeGrant) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(grantCode)
}

// HandleTokenEndpointRequest verifies the code. A code that was used before
// kills what it issued, but only where the request is good in every other
// way: who merely saw a code has no kill switch (OAuth 2.1 §4.1.3).
func (h *codeGrant) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	c := r.GetClient().(*client)
	if !slices.Contains(c.GrantTypes, grantCode) {
		return fosite.ErrUnauthorizedClient
	}
	code, err := h.read(ctx, r, c)
	if err != nil {
		return err
	}
	if !h.p.Now().Before(code.ExpiresAt) && code.UsedAt.IsZero() {
		return errRefused
	}
	if !code.UsedAt.IsZero() {
		return h.replayed(ctx, code)
	}
	left, err := c.remaining(code.Scopes, code.Audience)
	if err != nil {
		return err
	}
	s := r.GetSession().(*pending)
	s.code, s.left = code, left
	return aimed(r.GetRequestForm(), left.audience)
}

// read returns the code of the request if it is this client's, for this
// redirect URI, and the verifier fits.
func (h *codeGrant) read(ctx context.Context, r fosite.AccessRequester, c *client) (oauth.Code, error) {
	form := r.GetRequestForm()
	verifier := form.Get("code_verifier")
	switch {
	case form.Get("code") == "":
		return oauth.Code{}, fosite.ErrInvalidRequest.WithHint("The code is missing.")
	case verifier == "":
		return oauth.Code{}, errRefused.WithHint("The code_verifier is missing (RFC 7636 §4.5).")
	case !isVerifier(verifier):
		return oauth.Code{}, errRefused.WithHint("The code_verifier is malformed (RFC 7636 §4.1).")
	}
	hash, err := tokens.CodeHash(form.Get("code"))
	if err != nil {
		return oauth.Code{}, errRefused
	}
	code, err := h.p.Storage.Codes.Code(ctx, hash)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return oauth.Code{}, errRefused
	case err != nil:
		return oauth.Code{}, trouble{err}
	case code.ClientID != c.ID, !fits(verifier, code.Challenge), !matchRedirect(code.RedirectURI, c.RedirectURIs):
		return oauth.Code{}, errRefused
	}
	shown := sightingOf(ctx).Proof.KeyThumbprint
	switch {
	case code.KeyThumb != "" && code.KeyThumb != shown: // RFC 9449 §10
		return oauth.Code{}, errRefused
	case shown == "" && c.keyRequired():
		return oauth.Code{}, errProof
	}
	sent := form.Get("redirect_uri")
	if sent != code.RedirectURI && (code.RedirectSent || sent != "") {
		return oauth.Code{}, errRefused
	}
	return code, aimed(form, code.Audience)
}

// isVerifier reports whether s is 43 to 128 unreserved characters.
func isVerifier(s string) bool {
	return len(s) >= 43 && len(s) <= 128 && !strings.ContainsFunc(s, notIDRune)
}

// fits reports whether the verifier is the one behind the S256 challenge.
func fits(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1
}

func (h *codeGrant) replayed(ctx context.Context, code oauth.Code) error {
	err := h.p.registry.RevokeGrant(ctx, code.Subject, code.GrantID, devices.ReasonCodeReplay)
	if err != nil {
		return trouble{err}
	}
	return errRefused
}

// PopulateTokenEndpointResponse redeems the code: it is marked used and its
// grant opened in one transaction, if device and subject are still good.
func (h *codeGrant) PopulateTokenEndpointResponse(
	ctx context.Context, r fosite.AccessRequester, answer fosite.AccessResponder,
) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	c, s := r.GetClient().(*client), r.GetSession().(*pending)
	code := s.code
	g, err := h.grant(ctx, r, c, s)
	if err != nil {
		return err
	}
	told, err := h.p.tell(ctx, c, g)
	if err != nil {
		return err
	}
	created := devices.Event{
		ID: h.p.NewID(), Type: devices.EventGrantCreated, At: g.CreatedAt, Subject: g.Subject,
		DeviceID: g.DeviceID, ClientID: g.ClientID, GrantID: g.ID, Actor: devices.ActorDevice(g.DeviceID),
	}
	redeemed, err := h.p.Storage.Codes.Redeem(ctx, code.Hash, g, c.Client, []devices.Event{created})
	if errors.Is(err, devices.ErrOutdated) {
		return h.p.outdated(c)
	}
	if err != nil {
		return trouble{err}
	}
	if !redeemed {
		return errRefused
	}
	return h.p.mint(ctx, minting{grant: g, client: c, remainder: s.left, nonce: code.Nonce, told: told}, answer)
}

// grant returns the grant that a code becomes. It keeps all that its subject
// agreed to, so that a client which is registered for it again has it again.
func (h *codeGrant) grant(
	ctx context.Context, r fosite.AccessRequester, c *client, s *pending,
) (devices.Grant, error) {
	now, code := sightingOf(ctx).At, s.code
	g := devices.Grant{
		ID: code.GrantID, Subject: code.Subject, ClientID: c.ID, DeviceID: code.DeviceID, SID: code.SID,
		Scopes: code.Scopes, Audience: code.Audience, Secret: make([]byte, 32),
		Offline:    slices.Contains(s.left.scopes, scopeOffline) && slices.Contains(c.GrantTypes, grantRefresh),
		Generation: 1, RotatedAt: now, Version: 1, CreatedAt: now,
		Session: memory{AuthTime: code.AuthTime, ACR: code.ACR, AMR: code.AMR, Claims: code.Claims}.pack(),
	}
	_, _ = rand.Read(g.Secret) // never fails (crypto/rand)
	g.IdleUntil, g.NotAfter = h.ends(c, g)
	seen, looked, err := h.p.tokenSighting(ctx, r, c)
	if err == nil && looked {
		baseline := devices.BaselineOf(seen)
		g.Baseline = &baseline
	}
	if shown := sightingOf(ctx).Proof.KeyThumbprint; shown != "" {
		if g.Baseline == nil {
			g.Baseline = &devices.Baseline{}
		}
		g.Baseline.KeyThumbprint = shown
	}
	return g, err
}

// ends returns the idle and the absolute end of a new grant.
func (h *codeGrant) ends(c *client, g devices.Grant) (idle, absolute time.Time) {
	if !g.Offline {
		return time.Time{}, g.CreatedAt.Add(lifetime(c.AccessTTL, h.p.Lifetimes.Access))
	}
	return after(g.CreatedAt, lifetime(c.RefreshIdle, h.p.Lifetimes.RefreshIdle)),
		after(g.CreatedAt, lifetime(c.RefreshAbsolute, h.p.Lifetimes.RefreshAbsolute))
}

// after returns the end of a lifetime, or no time for none.
func after(start time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return start.Add(d)
}
