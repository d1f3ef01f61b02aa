package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// refreshGrant is the refresh token grant (RFC 6749 §6): the main job.
type refreshGrant struct{ p *Provider }

// CanSkipClientAuth reports false: every client says who it is.
func (*refreshGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest reports whether the request is for this grant.
func (*refreshGrant) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(grantRefresh)
}

// HandleTokenEndpointRequest reads the grant that the token names, verifies
// the whole token against it, and then whose it is. Nothing that fails here
// changes anything: a stranger has no kill switch.
func (h *refreshGrant) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if c := r.GetClient().(*client); !slices.Contains(c.GrantTypes, grantRefresh) {
		return fosite.ErrUnauthorizedClient
	}
	raw := r.GetRequestForm().Get("refresh_token")
	if raw == "" {
		return fosite.ErrInvalidRequest.WithHint("The refresh_token is missing.")
	}
	token, err := tokens.Parse(raw)
	if err != nil || token.Kind() != tokens.KindRefresh {
		return errRefused
	}
	holding, err := h.p.Gate.Holding(ctx, token.GrantID(), token.Generation())
	left, err := h.stands(ctx, r, token, holding, err)
	if err != nil && holding.Remembered { // what was remembered refuses nobody
		holding, err = h.p.Gate.Grants.Holding(ctx, token.GrantID())
		left, err = h.stands(ctx, r, token, holding, err)
	}
	if err != nil {
		return err
	}
	if wait := h.p.limits.refreshes.Take(holding.Grant.ID, h.p.Now()); wait > 0 {
		return tooMany{wait}
	}
	s := r.GetSession().(*pending)
	s.holding, s.generation, s.left = holding, token.Generation(), left
	return nil
}

// stands returns the scopes and the audience to answer with, if the token is
// genuine and the client's own, and if its grant lives and has them.
func (h *refreshGrant) stands(
	ctx context.Context, r fosite.AccessRequester, token tokens.Token, holding devices.Holding, err error,
) (remainder, error) {
	c, g := r.GetClient().(*client), holding.Grant
	if err := h.p.verified(ctx, token, holding, err); err != nil {
		return remainder{}, err
	}
	// Whether the grant still stands goes before what is asked of it.
	if g.ClientID != c.ID || !g.Live(h.p.Now()) {
		return remainder{}, errRefused
	}
	left, err := c.renews(g, sightingOf(ctx).Proof.KeyThumbprint)
	if err != nil {
		return remainder{}, err
	}
	if err := aimed(r.GetRequestForm(), left.audience); err != nil {
		return remainder{}, err
	}
	asked, err := narrowed(g.Scopes, r.GetRequestedScopes())
	if err != nil {
		return remainder{}, err
	}
	if _, err := withheld(g.Scopes, asked); err != nil && c.AccessToken != "jwt" {
		return remainder{}, err
	}
	if left.scopes = common(asked, left.scopes); len(left.scopes) == 0 && len(asked) > 0 {
		return remainder{}, errScopesLost
	}
	return left, nil
}

// genuine reads the grant of a token and verifies the token's MAC against it.
func (p *Provider) genuine(ctx context.Context, token tokens.Token) (devices.Holding, error) {
	found, err := p.Gate.Grants.Holding(ctx, token.GrantID())
	return found, p.verified(ctx, token, found, err)
}

// verified returns nil where the MAC verifies against the grant that was found
// by the token, if one was.
func (p *Provider) verified(ctx context.Context, token tokens.Token, found devices.Holding, err error) error {
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return errRefused
	case err != nil:
		return trouble{err}
	}
	err = p.codec.Verify(ctx, token, found.Grant.Secret)
	switch {
	case errors.Is(err, tokens.ErrForged):
		return errRefused
	case err != nil:
		return trouble{err}
	}
	return nil
}

