package devices_test

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// desk is Ada's laptop with a grant, whose tokens are presented.
type desk struct {
	*house
	laptop devices.Enrolment
	id     string // the grant
	cursor string
}

func newDesk(t *testing.T, edits ...func(*devices.Grant)) *desk {
	t.Helper()
	h := newHouse(t)
	d := &desk{house: h, laptop: h.signIn("ada", devicestest.LaptopHeaders())}
	d.id = h.grant(d.laptop, edits...)
	d.told(&d.cursor)
	return d
}

// presents admits the token of a generation, shown by these headers now.
func (d *desk) presents(generation int64, headers http.Header, edits ...func(*devices.Presented)) (devices.Admission, error) {
	holding, err := d.store.Holding(d.t.Context(), d.id)
	d.good(err)
	p := devices.Presented{
		Holding: holding, Generation: generation, Binding: devices.BindingObserved, Rotates: true,
		Sighting: d.sees(headers), IdleFor: 30 * 24 * time.Hour,
	}
	for _, edit := range edits {
		edit(&p)
	}
	return d.door.Admit(d.t.Context(), p)
}

// gets presents and fails unless the decision is want and the grant stands at
// that generation and parent afterwards.
func (d *desk) gets(
	want devices.Decision, g, parent int64, generation int64, headers http.Header, edits ...func(*devices.Presented),
) devices.Verdict {
	d.t.Helper()
	a, err := d.presents(generation, headers, edits...)
	d.good(err)
	now := d.held(d.id)
	if a.Verdict.Decision != want || now.Generation != g || now.Parent != parent {
		d.t.Errorf("presenting %d: %s because of %v, the grant is at %d from %d; want %s, %d from %d", generation,
			a.Verdict.Decision, a.Verdict.Reasons(), now.Generation, now.Parent, want, g, parent)
	}
	if a.Verdict.Err() == nil && (a.Grant.Generation != now.Generation || !a.Grant.RotatedAt.Equal(now.RotatedAt) ||
		a.Grant.Version != now.Version || !a.Grant.IdleUntil.Equal(now.IdleUntil)) {
		d.t.Errorf("answered from %+v\nbut stored is %+v", a.Grant, now)
	}
	return a.Verdict
}

func (d *desk) hears(want ...devices.EventType) {
	d.t.Helper()
	same(d.t, "told", d.told(&d.cursor), want)
}

func (d *desk) judgments() int {
	d.t.Helper()
	all, err := d.store.History(d.t.Context(), "ada", d.laptop.Device.ID, devices.Page{})
	d.good(err)
	return len(all) - 1 // without the sign-in's
}

var home = devicestest.LaptopHeaders

func TestATokenRotates(t *testing.T) {
	d := newDesk(t)
	before := d.held(d.id)
	for g := int64(1); g <= 5; g++ {
		d.clock.Advance(time.Hour)
		if v := d.gets(devices.Allow, g+1, g, g, home()); len(v.Evidence) != 0 {
			t.Errorf("a plain refresh has evidence: %v", v.Evidence)
		}
	}
	g := d.held(d.id)
	if !g.RotatedAt.Equal(d.clock.Now()) || !g.IdleUntil.Equal(d.clock.Now().Add(30*24*time.Hour)) {
		t.Errorf("rotated at %s, idle until %s", g.RotatedAt, g.IdleUntil)
	}
	if !g.NotAfter.Equal(before.NotAfter) {
		t.Error("rotation moved the absolute end")
	}
	if g.Baseline == nil || g.Baseline.Fingerprint[devices.SignalBrowser] != "Chrome" {
		t.Errorf("the baseline is %+v", g.Baseline)
	}
	if n := d.judgments(); n != 0 {
		t.Errorf("plain refreshes left %d judgments", n)
	}
	d.hears()
	if seen := d.device(d.laptop).LastSeen; !seen.Equal(d.clock.Now()) {
		t.Errorf("the laptop was last seen at %s, want its last refresh", seen)
	}
}

func TestTheSameRequestIsAnsweredAlike(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	d.clock.Advance(10 * time.Second)
	d.refuses(nil, "presenting it again within the grace", func() error {
		v := d.gets(devices.Allow, 2, 1, 1, home())
		return v.Err()
	}, "ada")
	d.gets(devices.Allow, 3, 2, 2, home())
}

func TestTheSameTokenInOtherHandsIsTheft(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	v := d.gets(devices.Refuse, 2, 1, 1, devicestest.ThiefHeaders())
	same(t, "reasons", v.Reasons(), because(devices.ReasonOSChanged, devices.ReasonBrowserChanged, devices.ReasonReuse))
	d.endedByTheft(devices.EventReuseDetected)
	d.gets(devices.Refuse, 2, 1, 2, home())
	d.hears() // the rightful client is refused too, and must sign in again
}

