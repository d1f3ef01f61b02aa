package resource

import (
	"fmt"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/resource/dpop"
)

// A proof is refused again for as long as it is good, whenever it comes, and
// takes no room for long after that.
func TestProofsAreRememberedWhileTheyAreGood(t *testing.T) {
	var seen replays
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for shown := range 300 { // one a second
		now := start.Add(time.Duration(shown) * time.Second)
		if !seen.once(dpop.Proof{Thumbprint: "key", ID: fmt.Sprint(shown)}, now) {
			t.Fatalf("proof %d was not seen before", shown)
		}
		for before := range shown {
			made := start.Add(time.Duration(before) * time.Second)
			proof := dpop.Proof{Thumbprint: "key", ID: fmt.Sprint(before)}
			if now.Before(made.Add(dpop.Life)) && seen.once(proof, now) {
				t.Fatalf("proof %d is taken again after %s", before, now.Sub(made))
			}
		}
		if kept := len(seen.old) + len(seen.young); kept > 2*int(dpop.Life.Seconds())+2 {
			t.Fatalf("%d proofs are kept after %d seconds", kept, shown)
		}
	}
	if !seen.once(dpop.Proof{Thumbprint: "another", ID: "299"}, start.Add(300*time.Second)) {
		t.Error("another key's proof of the same ID is taken for this one's")
	}
	if seen.once(dpop.Proof{Thumbprint: "key", ID: "1"}, start.Add(time.Hour)); len(seen.old)+len(seen.young) != 1 {
		t.Errorf("after an hour: %d and %d proofs are kept", len(seen.old), len(seen.young))
	}
}
