package devices_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// chain makes the desk's grant one whose tokens Hydra mints.
func (d *desk) chain(held bool) {
	d.t.Helper()
	g := d.held(d.id)
	g.ID, g.Issuer, g.ExternalRef = d.NewID(), devices.IssuerHydra, "c1"
	if !held {
		g.DeviceID = ""
	}
	g, err := d.store.OpenChain(d.t.Context(), g, nil, func(devices.Grant) []devices.Event { return nil })
	d.good(err)
	d.id = g.ID
}

// Requests of one browser reach the hook at slightly different times, and the
// latest of them may be the first to write its judgment. A grant of Hydra's may
// have no device.
func TestParallelFlaggedRefreshesWriteOneJudgment(t *testing.T) {
	for name, held := range map[string]bool{"of a device": true, "of none": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.chain(held)
			holding, err := d.store.Holding(t.Context(), d.id)
			d.good(err)
			var all sync.WaitGroup
			for range 24 {
				d.clock.Advance(time.Millisecond)
				s := d.sees(devicestest.LaptopHeaders())
				all.Go(func() {
					v, err := d.door.Watch(t.Context(), devices.Presented{
						Holding: holding, Binding: devices.BindingObserved, Sighting: s, Bypass: devices.BypassFlagged,
					})
					if err != nil || v.Decision != devices.Flag {
						t.Errorf("%v, %v", v, err)
					}
				})
			}
			all.Wait()
			d.hears(devices.EventDeviceFlagged)
		})
	}
}

// A client that repeats a refused refresh is recorded once a minute.
func TestRepeatedRefusalsWriteOneJudgmentAMinute(t *testing.T) {
	for name, held := range map[string]bool{"of a device": true, "of none": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.chain(held)
			for i := range 4 {
				holding, err := d.store.Holding(t.Context(), d.id)
				d.good(err)
				if i == 3 {
					d.clock.Advance(time.Minute)
				}
				v, err := d.door.Watch(t.Context(), devices.Presented{
					Holding: holding, Binding: devices.BindingObserved, Sighting: d.sees(devicestest.LaptopHeaders()),
					Bypass: devices.BypassRefused,
				})
				if err != nil || v.Decision != devices.Refuse {
					t.Errorf("%v, %v", v, err)
				}
			}
			want := []devices.EventType{devices.EventDeviceRefused, devices.EventDeviceRefused}
			if held {
				want = slices.Insert(want, 1, devices.EventDeviceFlagged)
			}
			d.hears(want...)
		})
	}
}
