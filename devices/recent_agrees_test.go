package devices_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// TestRememberingChangesNothing lets the same people do the same things, drawn
// at random, in a world whose two servers read every grant and in one whose
// servers remember. Every answer and every row is the same.
func TestRememberingChangesNothing(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			reads, remembers := newWorld(t, 0), newWorld(t, 8)
			draws := rand.New(rand.NewPCG(seed, 1))
			for step := range 50 {
				d := drawDeed(draws)
				want, got := reads.does(d), remembers.does(d)
				if want != got {
					t.Fatalf("step %d, %+v: answered %s where grants are read, %s where they are remembered", step, d, want, got)
				}
				if diff := cmp.Diff(reads.rows(), remembers.rows()); diff != "" {
					t.Fatalf("step %d, %+v: rows differ (-read +remembered):\n%s", step, d, diff)
				}
			}
		})
	}
}

// world is two servers on one database, and two grants on one device.
type world struct {
	*house
	doors   [2]*devices.Gatekeeper
	laptop  devices.Enrolment
	grants  []string
	refresh map[string]int64 // the newest generation that a grant's client has
}

func newWorld(t *testing.T, remembered int) *world {
	w := &world{house: newHouse(t), refresh: map[string]int64{}}
	for i := range w.doors {
		w.doors[i] = &devices.Gatekeeper{
			Registry: w.Registry, Grants: w.store, Grace: w.door.Grace, Recent: devices.NewRecent(remembered),
		}
	}
	w.signsIn()
	return w
}

func (w *world) signsIn() {
	w.laptop = w.signIn("ada", devicestest.LaptopHeaders(), w.laptop.Secret)
	for range 2 {
		id := w.grant(w.laptop)
		w.grants, w.refresh[id] = append(w.grants, id), 1
	}
}

// deed is something that somebody does.
type deed struct {
	kind          int
	server, grant int
	back          int64 // how many generations older than the newest
	looks         int
	from          devices.Network
	binding       devices.Binding
	rotates       bool
	wait          time.Duration
}

func drawDeed(draws *rand.Rand) deed {
	d := deed{
		kind: draws.IntN(40), server: draws.IntN(2), grant: draws.IntN(4), rotates: draws.IntN(8) > 0,
		from:    []devices.Network{newYork, {Addr: netip.MustParseAddr("203.0.113.77")}, lte, without(newYork, six), london}[draws.IntN(5)],
		binding: devices.BindingObserved, wait: time.Duration(draws.IntN(15)) * time.Second,
	}
	if draws.IntN(5) == 0 {
		d.back = int64(1 + draws.IntN(2))
	}
	if draws.IntN(12) == 0 {
		d.looks = 1 + draws.IntN(3)
	}
	if draws.IntN(5) == 0 {
		d.binding = devices.BindingDeviceStatus
	}
	if draws.IntN(30) == 0 {
		d.wait = 26 * time.Hour
	}
	return d
}

// does what was drawn, and says what came of it.
func (w *world) does(d deed) string {
	defer w.clock.Advance(d.wait)
	ctx, id := w.t.Context(), w.grants[max(0, len(w.grants)-4):][d.grant%min(4, len(w.grants))]
	switch d.kind {
	case 0:
		w.good(w.RevokeByOperator(ctx, "ada", w.device(w.laptop).ID))
		w.laptop = devices.Enrolment{}
		w.signsIn()
	case 1:
		w.good(w.store.SetUserDisabled(ctx, "ada", true, w.clock.Now()))
		w.good(w.store.SetUserDisabled(ctx, "ada", false, w.clock.Now()))
	case 2:
		w.good(w.RevokeGrant(ctx, "ada", id, devices.ReasonClient))
	case 3, 4:
		w.signsIn()
	case 5:
		w.good(w.store.CutTokens(ctx, id, w.clock.Now()))
	default:
		return w.comes(d, id)
	}
	return "done"
}

func (w *world) comes(d deed, id string) string {
	ctx, door, generation := w.t.Context(), w.doors[d.server], w.refresh[id]-d.back
	s := w.sees([]http.Header{
		devicestest.LaptopHeaders(), devicestest.ThiefHeaders(), devicestest.PhoneHeaders(), devicestest.AppHeaders(),
	}[d.looks], w.laptop.Secret)
	s.Network = d.from
	holding, err := door.Holding(ctx, id, generation)
	w.good(err)
	a, err := door.Admit(ctx, devices.Presented{
		Holding: holding, Generation: generation, Binding: d.binding, Sighting: s, Rotates: d.rotates, IdleFor: 30 * time.Hour,
	})
	if errors.Is(err, devices.ErrContended) {
		return "contended"
	}
	w.good(err)
	if a.Verdict.Err() == nil {
		w.refresh[id] = a.Grant.Generation
	}
	return fmt.Sprint(a.Verdict.Decision, a.Verdict.Reasons(), a.Grant.Generation, a.Grant.RotatedAt, a.Grant.TokensNotBefore)
}

var secrets = regexp.MustCompile(`"CookieHash": "[^"]*"|"ID": "[0-9a-f]{8}-[0-9a-f-]{27}"`)

// rows are everything there is, but for what is drawn anew in each world.
func (w *world) rows() string {
	history, err := w.store.History(w.t.Context(), "ada", w.laptop.Device.ID, devices.Page{Limit: 500})
	w.good(err)
	return secrets.ReplaceAllString(w.snapshot("ada"), "") + fmt.Sprintf("\n%d judgments", len(history))
}
