package ratelimit

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rule allows Burst requests at once and one more per Every after that. A Rule
// whose Every is zero allows all of them.
type Rule struct {
	Burst int
	Every time.Duration
}

// wait returns how long a request has to wait. full is when the rule would
// next allow the whole burst; each request moves it by one interval (the
// generic cell rate algorithm, ITU-T I.371).
func (r Rule) wait(full, now time.Time) time.Duration {
	return max(0, r.within(full, now).Sub(now)-time.Duration(r.Burst-1)*r.Every)
}

// next returns full after one more request.
func (r Rule) next(full, now time.Time) time.Time { return r.within(full, now).Add(r.Every) }

// within returns full if it is possible, else now. A time in the past means
// that nothing was counted recently. A time far beyond a spent burst was
// counted before the clock was set back.
func (r Rule) within(full, now time.Time) time.Time {
	if full.Before(now) || full.After(now.Add(2*time.Duration(r.Burst)*r.Every)) {
		return now
	}
	return full
}

// Limiter applies a [Rule] to each key. It remembers the most recently used
// keys; a forgotten key starts with a full burst. It keeps digests, not the
// keys. Make one with [New]; its methods are safe for concurrent use.
type Limiter struct {
	rule Rule
	mu   sync.Mutex
	full *Recent[digest, time.Time]
}

// New returns a limiter that remembers that many keys, each in about 200
// bytes.
func New(rule Rule, keys int) *Limiter {
	return &Limiter{rule: rule, full: NewRecent[digest, time.Time](keys)}
}

// Take counts a request and returns 0. If the rule refuses the request, Take
// counts nothing and returns how long to wait.
func (l *Limiter) Take(key string, now time.Time) time.Duration {
	sum := digestOf(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	full, _ := l.full.Get(sum)
	wait := l.rule.wait(full, now)
	if wait == 0 {
		l.full.Put(sum, l.rule.next(full, now))
	}
	return wait
}

// Wait returns what [Limiter.Take] would return, and counts nothing.
func (l *Limiter) Wait(key string, now time.Time) time.Duration {
	sum := digestOf(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	full, _ := l.full.Get(sum)
	return l.rule.wait(full, now)
}

// Return undoes one [Limiter.Take], for a request that turned out to cost or
// to prove nothing.
func (l *Limiter) Return(key string, now time.Time) {
	sum := digestOf(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if full, ok := l.full.Get(sum); ok && full.After(now) {
		l.full.Put(sum, full.Add(-l.rule.Every))
	}
}

// digest stands for a key. All digests have one length, however long a key a
// stranger sends, and do not show whose key it is.
type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// Key joins parts to one key. Different parts make different keys.
func Key(parts ...string) string {
	var key strings.Builder
	for _, part := range parts {
		key.WriteString(strconv.Itoa(len(part)))
		key.WriteByte(':')
		key.WriteString(part)
	}
	return key.String()
}
