package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// Access is a valid access token and the grant it hangs on. Its scopes and its
// audience are those that its client is still registered for.
type Access struct {
	Grant    devices.Grant
	Scopes   []string
	Audience []string
	Issued   time.Time
	Expires  time.Time
	client   *client
}

// Actor returns who acts with the token, and through which device.
func (a Access) Actor() devices.Actor {
	return devices.Actor{
		Subject: a.Grant.Subject, DeviceID: a.Grant.DeviceID, AuthTime: remember(a.Grant).AuthTime,
		By: devices.Credential{GrantID: a.Grant.ID},
	}
}

// ErrToken says that an access token is not, or no longer, good.
var ErrToken = errors.New("invalid access token")

// Verify returns what an access token stands for, or ErrToken. It reads the
// grant with its device and subject, opaque token or not, so that an ended
// device is refused from the moment it was ended; the error then is
// devices.ErrRevoked too. The client's registration counts as it is now, or was
// five seconds ago. Other errors are trouble.
func (p *Provider) Verify(ctx context.Context, raw string) (Access, error) {
	a, err := p.issued(ctx, raw)
	if err != nil {
		return Access{}, err
	}
	c, err := p.clients.get(ctx, a.Grant.ClientID)
	switch {
	case errors.Is(err, devices.ErrNotFound): // deleted, and its grants with it
		return Access{}, ErrToken
	case err != nil:
		return Access{}, trouble{err}
	case c.holds(a.Grant, "") != nil:
		return Access{}, ErrToken
	}
	left, err := c.remaining(a.Scopes, a.Audience)
	if err != nil {
		return Access{}, ErrToken
	}
	a.client, a.Scopes, a.Audience = c, left.scopes, left.audience
	return a, nil
}

// issued returns a token as it was issued, if it is good, whatever its client
// is registered for now.
func (p *Provider) issued(ctx context.Context, raw string) (Access, error) {
	a, holding, generation, err := p.verifyAccess(ctx, raw)
	if err != nil {
		return Access{}, err
	}
	return p.inForce(a, holding, generation)
}

// verifyAccess returns a token of this server, in force or not, with its grant
// and generation.
func (p *Provider) verifyAccess(ctx context.Context, raw string) (Access, devices.Holding, int64, error) {
	verify := p.verifyOpaque
	if strings.Count(raw, ".") == 2 {
		verify = p.verifyJWT
	}
	a, holding, generation, err := verify(ctx, raw)
	a.Grant = holding.Grant
	return a, holding, generation, err
}

// inForce returns a token that verifies, or ErrToken if it is not good any more.
func (p *Provider) inForce(a Access, holding devices.Holding, generation int64) (Access, error) {
	g, now := holding.Grant, p.Now()
	switch {
	case holding.Device != nil && !holding.Device.Live():
		return Access{}, fmt.Errorf("%w: %w", ErrToken, devices.ErrRevoked)
	case !now.Before(a.Expires), !g.Live(now), generation > g.Generation,
		generation > g.Parent && generation < g.Generation, // a burnt successor's
		a.Issued.Before(g.TokensNotBefore), holding.SubjectDisabled:
		return Access{}, ErrToken
	}
	return a, nil
}

func (p *Provider) verifyOpaque(ctx context.Context, raw string) (Access, devices.Holding, int64, error) {
	token, err := tokens.Parse(raw)
	if err != nil || token.Kind() != tokens.KindAccess {
		return Access{}, devices.Holding{}, 0, ErrToken
	}
	holding, err := p.genuine(ctx, token)
	if err != nil {
		return Access{}, devices.Holding{}, 0, tokenError(err)
	}
	scopes := slices.Clone(holding.Grant.Scopes)
	for i := len(scopes) - 1; i >= 0; i-- {
		if i < tokens.MaxWithheld && token.Withheld()&(1<<i) != 0 {
			scopes = slices.Delete(scopes, i, i+1)
		}
	}
	a := Access{
		Scopes: scopes, Audience: holding.Grant.Audience, Issued: token.Issued(), Expires: token.Expires(),
	}
	return a, holding, token.Generation(), nil
}

