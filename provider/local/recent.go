package local

import "container/list"

// recent is a map of the most recently used keys. It is not safe for use at
// once.
type recent[K comparable, V any] struct {
	most  int
	items map[K]*list.Element
	order *list.List // of pair, the most recent first
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, items: map[K]*list.Element{}, order: list.New()}
}

// get returns a value, which is thereby used.
func (r *recent[K, V]) get(key K) (value V, ok bool) {
	item, ok := r.items[key]
	if !ok {
		return value, false
	}
	r.order.MoveToFront(item)
	return item.Value.(pair[K, V]).value, true
}

// put keeps a value, and drops the one unused for longest when there are too
// many.
func (r *recent[K, V]) put(key K, value V) {
	if item, ok := r.items[key]; ok {
		item.Value = pair[K, V]{key, value}
		r.order.MoveToFront(item)
		return
	}
	r.items[key] = r.order.PushFront(pair[K, V]{key, value})
	if r.order.Len() > r.most {
		oldest := r.order.Back()
		delete(r.items, r.order.Remove(oldest).(pair[K, V]).key)
	}
}