// endedByTheft fails unless the grant has ended, the laptop is flagged, and
// the owner is told once.
func (d *desk) endedByTheft(suspicion devices.EventType) {
	d.t.Helper()
	if d.held(d.id).RevokedAt.IsZero() {
		d.t.Error("the grant lives")
	}
	if laptop := d.device(d.laptop); laptop.State != devices.StateFlagged || laptop.FlaggedReason == "" {
		d.t.Errorf("the laptop is %s because of %q", laptop.State, laptop.FlaggedReason)
	}
	d.hears(suspicion, devices.EventDeviceRefused, devices.EventGrantRevoked, devices.EventDeviceFlagged)
}

func TestALostResponseIsForgiven(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home()) // the answer with 2 is lost
	d.clock.Advance(11 * time.Second)
	v := d.gets(devices.Flag, 3, 1, 1, home()) // the parent stays, 2 is burnt
	same(t, "reasons", v.Reasons(), because(devices.ReasonResponseLost))
	d.hears(devices.EventResponseLost)
	if d.judgments() != 1 || d.device(d.laptop).State != devices.StateActive {
		t.Error("the loss was not kept, or held against the laptop")
	}
	d.clock.Advance(time.Minute)
	d.gets(devices.Flag, 4, 1, 1, home()) // lost again
	d.hears(devices.EventResponseLost)
	d.gets(devices.Allow, 5, 4, 4, home()) // and goes on
	d.hears()
}

func TestABurntSuccessorIsReuse(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	d.clock.Advance(time.Minute)
	d.gets(devices.Flag, 3, 1, 1, home())
	d.hears(devices.EventResponseLost)
	d.gets(devices.Refuse, 3, 1, 2, home()) // so it was not lost: somebody has it
	d.endedByTheft(devices.EventReuseDetected)
}

func TestALostResponseInOtherHandsIsTheft(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	d.clock.Advance(time.Hour)
	d.gets(devices.Refuse, 2, 1, 1, devicestest.ThiefHeaders())
	d.endedByTheft(devices.EventReuseDetected)
}

func TestReuseEndsTheGrantAndIsToldOnce(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	d.gets(devices.Allow, 3, 2, 2, home())
	v := d.gets(devices.Refuse, 3, 2, 1, home())
	same(t, "reasons", v.Reasons(), because(devices.ReasonReuse))
	d.endedByTheft(devices.EventReuseDetected)
	d.refuses(nil, "knocking again", func() error {
		for p := int64(1); p <= 4; p++ {
			if a, err := d.presents(p, devicestest.ThiefHeaders()); err != nil || a.Verdict.Err() == nil {
				t.Errorf("presenting %d: %s, %v", p, a.Verdict.Decision, err)
			}
		}
		return nil
	}, "ada")
}

func TestStrictlyTheSameTokenTwiceIsTheft(t *testing.T) {
	d := newDesk(t)
	d.door.Grace = 0
	d.gets(devices.Allow, 2, 1, 1, home())
	d.gets(devices.Refuse, 2, 1, 1, home())
	d.endedByTheft(devices.EventReuseDetected)
}

func TestAThiefWithOtherLooksEndsTheGrant(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	v := d.gets(devices.Refuse, 2, 1, 2, devicestest.ThiefHeaders())
	same(t, "reasons", v.Reasons(), because(devices.ReasonOSChanged, devices.ReasonBrowserChanged))
	d.endedByTheft(devices.EventHijackSuspected)
	if d.judgments() != 1 {
		t.Error("the refusal was not kept")
	}
}

func TestAStepUpLeavesTheGrantToItsOwner(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	d.gets(devices.StepUp, 2, 1, 2, onLinux())
	d.hears(devices.EventDeviceRefused, devices.EventDeviceFlagged)
	d.gets(devices.Allow, 3, 2, 2, home())
}

