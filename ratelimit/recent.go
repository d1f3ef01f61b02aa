package ratelimit

import "container/list"

// Recent is a map of the most recently used keys. Make one with [NewRecent].
// It is not safe for concurrent use.
type Recent[K comparable, V any] struct {
	most  int
	items map[K]*list.Element
	order *list.List // of entry, the most recently used first
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// NewRecent returns an empty map of at most that many keys.
func NewRecent[K comparable, V any](most int) *Recent[K, V] {
	return &Recent[K, V]{most: most, items: map[K]*list.Element{}, order: list.New()}
}

// Get returns the value of a key and marks the key as used.
func (r *Recent[K, V]) Get(key K) (value V, ok bool) {
	item, ok := r.items[key]
	if !ok {
		return value, false
	}
	r.order.MoveToFront(item)
	return item.Value.(entry[K, V]).value, true
}

// Put sets the value of a key and marks the key as used. If the map holds too
// many keys, it drops the least recently used one.
func (r *Recent[K, V]) Put(key K, value V) {
	if item, ok := r.items[key]; ok {
		item.Value = entry[K, V]{key, value}
		r.order.MoveToFront(item)
		return
	}
	r.items[key] = r.order.PushFront(entry[K, V]{key, value})
	if r.order.Len() > r.most {
		delete(r.items, r.order.Remove(r.order.Back()).(entry[K, V]).key)
	}
}
