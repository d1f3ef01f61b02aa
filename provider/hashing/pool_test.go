package hashing_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lanyard-id/lanyard/provider/hashing"
)

// work is a run of a tenth of a second.
func work() { time.Sleep(100 * time.Millisecond) }

func TestRunsAtOnceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := hashing.New(4)
		var running, most, done atomic.Int64
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				err := p.Do(t.Context(), hashing.Lane(i%2), func() {
					if n := running.Add(1); n > most.Load() {
						most.Store(n)
					}
					work()
					running.Add(-1)
					done.Add(1)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most.Load() != 4 || done.Load() != 40 {
			t.Errorf("%d of 40 ran, %d at once", done.Load(), most.Load())
		}
	})
}

// A flood of unknown credentials does not delay a known one by more than the
// run that is going on.
func TestKnownLanePassesTheFlood(t *testing.T) {
	for _, slots := range []int{1, 2, 8} {
		synctest.Test(t, func(t *testing.T) {
			p := hashing.New(slots)
			ctx, stop := context.WithCancel(t.Context())
			var flood sync.WaitGroup
			for range 90 * slots {
				flood.Go(func() { _ = p.Do(ctx, hashing.Unknown, work) })
			}
			synctest.Wait()
			start := time.Now()
			if err := p.Do(t.Context(), hashing.Known, func() {}); err != nil {
				t.Fatal(err)
			}
			most := time.Duration(0) // a slot is reserved
			if slots == 1 {
				most = 100 * time.Millisecond
			}
			if waited := time.Since(start); waited > most {
				t.Errorf("%d slots: waited %s", slots, waited)
			}
			stop()
			flood.Wait()
		})
	}
}

// One known credential in a loop does not keep unknown ones out.
func TestUnknownLaneIsServed(t *testing.T) {
	for _, slots := range []int{1, 2, 8} {
		synctest.Test(t, func(t *testing.T) {
			p := hashing.New(slots)
			ctx, stop := context.WithCancel(t.Context())
			var flood sync.WaitGroup
			for range 50 {
				flood.Go(func() {
					for ctx.Err() == nil {
						_ = p.Do(ctx, hashing.Known, work)
					}
				})
			}
			synctest.Wait()
			start := time.Now()
			if err := p.Do(t.Context(), hashing.Unknown, work); err != nil {
				t.Errorf("%d slots: %v", slots, err)
			}
			if waited := time.Since(start); waited > time.Second {
				t.Errorf("%d slots: waited %s", slots, waited)
			}
			stop()
			flood.Wait()
		})
	}
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := hashing.New(1)
		var busy, done atomic.Int64
		var all sync.WaitGroup
		for range 300 {
			all.Go(func() {
				switch err := p.Do(t.Context(), hashing.Unknown, work); {
				case errors.Is(err, hashing.ErrBusy):
					busy.Add(1)
				case err == nil:
					done.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if busy.Load() != 199 { // one runs, a hundred wait
			t.Errorf("%d of 300 were sent away at once", busy.Load())
		}
		all.Wait() // within MaxWait
		if done.Load() < 45 || done.Load()+busy.Load() != 300 {
			t.Errorf("%d ran, %d were sent away", done.Load(), busy.Load())
		}
	})
}

// A caller that hangs up takes no slot with it, whether it waits or has just
// been handed one.
func TestCallersThatHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := hashing.New(2)
		for round := range 20 {
			ctx, stop := context.WithTimeout(t.Context(), time.Duration(round)*10*time.Millisecond)
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					err := p.Do(ctx, hashing.Lane(i%2), work)
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			stop()
		}
		start := time.Now()
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if err := p.Do(t.Context(), hashing.Known, work); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if waited := time.Since(start); waited != 100*time.Millisecond {
			t.Errorf("two slots need %s for two runs", waited)
		}
	})
}
