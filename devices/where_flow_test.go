package devices_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// journey is Ada's laptop, and a grant on it, on their way.
type journey struct {
	*house
	laptop     devices.Enrolment
	grant      string
	generation int64
	after      string
}

func newJourney(t *testing.T) *journey {
	j := &journey{house: newHouse(t), generation: 1}
	j.laptop = j.comes(newYork, devicestest.LaptopHeaders())
	j.grant = j.house.grant(j.laptop)
	j.refreshes(newYork, "allow 0")
	j.told(&j.after)
	return j
}

func (j *journey) at(n devices.Network, headers http.Header, secrets ...[]byte) devices.Sighting {
	s := j.sees(headers, secrets...)
	s.Network = n
	return s
}

// comes signs in.
func (j *journey) comes(n devices.Network, headers http.Header, secrets ...[]byte) devices.Enrolment {
	j.t.Helper()
	e, err := j.Enroll(j.t.Context(), "ada", j.at(n, headers, secrets...))
	j.good(err)
	return e
}

// refreshes presents the token in force.
func (j *journey) refreshes(n devices.Network, want string) devices.Verdict {
	j.t.Helper()
	h, err := j.door.Holding(j.t.Context(), j.grant, j.generation)
	j.good(err)
	a, err := j.door.Admit(j.t.Context(), devices.Presented{
		Holding: h, Generation: j.generation, Binding: devices.BindingObserved, Rotates: true,
		Sighting: j.at(n, devicestest.LaptopHeaders(), j.laptop.Secret),
	})
	j.good(err)
	if a.Verdict.Err() == nil {
		j.generation = a.Grant.Generation
	}
	if got := said(a.Verdict); got != want {
		j.t.Errorf("from %s: %s, want %s", n.City, got, want)
	}
	return a.Verdict
}

func (j *journey) hears(want ...devices.EventType) {
	j.t.Helper()
	same(j.t, "told", j.told(&j.after), want)
}

// Nobody is in London two hours after New York. Whoever signs in there with
// the laptop and the password is believed, and the owner is told.
func TestImpossibleTravel(t *testing.T) {
	j := newJourney(t)
	j.clock.Advance(2 * time.Hour)
	const impossible = "step_up 23 new_country new_network impossible_travel"
	v := j.refreshes(london, impossible)
	if before, after := v.Evidence[2].Before, v.Evidence[2].After; before != "New York, US" || after != "London, GB" {
		t.Errorf("from %s to %s", before, after)
	}
	j.hears(devices.EventHijackSuspected, devices.EventDeviceRefused, devices.EventDeviceFlagged)
	if d := j.device(j.laptop); d.Last != newYork || d.State != devices.StateFlagged || !j.held(j.grant).Live(j.clock.Now()) {
		t.Errorf("a step-up changed something else: %+v", d)
	}
	j.refreshes(newYork, "allow 0") // the owner goes on

	j.clock.Advance(time.Hour)
	e := j.comes(london, devicestest.LaptopHeaders(), j.laptop.Secret)
	if e.New || e.Device.ID != j.laptop.Device.ID || e.Device.State != devices.StateFlagged || e.Device.Last != london {
		t.Errorf("the sign-in made %+v", e.Device)
	}
	j.hears(devices.EventLoginSuspicious)
	j.refreshes(london, "allow 0") // a fresh sign-in heals
	j.clock.Advance(20 * time.Minute)
	j.refreshes(newYork, "allow 8 impossible_travel") // both are known by now
	j.hears()
}

// Who flies is told of once, and goes on.
func TestTravel(t *testing.T) {
	j := newJourney(t)
	j.clock.Advance(8 * time.Hour)
	j.refreshes(london, "flag 11 new_country new_network")
	j.hears(devices.EventDeviceFlagged)
	if d := j.device(j.laptop); d.Last != london || !d.LastAt.Equal(j.clock.Now()) ||
		fmt.Sprint(d.Known) != "[AS64500 US]" || j.device(j.laptop).First != newYork {
		t.Errorf("the device is at %v since %s, and knows %v", d.Last, d.LastAt, d.Known)
	}
	j.clock.Advance(time.Hour)
	j.refreshes(london, "allow 0")
	j.clock.Advance(8 * time.Hour)
	j.refreshes(newYork, "allow 0")
	j.clock.Advance(10 * time.Hour)
	j.refreshes(london, "allow 0")
	j.hears()
}

func TestConcurrentUseIsTold(t *testing.T) {
	j := newJourney(t)
	j.clock.Advance(time.Hour)
	j.refreshes(newYork, "allow 0")
	j.clock.Advance(20 * time.Second)
	j.refreshes(lte, "allow 1 new_network")
	j.clock.Advance(20 * time.Second)
	j.refreshes(newYork, "flag 10 concurrent_use")
	j.hears(devices.EventDeviceFlagged)

	// The commuter of the next morning is none.
	j.clock.Advance(12 * time.Hour)
	for range 3 {
		j.refreshes(lte, "allow 0")
		j.clock.Advance(2 * time.Minute)
		j.refreshes(newYork, "allow 0")
		j.clock.Advance(2 * time.Minute)
	}
	j.hears()
}

