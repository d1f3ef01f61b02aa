package provider

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// minting is what tokens are minted from: the grant's row, and the request.
type minting struct {
	grant  devices.Grant
	client *client
	remainder
	nonce string
	told  map[string]any // of the subject, see tell
}

// tell returns what the claims parameter asks to be told of the subject in the
// ID token (OIDC Core §5.5). It is asked for before anything is written: what
// fails then can be tried again.
func (p *Provider) tell(ctx context.Context, c *client, g devices.Grant) (map[string]any, error) {
	asked := c.claimsFor(g, "id_token")
	if len(asked) == 0 {
		return nil, nil
	}
	told, err := p.Identity.Claims(ctx, g.Subject, nil, asked)
	if err != nil {
		return nil, trouble{err}
	}
	return told, nil
}

// mint answers with tokens of the grant as it stands. They are derived from
// the row and its last rotation, so that the same request is answered alike.
func (p *Provider) mint(ctx context.Context, m minting, answer fosite.AccessResponder) error {
	access, expires, err := p.accessToken(ctx, m)
	if err != nil {
		return err
	}
	answer.SetAccessToken(access)
	answer.SetTokenType("bearer")
	if boundKey(m.grant) != "" {
		answer.SetTokenType("DPoP")
	}
	answer.SetExpiresIn(max(expires.Sub(p.Now()), time.Second))
	answer.SetScopes(m.scopes)
	if m.grant.DeviceID != "" {
		answer.SetExtra("device_id", m.grant.DeviceID)
		answer.SetExtra("sid", m.grant.SID)
	}
	if m.grant.Offline {
		refresh, err := p.codec.Refresh(m.grant, m.grant.Generation)
		if err != nil {
			return trouble{err}
		}
		answer.SetExtra("refresh_token", refresh.Reveal())
	}
	if !slices.Contains(m.scopes, scopeOpenID) {
		return nil
	}
	id, err := p.idToken(ctx, m, access)
	if err != nil {
		return trouble{err}
	}
	answer.SetExtra("id_token", id)
	return nil
}

func (p *Provider) accessToken(ctx context.Context, m minting) (string, time.Time, error) {
	g, issued := m.grant, m.grant.RotatedAt
	if issued.Before(g.TokensNotBefore) { // cut by a server whose clock is ahead
		issued = g.TokensNotBefore
	}
	ttl := lifetime(m.client.AccessTTL, p.Lifetimes.Access)
	if !g.NotAfter.IsZero() {
		ttl = min(ttl, max(g.NotAfter.Sub(issued), time.Second))
	}
	expires := issued.Add(ttl)
	if m.client.AccessToken == "jwt" {
		token, err := p.Keys.SignJWT(ctx, m.client.signingAlg(), "at+jwt", p.accessClaims(m, issued, expires))
		return token, expires, err
	}
	// A scope too far back for the token to be without is one that the client
	// lost: where the token is shown, that is seen again.
	withheld, _ := withheld(g.Scopes, m.scopes)
	token, err := p.codec.Access(g, issued, ttl, withheld)
	return token.Reveal(), expires, err
}

// withheld returns the scopes of the grant that a token does not have, one
// bit each in the grant's order, and an error if some are too far back for that.
func withheld(granted, minted []string) (uint32, error) {
	var bits uint32
	var err error
	for i, scope := range granted {
		switch {
		case slices.Contains(minted, scope):
		case i >= tokens.MaxWithheld:
			err = fosite.ErrInvalidScope.WithHint("The grant has too many scopes to be narrowed.")
		default:
			bits |= 1 << i
		}
	}
	return bits, err
}

// accessClaims are those of RFC 9068 §2.2, and the device.
func (p *Provider) accessClaims(m minting, issued, expires time.Time) map[string]any {
	g, past := m.grant, remember(m.grant)
	claims := map[string]any{
		"iss": p.Issuer, "sub": g.Subject, "client_id": g.ClientID, "aud": m.audience,
		"iat": issued.Unix(), "exp": expires.Unix(), "scope": strings.Join(m.scopes, " "),
		"jti": fmt.Sprintf("%s.%d.%d", g.ID, g.Generation, issued.UnixMicro()),
	}
	if key := boundKey(g); key != "" {
		claims["cnf"] = map[string]string{"jkt": key}
	}
	if len(m.audience) == 0 {
		claims["aud"] = []string{p.Issuer}
	}
	if g.Subject == "" {
		claims["sub"] = g.ClientID
		return claims
	}
	claims["device_id"], claims["sid"] = g.DeviceID, g.SID
	claims["auth_time"], claims["acr"], claims["amr"] = past.AuthTime.Unix(), past.ACR, past.AMR
	return claims
}

// boundKey returns the thumbprint that the grant's tokens are bound to, or
// nothing.
func boundKey(g devices.Grant) string {
	if g.Baseline == nil {
		return ""
	}
	return g.Baseline.KeyThumbprint
}

// signingAlgs returns the algorithms that this server signs with.
func signingAlgs() []string { return []string{"ES256", "RS256"} }

// signingAlg returns what the client's tokens are signed with.
func (c *client) signingAlg() string {
	if c.IDTokenAlg != "" {
		return c.IDTokenAlg
	}
	return "ES256"
}

// idToken returns an ID token (OIDC Core §2, §12.2): fresh claims each time,
// with the time of the original sign-in. It carries no profile: that is at
// the userinfo endpoint.
func (p *Provider) idToken(ctx context.Context, m minting, access string) (string, error) {
	g, past := m.grant, remember(m.grant)
	issued := g.RotatedAt
	claims := map[string]any{
		"iss": p.Issuer, "sub": g.Subject, "aud": []string{g.ClientID}, "azp": g.ClientID,
		"iat": issued.Unix(), "exp": issued.Add(lifetime(m.client.IDTTL, p.Lifetimes.ID)).Unix(),
		"auth_time": past.AuthTime.Unix(), "acr": past.ACR, "amr": past.AMR,
		"sid": g.SID, "device_id": g.DeviceID, "at_hash": halfHash(access),
	}
	if m.nonce != "" {
		claims["nonce"] = m.nonce
	}
	for name, value := range m.told {
		if _, taken := claims[name]; !taken {
			claims[name] = value
		}
	}
	return p.Keys.SignJWT(ctx, m.client.signingAlg(), "JWT", claims)
}

// halfHash is the left half of the SHA-256 of a token (OIDC Core §3.1.3.6).
func halfHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
