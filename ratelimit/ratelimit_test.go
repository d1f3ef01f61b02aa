package ratelimit_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/ratelimit"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// taken returns how many of n requests are allowed.
func taken(l *ratelimit.Limiter, n int, key string, now time.Time) (allowed int) {
	for range n {
		if l.Take(key, now) == 0 {
			allowed++
		}
	}
	return allowed
}

func TestTake(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 10, Every: 30 * time.Second}, 100)
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 10}, {29 * time.Second, 0}, {30 * time.Second, 1}, {90 * time.Second, 2}, {time.Hour, 10}} {
		if got := taken(l, 20, "a", noon.Add(tt.after)); got != tt.want {
			t.Errorf("after %s: %d of 20 are allowed, want %d", tt.after, got, tt.want)
		}
	}
	if got := taken(l, 20, "b", noon); got != 10 {
		t.Errorf("another key: %d of 20 are allowed", got)
	}
}

func TestRefusedRequestsAreToldWhenToRetry(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 2, Every: 10 * time.Second}, 100)
	taken(l, 1000, "a", noon)
	for _, ask := range []func(string, time.Time) time.Duration{l.Take, l.Wait} {
		if got := ask("a", noon.Add(3*time.Second)); got != 7*time.Second {
			t.Errorf("wait %s, want 7s", got)
		}
	}
	if got := l.Take("a", noon.Add(10*time.Second)); got != 0 {
		t.Errorf("after the wait: %s more", got)
	}
}

func TestWaitCountsNothing(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 1, Every: time.Second}, 100)
	for range 10 {
		if got := l.Wait("a", noon); got != 0 {
			t.Fatalf("wait %s", got)
		}
	}
	if got := taken(l, 3, "a", noon); got != 1 {
		t.Errorf("then %d are allowed", got)
	}
}

func TestReturn(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 5, Every: time.Minute}, 100)
	for range 100 {
		if l.Take("a", noon) != 0 {
			t.Fatal("a returned request still counts")
		}
		l.Return("a", noon)
	}
	l.Return("a", noon) // one too many
	l.Return("never taken", noon)
	for _, key := range []string{"a", "never taken"} {
		if got := taken(l, 20, key, noon); got != 5 {
			t.Errorf("%s: %d of 20 are allowed, want 5", key, got)
		}
	}
}

func TestClockSetBack(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 10, Every: 30 * time.Second}, 100)
	taken(l, 20, "a", noon.Add(24*time.Hour))
	if wait := l.Take("a", noon); wait > time.Minute {
		t.Errorf("wait %s", wait)
	}
	if got := taken(l, 20, "a", noon.Add(time.Hour)); got != 10 {
		t.Errorf("an hour later %d are allowed", got)
	}
}

func TestZeroEveryAllowsAll(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 1}, 100)
	if got := taken(l, 1000, "a", noon); got != 1000 {
		t.Errorf("%d of 1000 are allowed", got)
	}
}

// Keys that come later cost a key its count, and no more memory.
func TestLeastRecentlyUsedKeyIsForgotten(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 1, Every: time.Hour}, 3)
	for _, key := range []string{"a", "b", "c"} {
		l.Take(key, noon)
	}
	if l.Take("a", noon) == 0 {
		t.Fatal("a is forgotten too early")
	}
	l.Take("d", noon)
	if l.Take("a", noon) == 0 {
		t.Error("a was used and is forgotten")
	}
	if l.Take("b", noon) != 0 {
		t.Error("b was not used and is remembered")
	}
}

func TestConcurrentRequestsShareOneBurst(t *testing.T) {
	l := ratelimit.New(ratelimit.Rule{Burst: 50, Every: time.Hour}, 100)
	var allowed atomic.Int64
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if l.Take("a", noon) == 0 {
				allowed.Add(1)
			}
		})
	}
	group.Wait()
	if got := allowed.Load(); got != 50 {
		t.Errorf("%d of 200 are allowed", got)
	}
}

func TestKnown(t *testing.T) {
	k := ratelimit.NewKnown(2)
	if k.Has("a") {
		t.Error("an empty set has a")
	}
	k.Add("a")
	k.Add("b")
	k.Has("a")
	k.Add("c")
	for key, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if got := k.Has(key); got != want {
			t.Errorf("%s: %t", key, got)
		}
	}
}

func TestKey(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"", "abc"}, {"abc", ""}, {"ab", "1:c"}, {"ab1:c"}, {"2:ab"}} {
		key := ratelimit.Key(parts...)
		if seen[key] {
			t.Errorf("%q makes a key that other parts make too", parts)
		}
		seen[key] = true
	}
}

func ExampleLimiter() {
	l := ratelimit.New(ratelimit.Rule{Burst: 2, Every: time.Second}, 1<<16)
	for range 3 {
		fmt.Println(l.Take("192.0.2.0/24", noon))
	}
	// Output:
	// 0s
	// 0s
	// 1s
}
