package resource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/lanyard-id/lanyard/resource/dpop"
)

// Config is what a guard has to know.
type Config struct {
	// Issuer is the server's issuer identifier, exactly as tokens carry it.
	Issuer string
	// Audience is this API among the audiences of tokens; a token without it is
	// refused. Empty: tokens that name no audience are taken, and no others. The
	// issuer tells of a token for an audience only to the client of that name.
	Audience string
	// ClientID and ClientSecret are this API's own client, which asks about
	// tokens. It needs no grant type.
	ClientID, ClientSecret string
	// Offline believes JWTs by their signature until they expire. Others are
	// asked about all the same where there is a client, and refused otherwise.
	Offline bool
	// URL is where clients reach the root of this API, such as
	// https://api.example.com. Proofs of keys are for what they call (RFC 9449
	// §4.3): without it no token that is bound to a key is taken.
	URL string
	// HTTP asks the issuer. Nil: a client that gives up after ten seconds. No
	// redirect is followed with a token.
	HTTP *http.Client
	// Now is the clock. Nil: the system's.
	Now func() time.Time
}

// Guard checks the tokens of requests. It is safe for concurrent use.
type Guard struct {
	config     Config
	keys       *oidc.RemoteKeySet
	introspect string // the endpoint
	asking     http.Client
	seen       replays
}

// Why a request is turned away. Any other error of [Guard.Check] is trouble: a
// token that could not be checked is not a bad one.
var (
	// ErrNoToken: the request has no access token.
	ErrNoToken = errors.New("no access token")
	// ErrRequest: it has more than one, or in the wrong place.
	ErrRequest = errors.New("malformed request")
	// ErrToken: the token is not good here, or not any more.
	ErrToken = errors.New("invalid access token")
	// ErrScope: the token is good and lacks a scope.
	ErrScope = errors.New("insufficient scope")
)

// Discover returns a guard, after asking the issuer for its endpoints (OpenID
// Connect Discovery 1.0).
func Discover(ctx context.Context, c Config) (*Guard, error) {
	if c.ClientID == "" && !c.Offline {
		return nil, errors.New("resource: a ClientID is needed to ask about tokens, or Offline")
	}
	if u, err := url.Parse(c.URL); err != nil || c.URL != "" && (u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		return nil, fmt.Errorf("resource: URL %q must be absolute, without query and fragment", c.URL)
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now //nolint:forbidigo // whoever imports this package has a clock, and need not name it
	}
	issuer, err := oidc.NewProvider(oidc.ClientContext(ctx, c.HTTP), c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("resource: discover %s: %w", c.Issuer, err)
	}
	var endpoints struct {
		Introspection string `json:"introspection_endpoint"`
		Keys          string `json:"jwks_uri"`
	}
	if err := issuer.Claims(&endpoints); err != nil {
		return nil, fmt.Errorf("resource: discover %s: %w", c.Issuer, err)
	}
	// Keys are fetched when they are needed, long after ctx.
	lasting := oidc.ClientContext(context.WithoutCancel(ctx), c.HTTP)
	g := &Guard{
		config: c, introspect: endpoints.Introspection, asking: *c.HTTP,
		keys: oidc.NewRemoteKeySet(lasting, endpoints.Keys),
	}
	// A token is for the issuer's eyes, and for nobody's to whom that leads.
	g.asking.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return g, nil
}

// Token is what an access token stands for.
type Token struct {
	// Subject is the user, or the client where there is none.
	Subject  string
	ClientID string
	// DeviceID is the device that the user signed in on; SID the sign-in. Both
	// are empty for a client of its own.
	DeviceID, SID string
	Scopes        []string
	Audience      []string
	Expires       time.Time
	AuthTime      time.Time // when the user signed in
	ACR           string    // how
	// Key is the thumbprint of the key that the token is bound to, which the
	// request has proved to have (RFC 9449), or empty.
	Key string
}

// Has reports whether the token has a scope.
func (t Token) Has(scope string) bool { return slices.Contains(t.Scopes, scope) }

// Check returns the token of a request that is good for this API. It takes the
// token from the Authorization header only (RFC 6750 §2.1, RFC 9449 §7.1).
// Errors are ErrNoToken, ErrRequest, ErrToken or trouble.
func (g *Guard) Check(r *http.Request) (Token, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return Token{}, ErrRequest
	}
	scheme, raw, _ := strings.Cut(strings.Join(headers, ""), " ")
	raw = strings.TrimSpace(raw)
	bearer, proved := strings.EqualFold(scheme, "Bearer"), strings.EqualFold(scheme, "DPoP")
	if !bearer && !proved || raw == "" {
		return Token{}, ErrNoToken
	}
	t, err := g.find(r.Context(), raw)
	if err != nil {
		return Token{}, err
	}
	if !g.meant(t) || !t.Expires.After(g.config.Now()) || (t.Key != "") != proved {
		return Token{}, ErrToken
	}
	if proved {
		return t, g.proof(r, raw, t.Key)
	}
	return t, nil
}

// find returns what a token stands for, by whichever way is the right one.
func (g *Guard) find(ctx context.Context, raw string) (Token, error) {
	switch {
	case g.config.Offline && strings.Count(raw, ".") == 2:
		return g.offline(ctx, raw)
	case g.config.ClientID == "":
		return Token{}, ErrToken
	default:
		return g.ask(ctx, raw)
	}
}

// meant reports whether a token is for this API. One that names no audience is
// for the issuer (RFC 9068 §3).
func (g *Guard) meant(t Token) bool {
	for_, audience := g.config.Audience, t.Audience
	if for_ == "" {
		for_ = g.config.Issuer
	}
	if len(audience) == 0 {
		audience = []string{g.config.Issuer}
	}
	return slices.Contains(audience, for_)
}

// proof refuses a request that does not prove, for the first time, to have the
// key of its token.
func (g *Guard) proof(r *http.Request, raw, key string) error {
	if g.config.URL == "" {
		return ErrToken
	}
	now := g.config.Now()
	shown, err := dpop.Check(r, strings.TrimSuffix(g.config.URL, "/")+r.URL.EscapedPath(), raw, now)
	if err != nil || shown.Thumbprint != key || !g.seen.once(shown, now) {
		return ErrToken
	}
	return nil
}
