package provider

import (
	"encoding/json"
	"slices"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
)

// remainder is the part of a grant that its client is still registered for.
type remainder struct{ scopes, audience []string }

// The refusals of a grant that its client is not registered for any more. None
// of them is invalid_grant: a client throws its tokens away on that, and a
// mistake in a registration must not sign its users out.
var (
	errScopesLost  = fosite.ErrInvalidScope.WithHint("The client is no longer registered for the scopes of this grant.")
	errOfflineLost = fosite.ErrInvalidScope.WithHint("The client is no longer registered for offline_access.")
	errTargetLost  = errTarget.WithHint("The client is no longer registered for the audience of this grant.")
)

// remaining returns what is left of scopes and of an audience under the
// client's registration of now. It is an error if nothing is left of either: a
// token without an audience would be good for more than one with it.
func (c *client) remaining(scopes, audience []string) (remainder, error) {
	left := remainder{scopes: common(scopes, c.GetScopes()), audience: common(audience, c.Audience)}
	switch {
	case len(left.scopes) == 0 && len(scopes) > 0:
		return remainder{}, errScopesLost
	case len(left.audience) == 0 && len(audience) > 0:
		return remainder{}, errTargetLost
	}
	return left, nil
}

// common returns the members of list that are allowed, in the order of list.
func common(list, allowed []string) []string {
	if covers(allowed, list) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(allowed, s) })
}

// holds returns an error if the client's registration of now rules out every
// token of a grant. shown is the thumbprint of the key that the request proves
// possession of, if any.
func (c *client) holds(g devices.Grant, shown string) error {
	types := []string{grantCode, grantRefresh} // those that act for a user
	if g.Subject == "" {
		types = []string{grantCredentials}
	}
	switch {
	case len(common(types, c.GrantTypes)) == 0:
		return fosite.ErrUnauthorizedClient
	case !c.keyRequired() || boundKey(g) != "":
		return nil
	case shown == "":
		return errProof
	default:
		return errRefused // a key comes into a grant with its code
	}
}

// renews returns what is left of a grant to refresh. Besides the checks of
// holds and remaining, the client must be registered for offline access.
func (c *client) renews(g devices.Grant, shown string) (remainder, error) {
	if !slices.Contains(c.GrantTypes, grantRefresh) {
		return remainder{}, fosite.ErrUnauthorizedClient
	}
	if err := c.holds(g, shown); err != nil {
		return remainder{}, err
	}
	left, err := c.remaining(g.Scopes, g.Audience)
	if err == nil && !covers(left.scopes, common([]string{scopeOffline}, g.Scopes)) {
		return remainder{}, errOfflineLost
	}
	return left, err
}

// claimsFor returns the claims that a grant was asked to release in a place,
// id_token or userinfo (OIDC Core §5.5), as far as the client's scopes of now
// let it have them.
func (c *client) claimsFor(g devices.Grant, place string) json.RawMessage {
	requested := remember(g).Claims
	if len(requested) == 0 {
		return nil
	}
	return section(permitted(requested, c.GetScopes()), place)
}
