package api

import (
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/ratelimit"
)

// limits are the limiters of the device API. They count in memory.
type limits struct {
	source func(*http.Request) string
	now    func() time.Time
	// calls of one device of one subject. Generous: an application that shows
	// devices makes a few calls a minute.
	calls *ratelimit.Limiter
	// refused credentials of one source. Good ones from the same source are
	// served all the same.
	refused *ratelimit.Limiter
}

// remembered bounds the keys of each limiter.
const remembered = 1 << 16

func newLimits(source func(*http.Request) string, now func() time.Time) *limits {
	if source == nil {
		source = func(*http.Request) string { return "" }
	}
	return &limits{
		source: source, now: now,
		calls:   ratelimit.New(ratelimit.Rule{Burst: 300, Every: 100 * time.Millisecond}, remembered),
		refused: ratelimit.New(ratelimit.Rule{Burst: 200, Every: 200 * time.Millisecond}, remembered),
	}
}

// called counts a call, and returns rateLimited if the device has made too
// many.
func (l *limits) called(by devices.Actor) error {
	if wait := l.calls.Take(ratelimit.Key(by.Subject, by.DeviceID), l.now()); wait > 0 {
		return rateLimited{wait}
	}
	return nil
}

// refusal counts a refused credential. It returns rateLimited in place of the
// reason if the source has had too many of them.
func (l *limits) refusal(r *http.Request, reason error) error {
	if wait := l.refused.Take(l.source(r), l.now()); wait > 0 {
		return rateLimited{wait}
	}
	return reason
}

// rateLimited is an ErrRateLimited that says when to try again.
type rateLimited struct{ wait time.Duration }

// Error says how long to wait.
func (l rateLimited) Error() string { return ErrRateLimited.Error() + ", wait " + l.wait.String() }

// Is reports whether target is ErrRateLimited.
func (rateLimited) Is(target error) bool { return target == ErrRateLimited }
