package accesskey

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard/ratelimit"
)

// Config is what a [Guard] is made of.
type Config struct {
	Keys []string
	// Source returns the network that a request comes from, behind a proxy
	// that of the client. Nil takes the address of the peer.
	Source func(*http.Request) string
	// Failed is called for each wrong key with the kind of the key. Nil counts
	// nothing.
	Failed func(kind string)
	Now    func() time.Time
	Log    *slog.Logger // nil logs nothing
}

// Guard verifies keys, and limits, counts and logs wrong ones per source. Make
// one with [New]; its methods are safe for concurrent use.
type Guard struct {
	config  Config // without the keys themselves
	keys    Keys
	allowed *ratelimit.Limiter // wrong keys per source
	lines   *ratelimit.Limiter // of the log, for all sources

	mu     sync.Mutex
	failed *ratelimit.Recent[string, uint64] // how often, per source
}

// maxSources is how many sources are remembered.
const maxSources = 10_000

// New returns a guard. It allows each source 20 wrong keys at once and one more
// every three seconds.
func New(c Config) *Guard {
	if c.Source == nil {
		c.Source = func(r *http.Request) string {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			return host
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	keys := NewKeys(c.Keys...)
	c.Keys = nil
	return &Guard{
		config: c, keys: keys,
		allowed: ratelimit.New(ratelimit.Rule{Burst: 20, Every: 3 * time.Second}, maxSources),
		lines:   ratelimit.New(ratelimit.Rule{Burst: 100, Every: 10 * time.Second}, 1),
		failed:  ratelimit.NewRecent[string, uint64](maxSources),
	}
}

// Any reports whether any keys are configured. A nil guard has none.
func (g *Guard) Any() bool { return g != nil && len(g.keys) > 0 }

// Derive returns a secret for a purpose that changes with the keys.
func (g *Guard) Derive(purpose string) [sha256.Size]byte { return g.keys.Derive(purpose) }

// ErrWrong says that a key is none of the configured ones.
var ErrWrong = errors.New("wrong key")

// TooMany says that a source sent too many wrong keys. It is ErrWrong.
type TooMany struct{ Wait time.Duration }

// Error says how long to wait.
func (t TooMany) Error() string { return "too many wrong keys, wait " + t.Wait.String() }

// Unwrap returns ErrWrong.
func (TooMany) Unwrap() error { return ErrWrong }

// RetryAfter is the value of the Retry-After header: whole seconds, one at
// least.
func (t TooMany) RetryAfter() string {
	return strconv.FormatInt(max(1, int64((t.Wait+time.Second-1)/time.Second)), 10)
}

// Check returns nil for one of the keys, whoever sends it. For another it
// returns ErrWrong, or TooMany if the request's source sent too many. The kind
// of the key, such as "hook", is for counting.
func (g *Guard) Check(r *http.Request, kind, sent string) error {
	switch {
	case g == nil:
		return ErrWrong
	case g.keys.Has(sent):
		return nil
	}
	if g.config.Failed != nil {
		g.config.Failed(kind)
	}
	source, now := g.config.Source(r), g.config.Now()
	times := g.count(source)
	if wait := g.allowed.Take(source, now); wait > 0 {
		return TooMany{wait}
	}
	// The first of a source, and then each time that they have doubled: a
	// mistake in a configuration shows, and strangers do not fill the log.
	if times&(times-1) == 0 && g.lines.Take("", now) == 0 {
		g.log(r.Context(), kind, source, times)
	}
	return ErrWrong
}

func (g *Guard) log(ctx context.Context, kind, source string, times uint64) {
	g.config.Log.WarnContext(ctx, "a request came without a right key", "key", kind, "source", source, "times", times)
}

// count returns how many wrong keys a source has sent, this one included.
func (g *Guard) count(source string) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	times, _ := g.failed.Get(source)
	g.failed.Put(source, times+1)
	return times + 1
}
