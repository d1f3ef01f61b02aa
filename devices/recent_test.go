package devices_test

import (
	"context"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// counted is a real store that counts its reads.
type counted struct {
	devices.GrantStore
	reads int
}

func (c *counted) Holding(ctx context.Context, id string) (devices.Holding, error) {
	c.reads++
	return c.GrantStore.Holding(ctx, id)
}

// remembering returns a house whose door remembers, and its store's count.
func remembering(t *testing.T, limit int) (*house, *counted) {
	t.Helper()
	h := newHouse(t)
	reads := &counted{GrantStore: h.store}
	h.door.Grants, h.door.Recent = reads, devices.NewRecent(limit)
	return h, reads
}

// presents comes back with a token of that generation.
func (h *house) presents(grantID string, generation int64, s devices.Sighting) devices.Admission {
	h.t.Helper()
	holding, err := h.door.Holding(h.t.Context(), grantID, generation)
	h.good(err)
	a, err := h.door.Admit(h.t.Context(), devices.Presented{
		Holding: holding, Generation: generation, Binding: devices.BindingObserved, Sighting: s,
		Rotates: true, IdleFor: time.Hour,
	})
	h.good(err)
	h.clock.Advance(time.Second)
	return a
}

// TestRememberedGrantIsNotRead shows that a plain refresh of a grant that this
// server moved last is one write, and leaves the same row as one with a read.
func TestRememberedGrantIsNotRead(t *testing.T) {
	h, reads := remembering(t, 10)
	e := h.signIn("ada", devicestest.LaptopHeaders())
	g := h.held(h.grant(e))
	looks := h.sees(devicestest.LaptopHeaders())
	for generation := int64(1); generation <= 5; generation++ {
		looks.At = h.clock.Now()
		a := h.presents(g.ID, generation, looks)
		if a.Verdict.Err() != nil || a.Grant.Generation != generation+1 {
			t.Fatalf("generation %d: %v, now %d", generation, a.Verdict, a.Grant.Generation)
		}
		row, err := h.store.Holding(t.Context(), g.ID)
		h.good(err)
		if row.Grant.Generation != a.Grant.Generation || row.Grant.Version != a.Grant.Version ||
			!row.Grant.IdleUntil.Equal(a.Grant.IdleUntil) || row.Grant.Baseline == nil {
			t.Errorf("the row is %+v, the answer was minted from %+v", row.Grant, a.Grant)
		}
	}
	if reads.reads != 1 {
		t.Errorf("%d reads for five refreshes, want 1", reads.reads)
	}
}

// TestRememberedGrantNeverJudgesLate ends or moves a grant elsewhere while
// this server remembers it, and comes back.
func TestRememberedGrantNeverJudgesLate(t *testing.T) {
	var cookie []byte
	thief := func(h *house) devices.Sighting { return h.sees(devicestest.ThiefHeaders()) }
	owner := func(h *house) devices.Sighting { return h.sees(devicestest.LaptopHeaders(), cookie) }
	for name, c := range map[string]struct {
		meanwhile func(h *house, g devices.Grant)
		presented int64
		by        func(h *house) devices.Sighting
		want      devices.Reason // empty: allowed
		judged    int            // how many judgments of the grant are kept
	}{
		"nothing": {presented: 2, by: owner},
		"its device was revoked": {
			meanwhile: func(h *house, g devices.Grant) {
				h.good(h.RevokeByOperator(h.t.Context(), "ada", g.DeviceID))
			},
			presented: 2, by: owner, want: devices.ReasonDeviceRevoked,
		},
		"the subject was disabled": {
			meanwhile: func(h *house, _ devices.Grant) {
				h.good(h.store.SetUserDisabled(h.t.Context(), "ada", true, h.clock.Now()))
			},
			presented: 2, by: owner, want: devices.ReasonSubjectDisabled,
		},
		"another server moved it on": {
			meanwhile: func(h *house, g devices.Grant) { h.elsewhere(g.ID, 2) },
			presented: 3, by: owner,
		},
		"another server moved it on, and the spent token comes": {
			meanwhile: func(h *house, g devices.Grant) { h.elsewhere(g.ID, 2); h.elsewhere(g.ID, 3) },
			presented: 2, by: owner, want: devices.ReasonReuse, judged: 1,
		},
		"another server moved it on, and the same request comes": {
			meanwhile: func(h *house, g devices.Grant) { h.elsewhere(g.ID, 2) },
			presented: 2, by: owner,
		},
		"the device got another cookie": {
			meanwhile: func(h *house, g devices.Grant) {
				h.good(h.store.Change(h.t.Context(), "ada", func(tx devices.Tx) error {
					known, err := tx.Devices(h.t.Context())
					if err != nil {
						return err
					}
					known[0].CookieHash = devices.CookieHash([]byte("new"))
					return tx.Put(h.t.Context(), known[0])
				}))
			},
			presented: 2,
			by:        func(h *house) devices.Sighting { return h.sees(devicestest.LaptopHeaders(), []byte("new")) },
		},
		"a thief comes": {presented: 2, by: thief, want: devices.ReasonOSChanged, judged: 1},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := remembering(t, 10)
			e := h.signIn("ada", devicestest.LaptopHeaders())
			cookie = e.Secret
			g := h.held(h.grant(e))
			h.presents(g.ID, 1, owner(h))
			if c.meanwhile != nil {
				c.meanwhile(h, g)
			}
			a := h.presents(g.ID, c.presented, c.by(h))
			if got := firstReason(a.Verdict); got != c.want {
				t.Errorf("judged %q, want %q", got, c.want)
			}
			if a.Verdict.Err() == nil && a.Grant.Generation != 3 && a.Grant.Generation != 4 {
				t.Errorf("now at generation %d", a.Grant.Generation)
			}
			history, err := h.store.History(t.Context(), "ada", g.DeviceID, devices.Page{})
			h.good(err)
			kept := 0
			for _, j := range history {
				if j.GrantID == g.ID {
					kept++
				}
			}
			if kept != c.judged {
				t.Errorf("%d judgments kept, want %d", kept, c.judged)
			}
		})
	}
}

// elsewhere refreshes at another server on the same database.
func (h *house) elsewhere(grantID string, generation int64) {
	h.t.Helper()
	here := h.door
	h.door = &devices.Gatekeeper{Registry: h.Registry, Grants: h.store, Grace: here.Grace}
	h.presents(grantID, generation, h.sees(devicestest.LaptopHeaders()))
	h.door = here
}

func firstReason(v devices.Verdict) devices.Reason {
	if v.Err() == nil {
		return ""
	}
	return v.Reasons()[0]
}

// TestRecentForgets shows that no more grants are remembered than the limit,
// and that those used last are.
func TestRecentForgets(t *testing.T) {
	h, reads := remembering(t, 4)
	e := h.signIn("ada", devicestest.LaptopHeaders())
	generation := map[string]int64{}
	read := func(id string) bool {
		before := reads.reads
		generation[id]++
		h.presents(id, generation[id], h.sees(devicestest.LaptopHeaders()))
		return reads.reads > before
	}
	favourite := h.grant(e)
	read(favourite)
	first := h.grant(e)
	read(first)
	for n := range 8 {
		read(h.grant(e))
		if read(favourite) {
			t.Errorf("after %d others, the one used last was read again", n+1)
		}
	}
	if !read(first) {
		t.Error("nothing was forgotten")
	}
	if devices.NewRecent(0) != nil {
		t.Error("a limit of none remembers")
	}
}
