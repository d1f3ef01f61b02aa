package resource

import (
	"sync"
	"time"

	"github.com/lanyard-id/lanyard/resource/dpop"
)

// replays remembers proofs while they are good, in two halves: what is in the
// older one has expired when the younger one is full of time. They are those
// that this process saw; another replica may see a proof once more.
type replays struct {
	mu         sync.Mutex
	old, young map[proofID]struct{}
	turn       time.Time // when the younger half becomes the older one
}

type proofID struct{ key, id string }

// once reports whether a proof is seen for the first time.
func (r *replays) once(p dpop.Proof, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(r.turn) {
		r.old, r.young = r.young, map[proofID]struct{}{}
		if !now.Before(r.turn.Add(dpop.Life)) {
			r.old = nil
		}
		r.turn = now.Add(dpop.Life)
	}
	id := proofID{p.Thumbprint, p.ID}
	_, seen := r.young[id]
	_, before := r.old[id]
	if seen || before {
		return false
	}
	r.young[id] = struct{}{}
	return true
}
