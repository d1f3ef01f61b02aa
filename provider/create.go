package provider

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/provider/oauth"
)

// CreateClient adds a complete client to a store and returns it with its
// secret. It is what the command line uses.
func CreateClient(ctx context.Context, store Clients, c oauth.Client, now time.Time) (oauth.Client, error) {
	if c.Secret == "" && (c.AuthMethod == methodBasic || c.AuthMethod == methodPost) {
		c.Secret = NewSecret()
	}
	if err := ValidateClient(c); err != nil {
		return oauth.Client{}, err
	}
	c.Version, c.CreatedAt, c.UpdatedAt = 1, now, now
	return keptWith(c, func(c oauth.Client) error { return store.CreateClient(ctx, c) })
}

// ErrChanged: somebody else changed the client meanwhile.
var ErrChanged = errors.New("the client was changed meanwhile")

// ReplaceClient puts a client in the place of one, which keeps its ID and,
// where no other is given, its secret. It returns it with the secret that is
// new, if one is. Running servers follow within seconds. Errors are
// devices.ErrInvalid, [ErrChanged] or trouble.
func ReplaceClient(ctx context.Context, store Clients, before, c oauth.Client, now time.Time) (oauth.Client, error) {
	c.ID, c.Version, c.CreatedAt, c.SecretHash = before.ID, before.Version, before.CreatedAt, before.SecretHash
	c.UpdatedAt = now
	c = CompleteClient(c, nil)
	if c.Public() || c.AuthMethod == methodAssertion {
		c.SecretHash = ""
	} else if c.Secret == "" && c.SecretHash == "" {
		c.Secret = NewSecret() // it had none before
	}
	if err := ValidateClient(c); err != nil {
		return oauth.Client{}, err
	}
	return keptWith(c, func(c oauth.Client) error {
		updated, err := store.UpdateClient(ctx, c)
		if err == nil && !updated {
			return ErrChanged
		}
		return err
	})
}

// keptWith keeps a client with the hash of its new secret, if it has one, and
// returns it with the secret.
func keptWith(c oauth.Client, keep func(oauth.Client) error) (oauth.Client, error) {
	shown := c.Secret
	if shown != "" {
		var err error
		if c.SecretHash, err = HashSecret(shown); err != nil {
			return oauth.Client{}, err
		}
	}
	c.Secret = ""
	if err := keep(c); err != nil {
		return oauth.Client{}, err
	}
	c.Secret = shown
	return c, nil
}

// CompleteClient returns the client with Hydra's defaults filled in. A client that
// signs nobody in has no scope by default.
func CompleteClient(c oauth.Client, newID func() string) oauth.Client {
	if c.ID == "" {
		c.ID = newID()
	}
	if c.AuthMethod == "" {
		c.AuthMethod = methodBasic
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{grantCode}
	}
	if len(c.ResponseType) == 0 && slices.Contains(c.GrantTypes, grantCode) {
		c.ResponseType = []string{"code"}
	}
	if c.Scope == "" && slices.Contains(c.GrantTypes, grantCode) { // a machine signs nobody in
		c.Scope = "openid offline_access"
	}
	return c
}
