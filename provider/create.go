package provider

import (
	"context"
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
	shown := c.Secret
	if c.Secret != "" {
		var err error
		if c.SecretHash, err = HashSecret(c.Secret); err != nil {
			return oauth.Client{}, err
		}
	}
	c.Secret, c.Version, c.CreatedAt, c.UpdatedAt = "", 1, now, now
	if err := store.CreateClient(ctx, c); err != nil {
		return oauth.Client{}, err
	}
	c.Secret = shown
	return c, nil
}

// CompleteClient returns the client with Hydra's defaults filled in.
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
	if c.Scope == "" {
		c.Scope = "openid offline_access"
	}
	return c
}
