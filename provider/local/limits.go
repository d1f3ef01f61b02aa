package local

import (
	"time"

	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/ratelimit"
)

// remembered is how many counts of each rule, and how many pairs that have
// succeeded, are remembered. What is forgotten starts afresh.
const remembered = 1 << 16

// limits counts sign-in attempts that fail.
type limits struct {
	// perPair: guesses at one subject's password from one source.
	perPair *ratelimit.Limiter
	// perSubject: guesses at one subject's password from many sources. Loose,
	// or strangers could keep the subject out.
	perSubject *ratelimit.Limiter
	// perSource: one password tried on many subjects from one source. Loose,
	// because a whole office may share a prefix.
	perSource *ratelimit.Limiter
	// perDevice: guesses at one subject's password from a browser that holds
	// the cookie of one of the subject's devices.
	perDevice *ratelimit.Limiter
	// good are the pairs that have succeeded.
	good *ratelimit.Known
}

func newLimits() *limits {
	limiter := func(burst int, every time.Duration) *ratelimit.Limiter {
		return ratelimit.New(ratelimit.Rule{Burst: burst, Every: every}, remembered)
	}
	return &limits{
		perPair:    limiter(10, 30*time.Second),
		perSubject: limiter(30, 10*time.Second),
		perSource:  limiter(100, time.Second),
		perDevice:  limiter(10, 30*time.Second),
		good:       ratelimit.NewKnown(remembered),
	}
}

// attempt is one that may go ahead. It counts as failed until it is forgotten.
type attempt struct {
	limits *limits
	pair   string
	counts []count
	at     time.Time
	known  bool // the pair has succeeded before, or a device speaks for it
}

// count is what an attempt is counted under, and by which rule.
type count struct {
	limiter *ratelimit.Limiter
	key     string
}

// attempt counts an attempt under every rule, or returns how long to wait and
// counts nothing. It counts before the attempt is known to fail, so that
// concurrent guesses are all counted. Subjects who have succeeded from that
// source before are not kept out by what others do in their name from other
// sources, nor by what others do from the same source: a whole town may share
// one prefix.
func (l *limits) attempt(identifier, source string, now time.Time) (*attempt, time.Duration) {
	identifier = oauth.Fold(identifier)
	pair := ratelimit.Key(identifier, source)
	counts := []count{{l.perPair, pair}}
	known := l.good.Has(pair)
	if !known {
		counts = append(counts, count{l.perSource, source}, count{l.perSubject, identifier})
	}
	return l.take(&attempt{limits: l, pair: pair, at: now, known: known}, counts)
}

// fromDevice is attempt for a browser that holds the cookie of one of the
// subject's devices. What strangers try in the subject's name, or from the same
// source, does not count; a copied cookie is good for a few guesses only.
func (l *limits) fromDevice(identifier, source, deviceID string, now time.Time) (*attempt, time.Duration) {
	a := &attempt{limits: l, pair: ratelimit.Key(oauth.Fold(identifier), source), at: now, known: true}
	return l.take(a, []count{{l.perDevice, deviceID}})
}

// take counts an attempt, or returns how long to wait and counts nothing.
func (*limits) take(a *attempt, counts []count) (*attempt, time.Duration) {
	var wait time.Duration
	for _, c := range counts {
		if w := c.limiter.Take(c.key, a.at); w > 0 {
			wait = max(wait, w)
			continue
		}
		a.counts = append(a.counts, c)
	}
	if wait > 0 {
		a.forget()
		return nil, wait
	}
	return a, 0
}

// lane returns the lane in which the attempt's password is compared.
func (a *attempt) lane() hashing.Lane {
	if a.known {
		return hashing.Known
	}
	return hashing.Unknown
}

// forget makes the attempt count for nothing.
func (a *attempt) forget() {
	for _, c := range a.counts {
		c.limiter.Return(c.key, a.at)
	}
}

// succeeded makes the attempt count for nothing and remembers its pair.
func (a *attempt) succeeded() {
	a.forget()
	a.limits.good.Add(a.pair)
}
