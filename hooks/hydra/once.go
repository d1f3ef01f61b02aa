package hydra

import (
	"sync"
	"time"
)

// once remembers which contexts have been relied on, for one to two seconds: a
// judgment of the gateway counts no longer than that. Its zero value is ready,
// and safe for concurrent use.
type once struct {
	mu           sync.Mutex
	used, before map[string]struct{}
	since        time.Time
}

// first reports whether an ID comes for the first time.
func (o *once) first(id string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if age := now.Sub(o.since); o.used == nil || age < 0 || age >= time.Second {
		o.used, o.before, o.since = map[string]struct{}{}, o.used, now
	}
	_, is := o.used[id]
	_, was := o.before[id]
	o.used[id] = struct{}{}
	return !is && !was
}
