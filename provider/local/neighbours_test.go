package local

import "testing"

// TestNeighboursKeepNobodyOut: somebody behind the same prefix tries passwords
// on everybody.
func TestNeighboursKeepNobodyOut(t *testing.T) {
	l := newLimits()
	a, _ := l.attempt("ada", home, noon)
	a.succeeded()
	if got := passed(l, 500, many("subject"), same(home), noon); got != 100 {
		t.Errorf("%d of 500 subjects may be tried", got)
	}
	if _, wait := l.attempt("bob", home, noon); wait == 0 {
		t.Error("bob, who never signed in there, need not wait")
	}
	if got := passed(l, 50, same("ada"), same(home), noon); got != 10 {
		t.Errorf("%d attempts as ada, who did, may go ahead", got)
	}
}