func TestFlaggingAndObservingLetPassAndKeep(t *testing.T) {
	for mode, row := range map[devices.Mode]struct {
		want  devices.Decision
		hears []devices.EventType
		state devices.State
	}{
		devices.ModeFlag:    {devices.Flag, []devices.EventType{devices.EventDeviceFlagged}, devices.StateFlagged},
		devices.ModeObserve: {devices.Allow, nil, devices.StateActive},
	} {
		d := newDesk(t)
		d.Policy.Mode = mode
		d.gets(devices.Allow, 2, 1, 1, home())
		v := d.gets(row.want, 3, 2, 2, devicestest.ThiefHeaders())
		if v.Would != devices.Refuse || d.judgments() != 1 {
			t.Errorf("%s: would %s, %d judgments kept", mode, v.Would, d.judgments())
		}
		d.hears(row.hears...)
		if b := d.held(d.id).Baseline; b.Fingerprint[devices.SignalBrowser] != "Chrome" {
			t.Errorf("%s: the thief taught the grant to expect %s", mode, b.Fingerprint.Describe())
		}
		if d.device(d.laptop).State != row.state {
			t.Errorf("%s: the laptop is %s", mode, d.device(d.laptop).State)
		}
	}
}

func TestTheBaselineRises(t *testing.T) {
	firefox := func(version, language string) http.Header {
		return devicestest.Headers("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:"+version+") Gecko/20100101 Firefox/"+version,
			"Accept-Language: "+language)
	}
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, firefox("144.0", "en"))
	d.gets(devices.Allow, 3, 2, 2, firefox("145.0", "en"))
	d.gets(devices.Flag, 4, 3, 3, firefox("144.0", "en"))  // so it rose
	d.gets(devices.Allow, 5, 4, 4, firefox("144.0", "en")) // and what was flagged once is not flagged for ever
	d.gets(devices.Allow, 6, 5, 5, firefox("146.0", "de"))
	if b := d.held(d.id).Baseline.Fingerprint; b[devices.SignalBrowserVersion] != "146" || b[devices.SignalLanguage] != "de" {
		t.Errorf("the baseline is %v", b)
	}
	d.gets(devices.Allow, 7, 6, 6, http.Header{"Accept-Language": {"en"}}) // forwarded without a User-Agent
	if b := d.held(d.id).Baseline.Fingerprint; b[devices.SignalBrowser] != "Firefox" {
		t.Error("what nobody could see was forgotten")
	}
}

func from(addr string) func(*devices.Presented) {
	return func(p *devices.Presented) { p.Sighting.Network = devices.Network{Addr: netip.MustParseAddr(addr)} }
}

func binding(b devices.Binding) func(*devices.Presented) {
	return func(p *devices.Presented) { p.Binding = b }
}

func TestTheDeviceMovesWithItsNetwork(t *testing.T) {
	d := newDesk(t)
	last := func() string { return d.device(d.laptop).Last.Addr.String() }
	d.gets(devices.Allow, 2, 1, 1, home(), from("203.0.113.99"))
	if last() != "203.0.113.10" {
		t.Errorf("moved to %s within its network", last())
	}
	d.gets(devices.Allow, 3, 2, 2, home(), from("198.51.100.4"))
	if last() != "198.51.100.4" {
		t.Errorf("stayed at %s, want the new network", last())
	}
	d.gets(devices.Allow, 4, 3, 3, home(), from("192.0.2.1"), binding(devices.BindingDeviceStatus))
	if last() != "198.51.100.4" {
		t.Errorf("moved to its backend's address %s", last())
	}
	if first := d.device(d.laptop).First.Addr.String(); first != "203.0.113.10" {
		t.Errorf("was enrolled at %s", first)
	}
}

func TestABackendIsNotCompared(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, devicestest.AppHeaders(), binding(devices.BindingDeviceStatus))
	d.gets(devices.Allow, 3, 2, 2, devicestest.ThiefHeaders(), binding(devices.BindingDeviceStatus))
	if b := d.held(d.id).Baseline; b != nil {
		t.Errorf("a backend left a baseline: %+v", b)
	}
	d.good(d.Revoke(t.Context(), by(d.laptop), d.laptop.Device.ID))
	d.gets(devices.Refuse, 3, 2, 3, devicestest.AppHeaders(), binding(devices.BindingDeviceStatus))
}

func TestAKeyBoundGrantDoesNotRotate(t *testing.T) {
	key := func(shown string) func(*devices.Presented) {
		return func(p *devices.Presented) {
			p.Binding, p.Rotates, p.Sighting.Proof.KeyThumbprint = devices.BindingDPoP, false, shown
		}
	}
	d := newDesk(t, func(g *devices.Grant) { g.Baseline = &devices.Baseline{KeyThumbprint: "k1"} })
	d.clock.Advance(time.Hour)
	d.gets(devices.Allow, 1, 0, 1, home(), key("k1"))
	d.gets(devices.Allow, 1, 0, 1, devicestest.ThiefHeaders(), key("k1"))
	if g := d.held(d.id); !g.IdleUntil.Equal(d.clock.Now().Add(30 * 24 * time.Hour)) {
		t.Errorf("idle until %s", g.IdleUntil)
	}
	for _, shown := range []string{"", "k2"} {
		d.gets(devices.Refuse, 1, 0, 1, home(), key(shown))
		if !d.held(d.id).RevokedAt.IsZero() {
			t.Fatal("whoever lacks the key could end the grant")
		}
	}
	d.gets(devices.Allow, 1, 0, 1, home(), key("k1"))
}

