package local

import "testing"

// TestRecent looks inside: nothing outside shows that memory is bounded.
func TestRecent(t *testing.T) {
	r := newRecent[int, string](2)
	r.put(1, "one")
	r.put(2, "two")
	if got, ok := r.get(1); !ok || got != "one" {
		t.Errorf("1 is %q, %t", got, ok)
	}
	r.put(3, "three") // 2 was unused for longest
	if _, ok := r.get(2); ok {
		t.Error("2 is still there")
	}
	r.put(1, "uno")
	r.put(4, "four")
	if got, ok := r.get(1); !ok || got != "uno" {
		t.Errorf("1 is %q, %t", got, ok)
	}
	if len(r.items) != 2 || r.order.Len() != 2 {
		t.Errorf("%d items, %d in order", len(r.items), r.order.Len())
	}
}
