package provider

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/ratelimit"
)

// Limits are the rules of what strangers and broken programs may repeat. They
// bound refusals and what one grant does, so that a shared address with
// thousands of people behind it is not slowed down by its size. A zero Rule
// allows all.
type Limits struct {
	// WrongSecrets limits wrong chosen secrets of one client from one source,
	// each of which costs an argon2id run.
	WrongSecrets ratelimit.Rule
	// Refusals limits refused tokens, codes and client credentials of one
	// source. Good ones from the same source are served all the same.
	Refusals ratelimit.Rule
	// Refreshes limits the refreshes of one grant.
	Refreshes ratelimit.Rule
}

// DefaultLimits returns the rules in force where [Config] has none.
func DefaultLimits() Limits {
	return Limits{
		WrongSecrets: ratelimit.Rule{Burst: 20, Every: 5 * time.Second},
		Refusals:     ratelimit.Rule{Burst: 200, Every: 200 * time.Millisecond},
		Refreshes:    ratelimit.Rule{Burst: 150, Every: time.Second},
	}
}

// remembered bounds the keys of each limiter.
const remembered = 1 << 16

// limits are the limiters of the endpoints that programs call. They count in
// memory: a request costs no further statement.
type limits struct{ refused, refreshes *ratelimit.Limiter }

func newLimits(rules Limits) limits {
	return limits{
		refused:   ratelimit.New(rules.Refusals, remembered),
		refreshes: ratelimit.New(rules.Refreshes, remembered),
	}
}

// tooMany is answered with 429 and Retry-After (RFC 6585 §4). It is no verdict
// on a token: clients keep theirs and try again. It outlives fosite's
// wrapping.
type tooMany struct{ wait time.Duration }

// Error says how long to wait.
func (t tooMany) Error() string { return "too many requests, wait " + t.wait.String() }

// refused counts a refusal, and returns tooMany if the source has had too many
// of them.
func (p *Provider) refused(r *http.Request) error {
	if wait := p.limits.refused.Take(p.source(r), p.Now()); wait > 0 {
		return tooMany{wait}
	}
	return nil
}

// limited returns what is answered to a request that failed: the error, or
// tooMany if it is one refusal too many.
func (p *Provider) limited(r *http.Request, err error) error {
	refusal := errors.Is(err, ErrToken)
	switch oauthError(err).ErrorField {
	case "invalid_client", "invalid_grant":
		refusal = true
	}
	if refusal {
		if many := p.refused(r); many != nil {
			return many
		}
	}
	return err
}

// source returns the network that a request comes from, as limits count it.
func (p *Provider) source(r *http.Request) string {
	return devices.Network{Addr: p.Observer.ClientAddr(r)}.Prefix().String()
}

// callerKey finds in a context the client and the source of a request.
type callerKey struct{}

func callerOf(ctx context.Context) string {
	from, _ := ctx.Value(callerKey{}).(string)
	return from
}
