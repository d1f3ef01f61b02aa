package provider

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// revoke is POST /oauth2/revoke (RFC 7009). A refresh token ends its grant;
// an access token ends itself and those minted before it. What does not
// verify is answered alike and changes nothing.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	c, raw, err := p.aboutToken(w, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	err = p.revokeToken(r.Context(), c.ID, raw)
	if errors.Is(err, ErrToken) { // there is nothing to revoke (RFC 7009 §2.2)
		err = p.refused(r)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// aboutToken returns the client of a request about a token, and the token.
func (p *Provider) aboutToken(w http.ResponseWriter, r *http.Request) (*client, string, error) {
	if err := p.posted(w, r); err != nil {
		return nil, "", err
	}
	found, err := p.oauth2.AuthenticateClient(r.Context(), r, r.PostForm)
	if err != nil {
		return nil, "", err
	}
	raw := r.PostForm.Get("token")
	if raw == "" {
		return nil, "", fosite.ErrInvalidRequest.WithHint("The token is missing.")
	}
	return found.(*client), raw, nil
}

// revokeToken returns ErrToken if the token does not verify.
func (p *Provider) revokeToken(ctx context.Context, clientID, raw string) error {
	if token, err := tokens.Parse(raw); err == nil && token.Kind() == tokens.KindRefresh {
		holding, err := p.genuine(ctx, token)
		if err != nil {
			return tokenError(err)
		}
		return p.endGrant(ctx, clientID, holding.Grant)
	}
	access, holding, generation, err := p.verifyAccess(ctx, raw)
	if err == nil && access.Grant.ClientID != clientID {
		return errOthers // in force or not, which is not for another client to learn
	}
	if err == nil {
		access, err = p.inForce(access, holding, generation)
	}
	switch {
	case err != nil:
		return tokenError(err)
	case !access.Grant.Offline:
		return p.endGrant(ctx, clientID, access.Grant)
	}
	cut := access.Issued.Add(time.Microsecond)
	if err := p.Storage.Codes.CutTokens(ctx, access.Grant.ID, cut); err != nil {
		return trouble{err}
	}
	return nil
}

// errOthers refuses to revoke another client's token (RFC 7009 §2.1).
var errOthers = fosite.ErrUnauthorizedClient.WithDescription("The token was not issued to this client.")

func (p *Provider) endGrant(ctx context.Context, clientID string, g devices.Grant) error {
	if g.ClientID != clientID {
		return errOthers
	}
	if err := p.registry.RevokeGrant(ctx, g.Subject, g.ID, devices.ReasonClient); err != nil {
		return trouble{err}
	}
	return nil
}
