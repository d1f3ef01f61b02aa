// Package hashing bounds what comparing passwords and client secrets costs.
// One argon2id run takes 19 MiB and tens of milliseconds of a processor, and a
// stranger can ask for it.
package hashing

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Lane says how much is known of a caller before the run.
type Lane int

const (
	// Unknown is the lane of credentials that have not succeeded before.
	Unknown Lane = iota
	// Known is the reserved lane of credentials that have succeeded before,
	// from the same source.
	Known
)

// ErrBusy says that too many runs are waiting. The caller may try again.
var ErrBusy = errors.New("too many passwords and client secrets to compare at once")

// RetryAfter is how long a caller should wait after ErrBusy.
const RetryAfter = 5 * time.Second

// waitingPerSlot bounds each lane. A slot serves about this many runs within
// the default MaxWait.
const waitingPerSlot = 100

// Pool runs argon2id computations, only so many at once. Where it has two
// slots or more, one of them is only for the lane Known. A slot that becomes
// free goes to the lane Known first, but every fourth goes to the lane
// Unknown. Make one with [New]; its methods are safe for concurrent use.
type Pool struct {
	// MaxWait is the longest wait for a slot, besides the context's. Default
	// 5 seconds.
	MaxWait time.Duration

	mu      sync.Mutex
	slots   int
	free    int
	most    [2]int             // slots that a lane may hold, by lane
	held    [2]int             // slots that it holds
	waiting [2][]chan struct{} // by lane, in order of arrival
	handed  int                // slots that were handed to a waiting caller
}

// New returns a pool of that many slots. If slots is 0, it has half as many as
// there are processors, and at least one.
func New(slots int) *Pool {
	if slots <= 0 {
		slots = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Pool{MaxWait: 5 * time.Second, slots: slots, free: slots, most: [2]int{Unknown: max(1, slots-1), Known: slots}}
}

// Do calls run in a slot. It returns ErrBusy, or the context's error, if run
// was not called.
func (p *Pool) Do(ctx context.Context, lane Lane, run func()) error {
	if err := p.acquire(ctx, lane); err != nil {
		return err
	}
	defer p.release(lane)
	run()
	return nil
}

func (p *Pool) acquire(ctx context.Context, lane Lane) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	if p.fits(lane) {
		p.take(lane)
		p.mu.Unlock()
		return nil
	}
	if len(p.waiting[lane]) >= waitingPerSlot*p.slots {
		p.mu.Unlock()
		return ErrBusy
	}
	turn := make(chan struct{}, 1)
	p.waiting[lane] = append(p.waiting[lane], turn)
	p.mu.Unlock()

	ctx, cancel := context.WithTimeoutCause(ctx, p.MaxWait, ErrBusy)
	defer cancel()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		p.leave(lane, turn)
		return context.Cause(ctx)
	}
}

// leave gives up a place in the queue, or the slot that was handed over in the
// meantime.
func (p *Pool) leave(lane Lane, turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting[lane], turn); i >= 0 {
		p.waiting[lane] = slices.Delete(p.waiting[lane], i, i+1)
		return
	}
	p.hand(lane)
}

func (p *Pool) release(lane Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hand(lane)
}

// hand gives a slot of the lane from to the next caller, or counts it as free.
// The pool is locked.
func (p *Pool) hand(from Lane) {
	p.free++
	p.held[from]--
	order := [...]Lane{Known, Unknown}
	if p.handed%4 == 3 {
		order = [...]Lane{Unknown, Known}
	}
	for _, lane := range order {
		if len(p.waiting[lane]) > 0 && p.fits(lane) {
			turn := p.waiting[lane][0]
			p.waiting[lane] = p.waiting[lane][1:]
			p.take(lane)
			p.handed++
			turn <- struct{}{}
			return
		}
	}
}

// fits reports whether the lane may take a slot now.
func (p *Pool) fits(lane Lane) bool { return p.free > 0 && p.held[lane] < p.most[lane] }

func (p *Pool) take(lane Lane) {
	p.free--
	p.held[lane]++
}
