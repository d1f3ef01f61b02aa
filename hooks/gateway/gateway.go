// Package gateway is the reverse proxy before Ory Hydra's public port. It is
// the only place where a token call shows what it looks like.
//
// # Guarantees
//
//   - Whatever is not a token request passes through unchanged, both ways,
//     as it streams.
//   - A refresh whose token is known is judged before Hydra hears of it. If its
//     grant ends before the answer has passed, the client does not get the answer.
//   - A client cannot speak to the token hook: what it writes into the field
//     that Hydra hands on is taken out.
//   - Tokens are kept as keyed hashes only.
//
// # Not here
//
// No judging of its own: see devices. A client that can reach Hydra's port
// around the gateway is not seen; close that port to the world.
package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard/bounded"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/carry"
	"github.com/lanyard-id/lanyard/ratelimit"
)

// Tokens finds grants by the refresh tokens that passed by, by their hashes.
type Tokens interface {
	// HoldingByToken returns the grant of a token, or devices.ErrNotFound. Whole
	// reports that the whole token passed by, not only its signature.
	HoldingByToken(ctx context.Context, t devices.TokenHash) (h devices.Holding, whole bool, err error)
	// TokenSpent reports whether a successor of the token passed by.
	TokenSpent(ctx context.Context, t devices.TokenHash) (bool, error)
	// LearnToken keeps a token that came out of another one. It returns
	// devices.ErrRevoked if their grant has ended by then.
	LearnToken(ctx context.Context, fresh, from devices.TokenHash, at time.Time) error
}

// Config is what a gateway is made of.
type Config struct {
	// Upstream is Hydra's public port.
	Upstream *url.URL
	Tokens   Tokens
	Gate     *devices.Gatekeeper
	Observer *observe.Observer
	Sealer   *carry.Sealer
	// Deadline is within what time a judgment is made.
	Deadline time.Duration
	Now      func() time.Time
	Log      *slog.Logger
	// Transport carries requests to Hydra; nil is one of its own.
	Transport http.RoundTripper
}

// Gateway is the proxy. It is safe for concurrent use.
type Gateway struct {
	Config
	// Streams pass at once, token answers in one piece when they were read.
	streams, tokens *httputil.ReverseProxy
	// unknown counts refresh tokens per network that did not pass by before and
	// that Hydra or its token hook refuses.
	unknown   *ratelimit.Limiter
	newAgents newAgents
}

// New returns a gateway.
func New(c Config) *Gateway {
	// An office behind one address may come back with two hundred expired
	// tokens. Tokens that passed by before are never held up.
	unknown := ratelimit.Rule{Burst: 200, Every: 200 * time.Millisecond}
	g := &Gateway{Config: c, unknown: ratelimit.New(unknown, 1<<14), newAgents: limitNewAgents()}
	if g.Transport == nil {
		g.Transport = &http.Transport{
			MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second, DisableCompression: true,
		}
	}
	g.streams = g.proxy()
	g.streams.FlushInterval = -1
	g.tokens = g.proxy()
	g.tokens.ModifyResponse, g.tokens.BufferPool = g.answered, &buffers{}
	return g
}

func (g *Gateway) proxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: g.Transport, Rewrite: g.rewrite,
		ErrorLog: slog.NewLogLogger(g.Log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				g.Log.WarnContext(r.Context(), "Hydra did not answer", "path", r.URL.Path, "err", err)
			}
			if _, looked := r.Context().Value(passageKey{}).(*passage); looked {
				unavailable(w)
				return
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
}

// buffers lends the space through which answers are copied, in which most of
// them fit: a proxy makes 32 KiB for each otherwise.
type buffers struct{ free sync.Pool }

const bufferSize = 4 << 10

// Get lends a buffer.
func (b *buffers) Get() []byte {
	if lent, ok := b.free.Get().(*[bufferSize]byte); ok {
		return lent[:]
	}
	return make([]byte, bufferSize)
}

// Put takes one back.
func (b *buffers) Put(lent []byte) { b.free.Put((*[bufferSize]byte)(lent)) }

// ServeHTTP looks at token requests and passes everything on.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer bounded.Recover(w, r, g.Log, func(w http.ResponseWriter, _ *http.Request) { unavailable(w) })
	if r.Method == http.MethodPost && asksForToken(r.URL.Path) {
		g.token(w, r)
		return
	}
	g.streams.ServeHTTP(w, r)
}

// rewrite points a request at Hydra. Its headers stay as they came, with the
// peer added to those that the hops before have written.
func (g *Gateway) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.URL.Host = g.Upstream.Scheme, g.Upstream.Host
	p.Out.URL.Path, p.Out.URL.RawPath = p.In.URL.Path, p.In.URL.RawPath
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	p.Out.Host = p.In.Host
	proto := p.In.Header.Get("X-Forwarded-Proto")
	host := p.In.Header.Get("X-Forwarded-Host")
	p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
	p.SetXForwarded()
	if proto != "" {
		p.Out.Header.Set("X-Forwarded-Proto", proto)
	}
	if host != "" {
		p.Out.Header.Set("X-Forwarded-Host", host)
	}
	// Hydra speaks nothing else. What is said in another protocol nobody here
	// would understand.
	p.Out.Header.Del("Upgrade")
	p.Out.Header.Del("Connection")
	if f := p.In.Header["Forwarded"]; len(f) > 0 {
		p.Out.Header["Forwarded"] = f
	}
}
