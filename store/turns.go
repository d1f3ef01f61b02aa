package store

import (
	"context"
	"sync"
)

// turns lets one transaction of a subject at a time wait for the database. The
// others would wait there too, for the subject's lock, each with a connection
// in its hands: one subject in a hurry would leave none to anybody else.
type turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

// turn is a subject's. Whoever puts something into taken has it.
type turn struct {
	taken  chan struct{}
	wanted int // by how many, its holder among them
}

// take returns what gives the turn back, once the subject's is free. Its error
// is the context's.
func (t *turns) take(ctx context.Context, subject string) (func(), error) {
	t.mu.Lock()
	if t.held == nil {
		t.held = map[string]*turn{}
	}
	its := t.held[subject]
	if its == nil {
		its = &turn{taken: make(chan struct{}, 1)}
		t.held[subject] = its
	}
	its.wanted++
	t.mu.Unlock()
	select {
	case its.taken <- struct{}{}:
		return func() { <-its.taken; t.leave(subject, its) }, nil
	case <-ctx.Done():
		t.leave(subject, its)
		return nil, ctx.Err()
	}
}

func (t *turns) leave(subject string, its *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if its.wanted--; its.wanted == 0 {
		delete(t.held, subject)
	}
}
