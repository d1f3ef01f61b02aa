package local

import (
	"crypto/sha256"
	"strings"
	"sync"
	"time"
)

// rule lets so many attempts through at once, then one every so often.
type rule struct {
	burst int
	every time.Duration
}

// wait returns how long to wait with an attempt. full is when the rule would
// next let the whole burst through; it moves on by one interval per attempt
// (the generic cell rate algorithm, ITU-T I.371).
func (r rule) wait(full, now time.Time) time.Duration {
	return max(0, r.within(full, now).Sub(now)-time.Duration(r.burst-1)*r.every)
}

// next returns full after one more attempt.
func (r rule) next(full, now time.Time) time.Time { return r.within(full, now).Add(r.every) }

// within returns full where it can be so. One that is long past is no news, and
// one far beyond a spent burst is of a time before the clock was set back.
func (r rule) within(full, now time.Time) time.Time {
	if full.Before(now) || full.After(now.Add(2*time.Duration(r.burst)*r.every)) {
		return now
	}
	return full
}

// remembered is how many counts, and how many pairs that have succeeded, are
// remembered. What is forgotten starts afresh.
const remembered = 1 << 16

// limits counts attempts that fail.
type limits struct {
	// perPair: somebody somewhere guessing one subject's password.
	perPair rule
	// perSubject: many somewheres guessing one subject's password. Loose, or
	// they could keep the subject out.
	perSubject rule
	// perSource: one somewhere trying a password on many subjects. Loose, for
	// a whole office may sit behind a prefix.
	perSource rule

	mu   sync.Mutex
	full *recent[[32]byte, time.Time]
	good *recent[[32]byte, struct{}] // pairs that have succeeded
}

func newLimits() *limits {
	return &limits{
		perPair:    rule{10, 30 * time.Second},
		perSubject: rule{30, 10 * time.Second},
		perSource:  rule{100, time.Second},
		full:       newRecent[[32]byte, time.Time](remembered),
		good:       newRecent[[32]byte, struct{}](remembered),
	}
}

// attempt is one that may go ahead. It counts as failed until it is forgotten.
type attempt struct {
	limits *limits
	pair   [32]byte
	counts []count
}

// count is what an attempt is counted under, and by which rule.
type count struct {
	under [32]byte
	rule  rule
}

// attempt counts an attempt under every rule, or says how long to wait and
// counts nothing. It counts before it is known to fail, so that many at once
// are as many. Subjects who have succeeded from that source before are not
// kept out by what others do in their name from elsewhere, nor by what others
// do from the same source: behind one prefix there may be a whole town.
func (l *limits) attempt(identifier, source string, now time.Time) (*attempt, time.Duration) {
	identifier = strings.ToLower(strings.ToUpper(identifier)) // as the store folds it
	pair := digest("pair", identifier, source)
	a := &attempt{l, pair, []count{{pair, l.perPair}}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, good := l.good.get(pair); !good {
		a.counts = append(a.counts,
			count{digest("source", source), l.perSource}, count{digest("subject", identifier), l.perSubject})
	}
	var wait time.Duration
	for _, c := range a.counts {
		full, _ := l.full.get(c.under)
		wait = max(wait, c.rule.wait(full, now))
	}
	if wait > 0 {
		return nil, wait
	}
	for _, c := range a.counts {
		full, _ := l.full.get(c.under)
		l.full.put(c.under, c.rule.next(full, now))
	}
	return a, 0
}

// forget makes the attempt count for nothing.
func (a *attempt) forget() {
	a.limits.mu.Lock()
	defer a.limits.mu.Unlock()
	for _, c := range a.counts {
		if full, ok := a.limits.full.get(c.under); ok {
			a.limits.full.put(c.under, full.Add(-c.rule.every))
		}
	}
}

// succeeded makes the attempt count for nothing and remembers where it was
// made.
func (a *attempt) succeeded() {
	a.forget()
	a.limits.mu.Lock()
	defer a.limits.mu.Unlock()
	a.limits.good.put(a.pair, struct{}{})
}

// digest is as short for a long identifier as for any, and says nothing about
// whose it is.
func digest(parts ...string) [32]byte {
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}