func TestEndedOnesAreRefused(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(d *desk) error
		want devices.Reason
	}{
		"a revoked device":   {func(d *desk) error { return d.Revoke(d.t.Context(), by(d.laptop), d.laptop.Device.ID) }, devices.ReasonDeviceRevoked},
		"a revoked grant":    {func(d *desk) error { return d.RevokeGrant(d.t.Context(), "ada", d.id, devices.ReasonClient) }, devices.ReasonGrantRevoked},
		"an idle grant":      {func(d *desk) error { d.clock.Advance(31 * 24 * time.Hour); return nil }, devices.ReasonExpired},
		"an expired grant":   {func(d *desk) error { d.clock.Advance(91 * 24 * time.Hour); return nil }, devices.ReasonExpired},
		"a disabled subject": {func(d *desk) error { return d.store.SetUserDisabled(d.t.Context(), "ada", true, d.clock.Now()) }, devices.ReasonSubjectDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.addUser("ada")
			d.gets(devices.Allow, 2, 1, 1, home())
			d.good(row.end(d))
			for _, p := range []int64{2, 1} { // the token in force, and the one within the grace
				v := d.gets(devices.Refuse, 2, 1, p, home())
				same(t, "reasons", v.Reasons(), because(row.want))
				if v.RevokeGrant {
					t.Error("what has ended was to be ended")
				}
			}
		})
	}
}

func TestARevocationThatComesBetweenReadAndWriteWins(t *testing.T) {
	d := newDesk(t)
	holding, err := d.store.Holding(t.Context(), d.id)
	d.good(err)
	d.good(d.Revoke(t.Context(), by(d.laptop), d.laptop.Device.ID))
	a, err := d.door.Admit(t.Context(), devices.Presented{
		Holding: holding, Generation: 1, Binding: devices.BindingObserved, Rotates: true, Sighting: d.sees(home()),
	})
	if err != nil || a.Verdict.Decision != devices.Refuse || d.held(d.id).Generation != 1 {
		t.Errorf("got %s, %v; the grant is at %d", a.Verdict.Decision, err, d.held(d.id).Generation)
	}
}

func TestManyTabsAtOnceShareOneSuccessor(t *testing.T) {
	d := newDesk(t)
	got := d.allAtOnce(24)
	if len(got) != 1 || got[devices.Allow] != 24 || d.held(d.id).Generation != 2 {
		t.Errorf("24 tabs got %v; the grant is at %d", got, d.held(d.id).Generation)
	}
	d.hears()
}

func TestStrictlyOneOfManyGetsThrough(t *testing.T) {
	d := newDesk(t)
	d.door.Grace = 0
	got := d.allAtOnce(24)
	if got[devices.Allow] != 1 || got[devices.Refuse] != 23 || d.held(d.id).RevokedAt.IsZero() {
		t.Errorf("24 presentations got %v; the grant is %+v", got, d.held(d.id))
	}
	d.endedByTheft(devices.EventReuseDetected)
}

// allAtOnce presents the first token many times and counts the decisions.
func (d *desk) allAtOnce(n int) map[devices.Decision]int {
	d.t.Helper()
	decided := make([]devices.Decision, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			a, err := d.presents(1, home())
			for errors.Is(err, devices.ErrContended) {
				a, err = d.presents(1, home())
			}
			if err != nil {
				d.t.Error(err)
			}
			decided[i] = a.Verdict.Decision
		})
	}
	all.Wait()
	counts := map[devices.Decision]int{}
	for _, decision := range decided {
		counts[decision]++
	}
	return counts
}

func TestAnotherSubjectsGrantsStayOutOfIt(t *testing.T) {
	d := newDesk(t)
	bobs := d.signIn("bob", devicestest.LaptopHeaders())
	his := d.grant(bobs)
	before := d.held(his)
	d.gets(devices.Allow, 2, 1, 1, home())
	d.gets(devices.Refuse, 2, 1, 2, devicestest.ThiefHeaders())
	if diff := cmp.Diff(before, d.held(his), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("Bob's grant changed:\n%s", diff)
	}
	if d.device(bobs).State != devices.StateActive {
		t.Error("Bob's laptop was flagged")
	}
}