// narrowed returns the scopes to answer with: what was asked, if it is no
// more than was granted (RFC 6749 §6), else all that was granted.
func narrowed(granted []string, asked fosite.Arguments) ([]string, error) {
	if len(asked) == 0 {
		return granted, nil
	}
	if !covers(granted, asked) {
		return nil, fosite.ErrInvalidScope.WithHint("The scope goes beyond what was granted.")
	}
	return slices.DeleteFunc(slices.Clone(granted), func(s string) bool { return !asked.Has(s) }), nil
}

// PopulateTokenEndpointResponse judges who came with the token, moves the
// grant on, and mints from it.
func (h *refreshGrant) PopulateTokenEndpointResponse(
	ctx context.Context, r fosite.AccessRequester, answer fosite.AccessResponder,
) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	c, s := r.GetClient().(*client), r.GetSession().(*pending)
	seen, _, err := h.p.tokenSighting(ctx, r, c)
	if err != nil {
		return err
	}
	told, err := h.p.tell(ctx, c, s.holding.Grant)
	if err != nil {
		return err
	}
	if err := h.p.unchanged(ctx, c); err != nil {
		return err
	}
	admission, err := h.p.Gate.Admit(ctx, devices.Presented{
		Holding: s.holding, Generation: s.generation, Binding: c.BindingInForce(), Sighting: seen,
		IdleFor: lifetime(c.RefreshIdle, h.p.Lifetimes.RefreshIdle),
		Rotates: c.RefreshMode != modeConstrained,
	})
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return errRefused
	case err != nil:
		return trouble{err}
	}
	if err := admission.Verdict.Err(); err != nil {
		return err
	}
	return h.p.mint(ctx, minting{grant: admission.Grant, client: c, remainder: s.left, told: told}, answer)
}

// modeConstrained is the refresh mode without rotation (FAPI 2.0 §5.3.2.1).
const modeConstrained = "sender_constrained"

// tokenSighting returns the sighting that a token call is compared by, and
// reports whether it says anything of the user's device.
func (p *Provider) tokenSighting(
	ctx context.Context, r fosite.AccessRequester, c *client,
) (devices.Sighting, bool, error) {
	seen := sightingOf(ctx)
	switch c.BindingInForce() {
	case devices.BindingObserved, devices.BindingDPoP:
		return seen, true, nil
	case devices.BindingForwarded:
		return p.forwarded(seen, r.GetRequestForm().Get("device_context"))
	case devices.BindingDeviceStatus:
		return seen, false, nil
	default:
		return seen, false, nil
	}
}

// deviceContext is what an authenticated client passes on of its user: the
// headers and the address it saw.
type deviceContext struct {
	IP      string            `json:"ip"`
	Headers map[string]string `json:"headers"`
}

// maxContext bounds a device_context, in bytes.
const maxContext = 8 << 10

// forwarded reads the device_context parameter. Its absence is could-not-look.
func (p *Provider) forwarded(seen devices.Sighting, raw string) (devices.Sighting, bool, error) {
	key := devices.Proof{KeyThumbprint: seen.Proof.KeyThumbprint}
	blind := devices.Sighting{At: seen.At, Entrance: seen.Entrance, Proof: key}
	if raw == "" {
		return blind, false, nil
	}
	var passed deviceContext
	if len(raw) > maxContext || json.Unmarshal([]byte(raw), &passed) != nil {
		return blind, false, fosite.ErrInvalidRequest.WithHint(
			"device_context is a JSON object with the members ip, a text, and headers, an object of texts.")
	}
	addr, err := netip.ParseAddr(passed.IP)
	if passed.IP != "" && err != nil {
		return blind, false, fosite.ErrInvalidRequest.WithHint("The ip of device_context is no address.")
	}
	headers := http.Header{}
	for name, value := range passed.Headers {
		headers.Set(name, value)
	}
	told := p.Observer.ObserveHeaders(headers, addr, seen.Entrance)
	told.At, told.Proof = seen.At, key
	return told, true, nil
}
