package provider

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// LocalIdentity returns an identity whose subjects' passwords are kept here.
func LocalIdentity(a *local.Authenticator) Identity { return localIdentity{a} }

type localIdentity struct{ local *local.Authenticator }

// Authenticate returns the user, ErrWrongPassword, SlowDown or trouble.
func (i localIdentity) Authenticate(
	ctx context.Context, identifier, password, source string, cookies ...[]byte,
) (oauth.User, error) {
	user, err := i.local.Authenticate(ctx, identifier, password, source, cookies...)
	var slow local.SlowDown
	switch {
	case errors.As(err, &slow):
		return oauth.User{}, SlowDown{slow.RetryAfter}
	case errors.Is(err, local.ErrBusy):
		return oauth.User{}, SlowDown{hashing.RetryAfter}
	case errors.Is(err, local.ErrWrong):
		return oauth.User{}, errors.Join(ErrWrongPassword, err)
	case err != nil:
		return oauth.User{}, trouble{err}
	}
	return user, nil
}

// Claims returns what may be said of the subject. One who is gone has no
// claims.
func (i localIdentity) Claims(
	ctx context.Context, subject string, scopes []string, requested json.RawMessage,
) (map[string]any, error) {
	claims, err := i.local.Claims(ctx, subject, scopes, requested)
	if errors.Is(err, devices.ErrNotFound) {
		return map[string]any{}, nil
	}
	return claims, err
}

// called returns what the subject is called on pages: their name or address,
// else the subject itself. The page matters more than the name.
func (p *Provider) called(ctx context.Context, subject string) string {
	claims, err := p.Identity.Claims(ctx, subject, []string{"profile", "email"}, nil)
	if err != nil {
		return subject
	}
	for _, name := range []string{"name", "preferred_username", "email"} {
		if text, ok := claims[name].(string); ok && devices.Plain(text) != "" {
			return devices.Plain(text)
		}
	}
	return subject
}