// tokenError keeps trouble and calls everything else ErrToken.
func tokenError(err error) error {
	var t trouble
	if errors.As(err, &t) {
		return err
	}
	return ErrToken
}

func (p *Provider) verifyJWT(ctx context.Context, raw string) (Access, devices.Holding, int64, error) {
	var claims struct {
		Issuer   string       `json:"iss"`
		ID       string       `json:"jti"`
		Scope    string       `json:"scope"`
		Audience jwt.Audience `json:"aud"`
		Expires  int64        `json:"exp"`
	}
	fail := func(err error) (Access, devices.Holding, int64, error) {
		return Access{}, devices.Holding{}, 0, err
	}
	err := p.Keys.VerifyJWT(ctx, raw, "at+jwt", signingAlgs(), &claims)
	switch {
	case err == nil && claims.Issuer != p.Issuer, errors.Is(err, keyring.ErrBadJWT):
		return fail(ErrToken)
	case err != nil:
		return fail(trouble{err})
	}
	parts := strings.Split(claims.ID, ".")
	if len(parts) != 3 {
		return fail(ErrToken)
	}
	generation, err1 := strconv.ParseInt(parts[1], 10, 64)
	issued, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil {
		return fail(ErrToken)
	}
	holding, err := p.Gate.Grants.Holding(ctx, parts[0])
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return fail(ErrToken)
	case err != nil:
		return fail(trouble{err})
	}
	a := Access{
		Scopes: strings.Fields(claims.Scope), Audience: common(holding.Grant.Audience, claims.Audience),
		Issued: time.UnixMicro(issued), Expires: time.Unix(claims.Expires, 0),
	}
	return a, holding, generation, nil
}

// ErrNoToken says that a request came without an access token.
var ErrNoToken = errors.New("no access token")

// Present returns what the access token of a request stands for. It is in the
// header, or in a posted form, and not in both (RFC 6750 §2); a token that is
// bound to a key comes with a proof of it and is no bearer token (RFC 9449
// §7). endpoint is the path that a proof must be made for. Errors are
// ErrNoToken, ErrToken, a malformed request or trouble.
func (p *Provider) Present(r *http.Request, endpoint string) (Access, error) {
	header := r.Header.Values("Authorization")
	inForm := r.PostForm.Get("access_token")
	switch {
	case len(header) > 1, len(header) == 1 && inForm != "":
		return Access{}, fosite.ErrInvalidRequest.WithHint("The request has two access tokens.")
	case len(header) == 0 && inForm == "":
		return Access{}, ErrNoToken
	case len(header) == 0:
		return p.bearer(r.Context(), inForm)
	}
	scheme, raw, _ := strings.Cut(header[0], " ")
	raw = strings.TrimSpace(raw)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return p.bearer(r.Context(), raw)
	case strings.EqualFold(scheme, "DPoP"):
		return p.proved(r, endpoint, raw)
	default:
		return Access{}, ErrNoToken
	}
}

func (p *Provider) bearer(ctx context.Context, raw string) (Access, error) {
	access, err := p.Verify(ctx, raw)
	if err == nil && boundKey(access.Grant) != "" {
		return Access{}, ErrToken
	}
	return access, err
}

func (p *Provider) proved(r *http.Request, endpoint, raw string) (Access, error) {
	access, err := p.Verify(r.Context(), raw)
	if err != nil {
		return Access{}, err
	}
	shown, err := p.proof(r, endpoint, raw)
	if err != nil || shown.Thumbprint == "" || shown.Thumbprint != boundKey(access.Grant) {
		return Access{}, ErrToken
	}
	if err := p.once(r.Context(), shown); err != nil {
		return Access{}, tokenError(err)
	}
	return access, nil
}

// section returns a member of a claims request (OIDC Core §5.5).
func section(request json.RawMessage, name string) json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(request, &members) // what does not parse asks for nothing
	return members[name]
}
