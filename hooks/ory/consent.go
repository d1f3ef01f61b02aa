package ory

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	client "github.com/ory/client-go"
)

// Consent is a consent request of Hydra's.
type Consent struct {
	Challenge, Subject, ClientID string
	// SID is the login session that it is part of.
	SID              string
	Scopes, Audience []string
	// Request is the URL of the authorization request.
	Request string
	// FirstParty says that the client is the operator's own: it skips consent,
	// or its metadata says first_party.
	FirstParty bool
}

// ErrChallenge: the challenge is unknown, used or expired.
var ErrChallenge = errors.New("challenge not acceptable")

// Login is a login request of Hydra's.
type Login struct {
	// Request is the URL of the authorization request, without the parameters
	// of its body.
	Request string
	// SID is the login session. Hydra makes a new one if it is not skipped.
	SID string
	// Skip says that Hydra's session of the browser stands for the sign-in.
	Skip bool
	// Subject is whose session that is, empty if it is not skipped.
	Subject string
}

// LoginRequest reads a login request.
func (c *Client) LoginRequest(ctx context.Context, challenge string) (Login, error) {
	q, r, err := c.hydra.GetOAuth2LoginRequest(ctx).LoginChallenge(challenge).Execute()
	switch status := answered(r); {
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusBadRequest:
		return Login{}, fmt.Errorf("read a login request at Hydra (status %d): %w", status, ErrChallenge)
	case err != nil:
		return Login{}, fmt.Errorf("read a login request at Hydra (status %d): %w", status, err)
	}
	return Login{Request: q.GetRequestUrl(), SID: q.GetSessionId(), Skip: q.GetSkip(), Subject: q.GetSubject()}, nil
}

// Consent reads a consent request.
func (c *Client) Consent(ctx context.Context, challenge string) (Consent, error) {
	q, r, err := c.hydra.GetOAuth2ConsentRequest(ctx).ConsentChallenge(challenge).Execute()
	switch status := answered(r); {
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusBadRequest:
		return Consent{}, fmt.Errorf("read a consent request at Hydra (status %d): %w", status, ErrChallenge)
	case err != nil:
		return Consent{}, fmt.Errorf("read a consent request at Hydra (status %d): %w", status, err)
	}
	asks := q.GetClient()
	own := asks.GetSkipConsent() || q.GetSkip() || asks.GetMetadata()["first_party"] == true
	return Consent{
		Challenge: challenge, Subject: q.GetSubject(), ClientID: asks.GetClientId(), SID: q.GetLoginSessionId(),
		Scopes: q.GetRequestedScope(), Audience: q.GetRequestedAccessTokenAudience(), FirstParty: own,
		Request: q.GetRequestUrl(),
	}, nil
}

// Accept gives all that a consent request asks for, on a device, and returns
// where the browser goes on.
func (c *Client) Accept(ctx context.Context, q Consent, deviceID string) (string, error) {
	on := map[string]any{"device_id": deviceID}
	accept := *client.NewAcceptOAuth2ConsentRequest()
	accept.SetGrantScope(q.Scopes)
	accept.SetGrantAccessTokenAudience(q.Audience)
	accept.SetSession(client.AcceptOAuth2ConsentRequestSession{AccessToken: on, IdToken: on})
	to, r, err := c.hydra.AcceptOAuth2ConsentRequest(ctx).ConsentChallenge(q.Challenge).
		AcceptOAuth2ConsentRequest(accept).Execute()
	if status := answered(r); err != nil {
		return "", fmt.Errorf("accept a consent request at Hydra (status %d): %w", status, err)
	}
	return to.GetRedirectTo(), nil
}

// Reject turns a consent request down, and returns where the browser goes on.
func (c *Client) Reject(ctx context.Context, challenge, code, description string) (string, error) {
	no := *client.NewRejectOAuth2Request()
	no.SetError(code)
	no.SetErrorDescription(description)
	no.SetStatusCode(http.StatusForbidden)
	to, r, err := c.hydra.RejectOAuth2ConsentRequest(ctx).ConsentChallenge(challenge).RejectOAuth2Request(no).Execute()
	if status := answered(r); err != nil {
		return "", fmt.Errorf("reject a consent request at Hydra (status %d): %w", status, err)
	}
	return to.GetRedirectTo(), nil
}
