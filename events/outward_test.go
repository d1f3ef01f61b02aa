package events_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

func TestEverythingOfADeviceEndsElsewhere(t *testing.T) {
	onEach(t, func(h *house) {
		id := h.ends("ada", devices.Tie{Kind: devices.TieHydraLogin, Ref: "sid"},
			devices.Tie{Kind: devices.TieKratosSession, Ref: "session"}, devices.Tie{Kind: devices.TieKratosNew, Ref: "new"})
		w := h.worker()
		h.once(w)
		want := []string{"hydra_chain chain-of-ada", "hydra_login sid", "kratos_new new", "kratos_session session"}
		if diff := cmp.Diff(want, h.elsewhere.attempts()); diff != "" {
			h.t.Error(diff)
		}
		for _, l := range h.legs(id) {
			if l.State != devices.LegDone || l.Attempts != 1 || l.DoneAt.IsZero() {
				h.t.Errorf("not done: %+v", l)
			}
		}
		ties, err := h.store.DeviceTies(h.t.Context(), id)
		for _, tie := range ties {
			if tie.EndedAt.IsZero() {
				h.t.Errorf("still tied: %+v (%v)", tie, err)
			}
		}
		h.clock.Advance(time.Hour)
		h.once(w)
		if n := len(h.elsewhere.attempts()); n != 4 {
			h.t.Errorf("what was confirmed was tried again: %d attempts", n)
		}
	})
}

// Attempts come after 1, 2, 4 … seconds, at most five minutes apart.
func TestAttemptsGrowRare(t *testing.T) {
	onEach(t, func(h *house) {
		h.elsewhere.answers(http.StatusBadGateway)
		id, w := h.ends("ada"), h.worker()
		h.once(w)
		for i, wait := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			h.clock.Advance(time.Duration(wait)*time.Second - time.Millisecond)
			h.once(w)
			if n := len(h.elsewhere.attempts()); n != i+1 {
				h.t.Fatalf("before its time: %d attempts, want %d", n, i+1)
			}
			h.clock.Advance(time.Millisecond)
			h.once(w)
			if n := len(h.elsewhere.attempts()); n != i+2 {
				h.t.Fatalf("after %d s: %d attempts, want %d", wait, n, i+2)
			}
		}
		if l := h.legs(id)[0]; l.State != devices.LegPending || l.Trouble != "server_trouble" {
			h.t.Errorf("in trouble it is %+v", l)
		}
		h.elsewhere.answers(http.StatusOK)
		h.clock.Advance(5 * time.Minute)
		h.once(w)
		if l := h.legs(id)[0]; l.State != devices.LegDone || l.Trouble != "" || l.Attempts != 13 {
			h.t.Errorf("at the end it is %+v", l)
		}
	})
}

func TestWhatCannotBeDoneIsNotTriedAgain(t *testing.T) {
	onEach(t, func(h *house) {
		h.elsewhere.answers(http.StatusConflict)
		id, w := h.ends("ada", devices.Tie{Kind: devices.TieKratosSession, Ref: "session"}), h.worker()
		h.once(w)
		h.clock.Advance(24 * time.Hour)
		h.once(w)
		for _, l := range h.legs(id) {
			if l.State != devices.LegHeld || l.Attempts != 1 || l.Trouble != "cannot" {
				h.t.Errorf("held: %+v", l)
			}
		}
		ties, err := h.store.DeviceTies(h.t.Context(), id)
		if err != nil || len(ties) != 1 || !ties[0].EndedAt.IsZero() {
			h.t.Errorf("what lives on is told to have ended: %+v (%v)", ties, err)
		}
	})
}

// Two replicas come to the same events at once: each leg is tried once.
func TestTwoWorkersTryEachLegOnce(t *testing.T) {
	onEach(t, func(h *house) {
		var want []string
		for i := range 40 {
			subject := fmt.Sprintf("subject-%02d", i)
			h.ends(subject, devices.Tie{Kind: devices.TieKratosSession, Ref: "session-of-" + subject})
			want = append(want, "hydra_chain chain-of-"+subject, "kratos_session session-of-"+subject)
		}
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				for range 3 {
					if err := h.worker().Once(h.t.Context()); err != nil {
						h.t.Error(err)
					}
				}
			})
		}
		all.Wait()
		slices.Sort(want)
		if diff := cmp.Diff(want, h.elsewhere.attempts()); diff != "" {
			h.t.Error(diff)
		}
	})
}

// A worker that hangs on a slow server keeps the legs it is trying, and no
// others, for as long as its lease; one that died loses them then.
func TestAHangingWorkerHoldsUpNoOther(t *testing.T) {
	onEach(t, func(h *house) {
		for i := range 20 {
			h.ends(fmt.Sprintf("subject-%02d", i))
		}
		entered, hang := make(chan struct{}, 20), make(chan struct{})
		h.elsewhere.mu.Lock()
		h.elsewhere.answer = func(string) int {
			entered <- struct{}{}
			<-hang
			return http.StatusBadGateway
		}
		h.elsewhere.mu.Unlock()
		ctx, die := context.WithCancel(h.t.Context())
		died := make(chan error, 1)
		go func() { died <- h.worker().Once(ctx) }()
		for range 8 {
			<-entered
		}
		h.elsewhere.answers(http.StatusOK)
		other := h.worker()
		h.once(other)
		if n := len(h.elsewhere.attempts()); n != 20 {
			h.t.Errorf("%d attempts, want those 8 and the 12 others", n)
		}
		die()
		close(hang)
		if err := <-died; err == nil {
			h.t.Error("a worker that was ended says all is well")
		}
		h.clock.Advance(29 * time.Second)
		h.once(other)
		if n := len(h.elsewhere.attempts()); n != 20 {
			h.t.Errorf("within the lease: %d attempts, want 20", n)
		}
		h.clock.Advance(time.Second)
		h.once(other)
		if n := len(h.elsewhere.attempts()); n != 28 {
			h.t.Errorf("after the lease: %d attempts, want 28", n)
		}
	})
}

// Grants of lanyard's own have nothing elsewhere.
func TestOwnGrantsLeaveNothingToDo(t *testing.T) {
	onEach(t, func(h *house) {
		d := devicestest.Laptop("ada")
		g := devicestest.GrantOn(d)
		g.DeviceID, g.Issuer, g.ExternalRef = "", "somebody", "theirs"
		if _, err := h.store.OpenChain(h.t.Context(), g, nil, func(devices.Grant) []devices.Event { return nil }); err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.registry.EndGrantsOf(h.t.Context(), "ada", "", devices.ReasonLogout); err != nil {
			h.t.Fatal(err)
		}
		h.once(h.worker())
		if got := h.elsewhere.attempts(); got != nil {
			h.t.Errorf("attempts: %q", got)
		}
	})
}
