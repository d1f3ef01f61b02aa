package local

import (
	"fmt"
	"testing"
	"time"
)

// The tests here look inside, so that a hundred attempts cost no hashing.

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const home, elsewhere = "192.0.2.0/24", "198.51.100.0/24"

// passed returns how many of so many attempts may go ahead and then fail.
func passed(l *limits, n int, identifier, source func(int) string, now time.Time) (passed int) {
	for i := range n {
		if _, wait := l.attempt(identifier(i), source(i), now); wait == 0 {
			passed++
		}
	}
	return passed
}

func same(s string) func(int) string { return func(int) string { return s } }

func many(s string) func(int) string { return func(i int) string { return fmt.Sprint(s, i) } }

// TestStrangersKeepNobodyOut: many sources guess at ada's password.
func TestStrangersKeepNobodyOut(t *testing.T) {
	l := newLimits()
	a, _ := l.attempt("ada", home, noon)
	a.succeeded()
	if got := passed(l, 40, same("ada"), many("bot"), noon); got != 30 {
		t.Errorf("%d of forty guesses from forty sources pass", got)
	}
	if _, wait := l.attempt("Ada", home, noon); wait != 0 {
		t.Errorf("ada at home has to wait %s", wait)
	}
	if _, wait := l.attempt("ada", elsewhere, noon); wait != 10*time.Second {
		t.Errorf("ada, or another guess, somewhere new: waits %s", wait)
	}
	if _, wait := l.attempt("ada", elsewhere, noon.Add(10*time.Second)); wait != 0 {
		t.Errorf("ada somewhere new, a little later: waits %s", wait)
	}
	if _, wait := l.attempt("bob", elsewhere, noon); wait != 0 {
		t.Errorf("bob, of whom nobody wants anything: waits %s", wait)
	}
}

func TestSprayingIsSlowedDown(t *testing.T) {
	l := newLimits()
	if got := passed(l, 150, many("subject"), same(elsewhere), noon); got != 100 {
		t.Errorf("%d of 150 subjects may be tried", got)
	}
	if got := passed(l, 150, many("subject"), same(elsewhere), noon.Add(5*time.Second)); got != 5 {
		t.Errorf("%d more after five seconds", got)
	}
	if _, wait := l.attempt("ada", home, noon); wait != 0 {
		t.Errorf("another source waits %s", wait)
	}
}

func TestWhatIsRefusedCountsForNothing(t *testing.T) {
	l := newLimits()
	passed(l, 1000, same("ada"), same(elsewhere), noon)
	if got := passed(l, 1000, same("ada"), same(elsewhere), noon.Add(30*time.Second)); got != 1 {
		t.Errorf("after one interval %d pass", got)
	}
	if got := passed(l, 90, many("subject"), same(elsewhere), noon.Add(30*time.Second)); got != 90 {
		t.Errorf("of the source's hundred %d are left", got)
	}
}

func TestForgottenAttemptsCountForNothing(t *testing.T) {
	l := newLimits()
	for range 500 { // a busy office, or a store in trouble
		a, wait := l.attempt("ada", home, noon)
		if wait != 0 {
			t.Fatalf("waits %s", wait)
		}
		a.forget()
	}
	if got := passed(l, 20, same("ada"), same(home), noon); got != 10 {
		t.Errorf("then %d guesses pass", got)
	}
}

// TestClockSetBack: nobody waits for the time that it was.
func TestClockSetBack(t *testing.T) {
	l := newLimits()
	passed(l, 20, same("ada"), same(home), noon.Add(24*time.Hour))
	if _, wait := l.attempt("ada", home, noon); wait > time.Minute {
		t.Errorf("waits %s", wait)
	}
	if got := passed(l, 20, same("ada"), same(home), noon.Add(time.Hour)); got != 10 {
		t.Errorf("an hour later %d pass", got)
	}
}
