package provider

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/bounded"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/provider/tokens"
	"github.com/lanyard-id/lanyard/seal"
)

// Lifetimes are how long things last, where the client does not say.
type Lifetimes struct {
	Access          time.Duration
	ID              time.Duration
	Code            time.Duration
	RefreshIdle     time.Duration // 0: no idle end
	RefreshAbsolute time.Duration // 0: no absolute end
	SignInIdle      time.Duration
	SignInAbsolute  time.Duration
}

// DefaultLifetimes returns the contract's defaults.
func DefaultLifetimes() Lifetimes {
	return Lifetimes{
		Access: 10 * time.Minute, ID: 10 * time.Minute, Code: time.Minute,
		RefreshIdle: 720 * time.Hour, RefreshAbsolute: 2160 * time.Hour,
		SignInIdle: 24 * time.Hour, SignInAbsolute: 720 * time.Hour,
	}
}

// Pages draws a named page: login, consent, logout, error or notice.
type Pages interface {
	Render(w http.ResponseWriter, r *http.Request, status int, page string, data any)
}

// Identity knows the subjects and what may be said of them.
type Identity interface {
	// Authenticate returns the user, or an error that [Provider] shows as a
	// wrong password, except for trouble. source is the network that the attempt
	// comes from; cookies are the hashes of the device cookies that came with it.
	Authenticate(ctx context.Context, identifier, password, source string, cookies ...[]byte) (oauth.User, error)
	// Claims returns the claims that the scopes and the claims request
	// (OIDC Core §5.4, §5.5) let the client have.
	Claims(ctx context.Context, subject string, scopes []string, requested json.RawMessage) (map[string]any, error)
}

// Storage is everything the provider keeps besides devices.
type Storage struct {
	Clients    Clients
	Codes      Codes
	SignIns    SignIns
	Consents   Consents
	Assertions Assertions
}

// Config is what a [Provider] is made of.
type Config struct {
	Issuer    string // exact, as tokens and metadata show it
	Lifetimes Lifetimes
	Storage   Storage
	Gate      *devices.Gatekeeper
	Observer  *observe.Observer
	Identity  Identity
	Keys      *keyring.Keyring
	Sealer    *seal.Sealer
	Pages     Pages
	// Hashing bounds the comparisons of client secrets, best together with
	// those of passwords. Default: a pool of its own.
	Hashing *hashing.Pool
	// Limits are [DefaultLimits] if nil.
	Limits *Limits
	// Deadline is how long a request may take. Past it, it is answered with 503
	// and Retry-After, whatever the store is doing. Default 10 seconds.
	Deadline time.Duration
	Now      func() time.Time
	NewID    func() string
	Log      *slog.Logger
}

// deadline is what Config.Deadline is by default: less than clients and
// proxies wait, more than a database that recovers takes.
const deadline = 10 * time.Second

// Provider serves the endpoints. Make one with [New].
type Provider struct {
	Config
	oauth2   *fosite.Fosite
	clients  *clientCache
	codec    tokens.Codec
	registry *devices.Registry
	base     *url.URL
	secure   bool // the issuer is https
	guard    *http.CrossOriginProtection
	limits   limits
}

func (c *Config) defaults() {
	if c.Deadline <= 0 {
		c.Deadline = deadline
	}
	if c.Hashing == nil {
		c.Hashing = hashing.New(0)
	}
	if c.Limits == nil {
		rules := DefaultLimits()
		c.Limits = &rules
	}
}

// New returns a provider. The issuer must be an absolute URL.
func New(c Config) (*Provider, error) {
	base, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, err
	}
	c.defaults()
	p := &Provider{
		Config: c, base: base, secure: base.Scheme == "https",
		clients:  newClientCache(c.Storage.Clients, c.Now),
		codec:    tokens.Codec{Keys: c.Keys},
		registry: c.Gate.Registry,
		guard:    http.NewCrossOriginProtection(),
		limits:   newLimits(*c.Limits),
	}
	// A proxy may call this host otherwise than browsers do.
	if err := p.guard.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
		return nil, err
	}
	p.guard.SetDenyHandler(http.HandlerFunc(p.failForeign))
	p.oauth2 = p.newFosite()
	return p, nil
}

// Mount names every route of the room, in one place.
func (p *Provider) Mount(mux *http.ServeMux) {
	handle := func(pattern string, h http.Handler) { mux.Handle(pattern, p.timely(h)) }
	page := func(h http.HandlerFunc) http.Handler { return p.guard.Handler(h) }

	handle("GET /.well-known/openid-configuration", anyOrigin(p.discovery))
	handle("GET /.well-known/oauth-authorization-server", anyOrigin(p.discovery))
	handle("GET /.well-known/jwks.json", anyOrigin(p.jwks))
	handle("/oauth2/token", anyOrigin(p.token))
	handle("/oauth2/revoke", anyOrigin(p.revoke))
	handle("/oauth2/introspect", http.HandlerFunc(p.introspect))
	handle("/userinfo", anyOrigin(p.userinfo))
	// Another site may post an authorization request (OIDC Core §3.1.2.1):
	// it decides nothing, so it is not guarded. Nor is asking to log out,
	// which a page of ours then asks to confirm.
	handle("GET /oauth2/auth", http.HandlerFunc(p.authorize))
	handle("POST /oauth2/auth", http.HandlerFunc(p.authorize))
	handle("GET "+resumeEndpoint, http.HandlerFunc(p.resume))
	handle("GET /oauth2/sessions/logout", http.HandlerFunc(p.logout))
	handle("POST /oauth2/sessions/logout", http.HandlerFunc(p.logout))
	handle("POST /oauth2/sessions/logout/confirm", page(p.confirmLogout))
	handle("GET /login", page(p.showLogin))
	handle("POST /login", page(p.login))
	handle("GET /consent", page(p.showConsent))
	handle("POST /consent", page(p.consent))
}

// timely ends what a request does at its deadline. A store that is too slow is
// one in trouble: the request is answered as such, and lets go of its turn.
func (p *Provider) timely(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bounded.Time(p.Deadline, h).ServeHTTP(w, r)
	})
}

// URL returns the absolute URL of an endpoint.
func (p *Provider) URL(endpoint string) string {
	return strings.TrimSuffix(p.Issuer, "/") + endpoint
}

// anyOrigin lets browser applications of any origin call an endpoint that
// reads no cookie (RFC 10017). Credentials are
// not allowed across origins.
func anyOrigin(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
			w.Header().Set("Access-Control-Max-Age", "3600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h(w, r)
	})
}