// What is judged where nothing is refused teaches nothing that enforcing would
// not have learned.
func TestWhatWouldBeRefusedTeachesNoPlace(t *testing.T) {
	j := newJourney(t)
	j.Registry.Policy.Mode = devices.ModeObserve
	for range 2 {
		j.clock.Advance(2 * time.Hour)
		j.refreshes(newYork, "allow 0")
		j.clock.Advance(2 * time.Hour)
		v := j.refreshes(london, "allow 23 new_country new_network impossible_travel")
		if v.Would != devices.StepUp {
			t.Errorf("would %s", v.Would)
		}
	}
	if d := j.device(j.laptop); d.Last != newYork || len(d.Known) != 0 {
		t.Errorf("the device is at %v and knows %v", d.Last, d.Known)
	}
	j.hears()
}

// Where nothing is refused, who stays where they were not expected is not told
// of, and kept, at every refresh. A mode that tells does not rest on what was
// only recorded.
func TestWhoStaysElsewhereIsToldOnce(t *testing.T) {
	j := newJourney(t)
	staying := func(mode devices.Mode, want string) {
		j.Registry.Policy.Mode = mode
		for range 5 {
			j.clock.Advance(10 * time.Minute)
			j.refreshes(london, want+" 23 new_country new_network impossible_travel")
		}
	}
	kept := func(want int) {
		t.Helper()
		all, err := j.store.History(t.Context(), "ada", j.laptop.Device.ID, devices.Page{Limit: 50})
		j.good(err)
		if len(all) != want {
			t.Errorf("%d judgments, want %d", len(all), want)
		}
	}
	kept(1)
	staying(devices.ModeObserve, "allow")
	j.hears()
	kept(2)
	staying(devices.ModeFlag, "flag")
	j.hears(devices.EventDeviceFlagged)
	kept(3)
}

// Nothing is known of a place until there is a database; then it is learned,
// once, without a word.
func TestPlacesAreLearned(t *testing.T) {
	j := newJourney(t)
	bare := j.comes(devices.Network{Addr: newYork.Addr}, devicestest.PhoneHeaders())
	j.hears(devices.EventDeviceEnrolled)
	j.laptop, j.grant, j.generation = bare, j.house.grant(bare), 1
	refreshes := func(n devices.Network) devices.Device {
		t.Helper()
		h, err := j.door.Holding(t.Context(), j.grant, j.generation)
		j.good(err)
		a, err := j.door.Admit(t.Context(), devices.Presented{
			Holding: h, Generation: j.generation, Binding: devices.BindingObserved, Rotates: true,
			Sighting: j.at(n, devicestest.PhoneHeaders(), bare.Secret),
		})
		j.good(err)
		j.generation = a.Grant.Generation
		return j.device(bare)
	}
	if d := refreshes(devices.Network{Addr: newYork.Addr}); d.Last.Country != "" {
		t.Errorf("%+v", d.Last)
	}
	placed := refreshes(newYork)
	if again := refreshes(newYork); placed.Last != newYork || again.Version != placed.Version {
		t.Errorf("placed at %+v, written %d times more", placed.Last, again.Version-placed.Version)
	}
	j.hears()
}

// A password alone, in a country where the subject has never been.
func TestSignInFromANewCountry(t *testing.T) {
	j := newJourney(t)
	phone := j.comes(lte, devicestest.PhoneHeaders())
	if phone.Device.State != devices.StateActive {
		t.Errorf("a phone at home is %s: %s", phone.Device.State, said(phone.Verdict))
	}
	j.hears(devices.EventDeviceEnrolled)
	thief := j.comes(london, devicestest.ThiefHeaders())
	if got := said(thief.Verdict); got != "flag 11 unknown_device new_country new_network" {
		t.Error(got)
	}
	if d := thief.Device; !thief.New || d.State != devices.StateFlagged || d.FlaggedReason != devices.ReasonUnknownDevice {
		t.Errorf("%+v", d)
	}
	j.hears(devices.EventDeviceEnrolled, devices.EventLoginSuspicious, devices.EventDeviceFlagged)
	if again := j.comes(london, devicestest.AppHeaders()); again.Device.State != devices.StateFlagged {
		t.Error("one thief vouches for the next")
	}
	j.hears(devices.EventDeviceEnrolled, devices.EventLoginSuspicious, devices.EventDeviceFlagged)

	j.Registry.Policy.Mode = devices.ModeObserve
	other := j.comes(auckland, devicestest.TabletHeaders())
	if other.Device.State != devices.StateActive || other.Verdict.Would != devices.Flag {
		t.Errorf("observed: %s, %s", other.Device.State, said(other.Verdict))
	}
	j.hears(devices.EventDeviceEnrolled)
}

// A session of the pages that is carried off far is refused, cookie and all.
func TestSessionCarriedOff(t *testing.T) {
	j := newJourney(t)
	visits := func(n devices.Network, want string) {
		t.Helper()
		s := j.at(n, devicestest.LaptopHeaders(), j.laptop.Secret)
		v, err := j.Revisit(t.Context(), "ada", j.laptop.Device.ID, s)
		j.good(err)
		if got := said(v); got != want {
			t.Errorf("from %s: %s, want %s", n.City, got, want)
		}
	}
	j.clock.Advance(2 * time.Hour)
	visits(newYork, "allow 0")
	visits(lte, "allow 1 new_network")
	visits(london, "step_up 23 new_country new_network impossible_travel")
	j.hears(devices.EventHijackSuspected, devices.EventDeviceFlagged)

	// In its own time it is let in, and the owner is told, once.
	j.clock.Advance(6 * time.Hour)
	for range 3 {
		visits(london, "flag 11 new_country new_network")
		j.clock.Advance(time.Hour)
	}
	j.hears(devices.EventLoginSuspicious)
	if d := j.device(j.laptop); d.Last != newYork || d.State != devices.StateFlagged {
		t.Errorf("a visit moved the device: %+v", d)
	}
}
