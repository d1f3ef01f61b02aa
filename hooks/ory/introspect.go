package ory

import (
	"context"
	"fmt"
)

// Token is what Hydra says of a refresh token.
type Token struct {
	Active                      bool
	Subject, ClientID, DeviceID string
}

// Introspect asks Hydra about a refresh token.
func (c *Client) Introspect(ctx context.Context, token string) (Token, error) {
	if c.HydraAdmin == "" {
		return Token{}, errNoServer
	}
	said, r, err := c.hydra.IntrospectOAuth2Token(ctx).Token(token).Execute()
	if status := answered(r); err != nil {
		return Token{}, fmt.Errorf("introspect at Hydra (status %d): %w", status, err)
	}
	device, _ := said.GetExt()["device_id"].(string)
	return Token{
		Active:  said.GetActive() && said.GetTokenUse() == "refresh_token",
		Subject: said.GetSub(), ClientID: said.GetClientId(), DeviceID: device,
	}, nil
}
