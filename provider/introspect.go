package provider

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// introspect is POST /oauth2/introspect (RFC 7662) for clients that
// authenticate. A refresh token is inactive to every client but its own, and
// so is an access token with an audience that does not name the caller.
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	c, raw, err := p.aboutToken(w, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if c.Public() {
		p.fail(w, r, fosite.ErrInvalidClient.WithHint("Introspection needs a client that authenticates."))
		return
	}
	state, err := p.Introspect(r.Context(), raw)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	meant := len(state.Audience) == 0 || slices.Contains(state.Audience, c.ID)
	if state.ClientID != c.ID && (state.TokenUse != useAccess || !meant) {
		state = Introspection{}
	}
	writeJSON(w, http.StatusOK, state)
}

// The kinds of tokens, in Hydra's words.
const (
	useAccess  = "access_token"
	useRefresh = "refresh_token"
)

// Introspection is the state of a token (RFC 7662 §2.2), with the device it
// is bound to. A dead token has no other member than active.
type Introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Expires   int64    `json:"exp,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	TokenUse  string   `json:"token_use,omitempty"` // access_token or refresh_token
	DeviceID  string   `json:"device_id,omitempty"`
	SID       string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	// Confirmation names the key that the token is bound to (RFC 9449 §6.2).
	Confirmation *Confirmation `json:"cnf,omitempty"`
}

// Confirmation is the key that a token is bound to, by its RFC 7638
// thumbprint.
type Confirmation struct {
	Thumbprint string `json:"jkt"`
}

// Introspect returns the state of any token of this server. Errors are
// trouble only.
func (p *Provider) Introspect(ctx context.Context, raw string) (Introspection, error) {
	if token, err := tokens.Parse(raw); err == nil && token.Kind() == tokens.KindRefresh {
		return p.introspectRefresh(ctx, token)
	}
	access, err := p.Verify(ctx, raw)
	switch {
	case errors.Is(err, ErrToken):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, err
	}
	state := p.introspection(access)
	state.TokenType, state.TokenUse = "Bearer", useAccess
	if state.Confirmation != nil {
		state.TokenType = "DPoP"
	}
	return state, nil
}

// introspectRefresh calls only the token in force active: a spent one is
// good for a retry at most, and only at the token endpoint.
func (p *Provider) introspectRefresh(ctx context.Context, token tokens.Token) (Introspection, error) {
	holding, err := p.genuine(ctx, token)
	if err != nil {
		if tokenError(err) == ErrToken { //nolint:errorlint // because tokenError returns the sentinel itself
			return Introspection{}, nil
		}
		return Introspection{}, err
	}
	g := holding.Grant
	if !g.Live(p.Now()) || token.Generation() != g.Generation || holding.SubjectDisabled ||
		holding.Device != nil && !holding.Device.Live() {
		return Introspection{}, nil
	}
	c, err := p.clients.get(ctx, g.ClientID)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, trouble{err}
	}
	left, err := c.renews(g, "")
	if err != nil {
		return Introspection{}, nil
	}
	state := p.introspection(Access{
		Grant: g, Scopes: left.scopes, Audience: left.audience,
		Issued: g.RotatedAt, Expires: sooner(g.IdleUntil, g.NotAfter),
	})
	state.TokenUse = useRefresh
	return state, nil
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (p *Provider) introspection(a Access) Introspection {
	g, past := a.Grant, remember(a.Grant)
	state := Introspection{
		Active: true, Scope: strings.Join(a.Scopes, " "), ClientID: g.ClientID, Subject: g.Subject,
		Issuer: p.Issuer, Audience: a.Audience, IssuedAt: a.Issued.Unix(),
		DeviceID: g.DeviceID, SID: g.SID, ACR: past.ACR,
	}
	if !a.Expires.IsZero() {
		state.Expires = a.Expires.Unix()
	}
	if !past.AuthTime.IsZero() {
		state.AuthTime = past.AuthTime.Unix()
	}
	if key := boundKey(g); key != "" {
		state.Confirmation = &Confirmation{key}
	}
	if g.Subject == "" {
		state.Subject = g.ClientID
	}
	return state
}
