package devices

import (
	"sync"
	"time"
)

// Recent remembers grants as this server's last write left them, so that the
// next refresh of one needs no read. It is safe to be wrong: everything that
// ends a grant (its own end, its device's, its subject's, its client's) moves
// the version in the grant's row, a rotation is conditional on that version and
// on where the device was last seen, and whatever is not a plain allow is read
// and judged again. Another server that has rotated the grant since shows in
// the generation of the token that is presented.
//
// A nil Recent remembers nothing.
type Recent struct {
	limit int // of each half

	mu sync.Mutex
	// young takes what is remembered or asked for; when it is full it
	// becomes old, and what was old by then is forgotten.
	young, old map[string]Holding
}

// NewRecent returns one that remembers the grants used last, no more than
// limit of them; nil where the limit is below 2.
func NewRecent(limit int) *Recent {
	if limit < 2 {
		return nil
	}
	return &Recent{limit: limit / 2, young: map[string]Holding{}, old: map[string]Holding{}}
}

// holding returns a live grant whose generation in force is that of the token
// presented, and whether it is remembered.
func (r *Recent) holding(grantID string, generation int64, now time.Time) (Holding, bool) {
	if r == nil {
		return Holding{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h, ok := r.young[grantID]
	if !ok {
		if h, ok = r.old[grantID]; ok {
			r.keep(h)
		}
	}
	return h, ok && h.Grant.Generation == generation && h.Grant.Live(now)
}

// remember keeps a grant as it was just written.
func (r *Recent) remember(h Holding) {
	if r == nil {
		return
	}
	h.Remembered = true
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(h)
}

// forget drops a grant that has turned out not to be as remembered.
func (r *Recent) forget(grantID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, grantID)
	delete(r.old, grantID)
}

func (r *Recent) keep(h Holding) {
	if _, known := r.young[h.Grant.ID]; !known && len(r.young) >= r.limit {
		r.young, r.old = make(map[string]Holding, r.limit), r.young
	}
	r.young[h.Grant.ID] = h
}
