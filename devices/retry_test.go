package devices_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// A thief who repeats each refresh of the owner within the grace is given the
// same successor, and the owner is told, once for each network.
func TestWhoRepeatsFromElsewhereIsTold(t *testing.T) {
	d := newDesk(t)
	d.gets(devices.Allow, 2, 1, 1, home())
	d.hears()
	repeats := func(g int64, addr string, headers http.Header) devices.Verdict {
		t.Helper()
		d.clock.Advance(4 * time.Second)
		a, err := d.presents(g-1, headers, from(addr))
		d.good(err)
		if a.Grant.Generation != g {
			t.Errorf("the retry is answered with %d, want %d", a.Grant.Generation, g)
		}
		return a.Verdict
	}
	if v := repeats(2, "192.0.2.66", home()); v.Decision != devices.Flag {
		t.Errorf("a retry from elsewhere: %s %v", v.Decision, v.Reasons())
	}
	d.hears(devices.EventDeviceFlagged)
	if v := repeats(2, "192.0.2.99", home()); v.Decision != devices.Flag || d.judgments() != 1 {
		t.Errorf("again from there: %s %v, %d judgments kept", v.Decision, v.Reasons(), d.judgments())
	}
	d.hears()

	// The owner is where the owner was, and goes on.
	if last := d.device(d.laptop).Last.Addr.String(); last != "203.0.113.10" {
		t.Errorf("the thief moved the device to %s", last)
	}
	d.clock.Advance(time.Hour)
	d.gets(devices.Allow, 3, 2, 2, home())
	repeats(3, "192.0.2.66", home())
	d.hears()
	repeats(3, "198.51.100.66", home())
	d.hears(devices.EventDeviceFlagged)
	d.clock.Advance(time.Hour)
	d.gets(devices.Allow, 4, 3, 3, home())
	if v := repeats(4, "203.0.113.77", home()); v.Decision != devices.Allow {
		t.Errorf("a retry from home: %s %v", v.Decision, v.Reasons())
	}
	d.hears()
	if d.device(d.laptop).State != devices.StateFlagged || !d.held(d.id).Live(d.clock.Now()) {
		t.Error("a retry ended something")
	}

	// Nor does it teach what the grant looks like.
	german := home()
	german.Set("Accept-Language", "de")
	before := d.held(d.id)
	repeats(4, "198.18.0.1", german)
	d.hears(devices.EventDeviceFlagged)
	if after := d.held(d.id); !after.Baseline.Fingerprint.Equal(before.Baseline.Fingerprint) || !after.RotatedAt.Equal(before.RotatedAt) {
		t.Errorf("the retry taught %v and moved the grace from %v to %v", after.Baseline.Fingerprint, before.RotatedAt, after.RotatedAt)
	}
}

// Observing keeps it and tells nobody; other looks from elsewhere end the
// grant as they do from anywhere.
func TestWhoRepeatsFromElsewhereInOtherModesAndLooks(t *testing.T) {
	d := newDesk(t)
	d.Policy.Mode = devices.ModeObserve
	d.gets(devices.Allow, 2, 1, 1, home())
	v := d.gets(devices.Allow, 2, 1, 1, home(), from("192.0.2.66"))
	if v.Would != devices.Flag || d.judgments() != 1 {
		t.Errorf("would %s, %d judgments kept", v.Would, d.judgments())
	}
	d.hears()
	d.Policy.Mode = devices.ModeEnforce
	d.gets(devices.Refuse, 2, 1, 1, devicestest.ThiefHeaders(), from("192.0.2.66"))
	d.hears(devices.EventReuseDetected, devices.EventDeviceRefused, devices.EventGrantRevoked, devices.EventDeviceFlagged)
}
