package devices_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// Whatever was not plainly allowed leaves the device flagged until its owner
// has answered, with an event when it becomes so, however the device was seen.
func TestWhatWasDoubtedIsShownUntilItIsAnswered(t *testing.T) {
	linux := onLinux()
	older := devicestest.Headers("User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36")
	watched := func(d *desk, headers http.Header, bypass devices.Bypass) {
		holding, err := d.store.Holding(d.t.Context(), d.id)
		d.good(err)
		_, err = d.door.Watch(d.t.Context(), devices.Presented{
			Holding: holding, Binding: devices.BindingObserved, Sighting: d.sees(headers), Bypass: bypass,
		})
		d.good(err)
	}
	visited := func(d *desk, headers http.Header, secrets ...[]byte) {
		_, _, _ = d.Visit(d.t.Context(), by(d.laptop), d.sees(headers, secrets...))
	}
	for _, row := range []struct {
		name string
		do   func(*desk)
	}{
		{"a refresh that asked for a new sign-in", func(d *desk) { d.gets(devices.StepUp, 2, 1, 2, linux) }},
		{"a refresh that was let through with a flag", func(d *desk) { d.gets(devices.Flag, 3, 2, 2, older) }},
		{"a refresh that was refused", func(d *desk) { d.gets(devices.Refuse, 2, 1, 2, devicestest.ThiefHeaders()) }},
		{"a copy of a refresh within the grace", func(d *desk) {
			d.gets(devices.Flag, 2, 1, 1, home(), from("192.0.2.66"))
		}},
		{"a spent token", func(d *desk) {
			d.gets(devices.Allow, 3, 2, 2, home())
			d.gets(devices.Refuse, 3, 2, 1, home())
		}},
		{"a refresh without the key", func(d *desk) {
			d.gets(devices.Refuse, 2, 1, 2, home(), func(p *devices.Presented) { p.Binding = devices.BindingDPoP })
		}},
		{"a refresh elsewhere that asked for a new sign-in", func(d *desk) { watched(d, linux, devices.BypassAllowed) }},
		{"a refresh past the gateway", func(d *desk) { watched(d, home(), devices.BypassFlagged) }},
		{"a refresh past the gateway that was refused", func(d *desk) { watched(d, home(), devices.BypassRefused) }},
		{"a copied session", func(d *desk) { visited(d, home()) }},
		{"a session on another system", func(d *desk) { visited(d, linux, d.laptop.Secret) }},
		{"a session and its cookie on another machine", func(d *desk) {
			visited(d, devicestest.ThiefHeaders(), d.laptop.Secret)
		}},
	} {
		d := newDesk(t)
		d.gets(devices.Allow, 2, 1, 1, home())
		d.hears()
		at := d.clock.Now()
		row.do(d)
		got := d.device(d.laptop)
		if got.State != devices.StateFlagged || got.FlaggedReason == "" || !got.FlaggedAt.Equal(at) || !got.DoubtedAt.Equal(at) {
			t.Errorf("%s: the laptop is %s for %q since %s, last %s", row.name, got.State, got.FlaggedReason, got.FlaggedAt, got.DoubtedAt)
		}
		heard := slices.DeleteFunc(d.house.told(&d.cursor), func(e devices.EventType) bool { return e != devices.EventDeviceFlagged })
		same(t, row.name, heard, []devices.EventType{devices.EventDeviceFlagged})
		d.clock.Advance(time.Hour)
		d.good(d.edits(devices.Edit{Acknowledge: true}))
		if got := d.device(d.laptop); got.State != devices.StateActive || got.FlaggedReason != "" || !got.FlaggedAt.IsZero() || !got.DoubtedAt.IsZero() {
			t.Errorf("%s, answered: %s for %q", row.name, got.State, got.FlaggedReason)
		}
	}
}

// onLinux is Ada's browser with another system.
func onLinux() http.Header {
	h := home()
	h.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36")
	h.Set("Sec-Ch-Ua-Platform", `"Linux"`)
	return h
}

func (d *desk) edits(e devices.Edit) error {
	actor := by(d.laptop)
	actor.AuthTime = d.clock.Now()
	_, err := d.Edit(d.t.Context(), actor, d.laptop.Device.ID, e)
	return err
}

// An answer reaches what its owner had seen and no further.
func TestAnAnswerDoesNotReachWhatCameAfter(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	first := d.clock.Now()
	d.gets(devices.Flag, 2, 1, 1, home(), from("192.0.2.66"))
	seen := d.device(d.laptop).DoubtedAt
	d.clock.Advance(5 * time.Second)
	d.gets(devices.StepUp, 2, 1, 2, onLinux())
	d.good(d.edits(devices.Edit{Acknowledge: true, Seen: seen}))
	got := d.device(d.laptop)
	if got.State != devices.StateFlagged || !got.FlaggedAt.Equal(first) || !got.DoubtedAt.Equal(d.clock.Now()) {
		t.Errorf("the laptop is %s since %s, last %s", got.State, got.FlaggedAt, got.DoubtedAt)
	}
	d.good(d.edits(devices.Edit{Acknowledge: true, Seen: got.DoubtedAt}))
	if got := d.device(d.laptop); got.State != devices.StateActive {
		t.Errorf("answered, the laptop is %s", got.State)
	}
}

// Who visits sees in the same answer what the visit did.
func TestAVisitShowsTheDeviceAsItLeavesIt(t *testing.T) {
	j := newJourney(t)
	j.clock.Advance(8 * time.Hour)
	all, me, err := j.Visit(t.Context(), by(j.laptop), j.at(london, devicestest.LaptopHeaders(), j.laptop.Secret))
	j.good(err)
	if me.State != devices.StateFlagged || all[0].State != devices.StateFlagged {
		t.Errorf("it shows the laptop as %s, and %s in the list", me.State, all[0].State)
	}
}

// A doubt about the only device does not make every place a usual one.
func TestAFlaggedDeviceVouchesForWhereItWasBefore(t *testing.T) {
	j := newJourney(t)
	j.clock.Advance(2 * time.Hour)
	j.refreshes(london, "step_up 23 new_country new_network impossible_travel") // a thief, turned away
	if thief := j.comes(london, devicestest.ThiefHeaders()); thief.Device.State != devices.StateFlagged {
		t.Errorf("a new device of the thief is %s: %s", thief.Device.State, said(thief.Verdict))
	}

	j = newJourney(t)
	j.clock.Advance(8 * time.Hour)
	j.refreshes(london, "flag 11 new_country new_network") // a thief, let through
	if thief := j.comes(london, devicestest.ThiefHeaders()); thief.Device.State != devices.StateFlagged {
		t.Errorf("a new device of the thief who was let through is %s: %s", thief.Device.State, said(thief.Verdict))
	}
	if phone := j.comes(newYork, devicestest.PhoneHeaders()); phone.Device.State != devices.StateActive {
		t.Errorf("a phone at home is %s: %s", phone.Device.State, said(phone.Verdict))
	}
}
