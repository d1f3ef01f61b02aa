package local

import (
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/provider/hashing"
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
		good:       ratelimit.NewKnown(remembered),
	}
}

// attempt is one that may go ahead. It counts as failed until it is forgotten.
type attempt struct {
	limits *limits
	pair   string
	counts []count
	at     time.Time
	known  bool // the pair has succeeded before
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
	identifier = strings.ToLower(strings.ToUpper(identifier)) // as the store folds it
	pair := ratelimit.Key(identifier, source)
	counts := []count{{l.perPair, pair}}
	known := l.good.Has(pair)
	if !known {
		counts = append(counts, count{l.perSource, source}, count{l.perSubject, identifier})
	}
	a := &attempt{limits: l, pair: pair, at: now, known: known}
	var wait time.Duration
	for _, c := range counts {
		if w := c.limiter.Take(c.key, now); w > 0 {
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
