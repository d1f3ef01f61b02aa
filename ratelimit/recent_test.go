package ratelimit

import "testing"

// This test reads unexported fields: no method shows that memory is bounded.
func TestRecent(t *testing.T) {
	r := NewRecent[int, string](2)
	r.Put(1, "one")
	r.Put(2, "two")
	if got, ok := r.Get(1); !ok || got != "one" {
		t.Errorf("1 is %q, %t", got, ok)
	}
	r.Put(3, "three") // 2 is the least recently used
	if _, ok := r.Get(2); ok {
		t.Error("2 is still there")
	}
	r.Put(1, "uno")
	r.Put(4, "four")
	if got, ok := r.Get(1); !ok || got != "uno" {
		t.Errorf("1 is %q, %t", got, ok)
	}
	if len(r.items) != 2 || r.order.Len() != 2 {
		t.Errorf("%d items, %d in order", len(r.items), r.order.Len())
	}
}
