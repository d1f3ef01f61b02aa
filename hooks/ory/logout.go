package ory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// ErrNotAsked: no client asked for the logout. Any page can send a browser to
// Hydra's logout; one that shows no ID token of the session proves nothing.
var ErrNotAsked = errors.New("logout that no client asked for")

// Logout grants a client the logout that it asks for, and returns where the
// browser goes on. Any other is turned down: ErrNotAsked.
func (c *Client) Logout(ctx context.Context, challenge string) (string, error) {
	q, r, err := c.hydra.GetOAuth2LogoutRequest(ctx).LogoutChallenge(challenge).Execute()
	switch status := answered(r); {
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusBadRequest:
		return "", fmt.Errorf("read a logout request at Hydra (status %d): %w", status, ErrChallenge)
	case err != nil:
		return "", fmt.Errorf("read a logout request at Hydra (status %d): %w", status, err)
	}
	if !q.GetRpInitiated() {
		r, err := c.hydra.RejectOAuth2LogoutRequest(ctx).LogoutChallenge(challenge).Execute()
		if status := answered(r); err != nil {
			return "", fmt.Errorf("turn a logout request down at Hydra (status %d): %w", status, err)
		}
		return "", ErrNotAsked
	}
	to, r, err := c.hydra.AcceptOAuth2LogoutRequest(ctx).LogoutChallenge(challenge).Execute()
	if status := answered(r); err != nil {
		return "", fmt.Errorf("grant a logout request at Hydra (status %d): %w", status, err)
	}
	return to.GetRedirectTo(), nil
}
