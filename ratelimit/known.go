package ratelimit

import "sync"

// Known is a set of the most recently used keys, such as the credentials that
// have succeeded before. It keeps digests, not the keys. Make one with
// [NewKnown]; its methods are safe for concurrent use.
type Known struct {
	mu   sync.Mutex
	keys *Recent[digest, struct{}]
}

// NewKnown returns an empty set of at most that many keys. It forgets the
// least recently used ones first.
func NewKnown(keys int) *Known {
	return &Known{keys: NewRecent[digest, struct{}](keys)}
}

// Add puts a key into the set.
func (k *Known) Add(key string) {
	sum := digestOf(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys.Put(sum, struct{}{})
}

// Has reports whether a key is in the set and marks the key as used.
func (k *Known) Has(key string) bool {
	sum := digestOf(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.keys.Get(sum)
	return ok
}
