package devices_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// Whoever has the password may not flood the owner's list, by any entrance;
// what is known still signs in, and nobody else's list is touched.
func TestNewDevicesWithinAnHour(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.MaxNewPerHour = 3 })
	enrol := func(headers func() devices.Sighting) error {
		_, err := h.Enroll(t.Context(), "ada", headers())
		return err
	}
	held := func(s devices.Sighting) error {
		_, err := h.EnrollHeld(t.Context(), "ada", s, []byte("a secret that an app holds already"))
		return err
	}
	stranger := func() devices.Sighting { return h.sees(devicestest.ThiefHeaders()) }

	start := h.clock.Now()
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	h.clock.Advance(10*time.Minute - time.Second)
	h.signIn("ada", devicestest.ThiefHeaders())
	second := h.signIn("ada", devicestest.ThiefHeaders())
	h.good(h.Logout(t.Context(), by(second))) // an ended one counts as well

	h.refuses(devices.ErrNewDeviceLimit, "a fourth device", func() error { return enrol(stranger) }, "ada")
	h.refuses(devices.ErrDeviceLimit, "a fourth device is at the limit", func() error { return enrol(stranger) }, "ada")
	h.refuses(devices.ErrNewDeviceLimit, "a fourth device beside an Ory", func() error { return held(stranger()) }, "ada")
	if got, want := devices.RetryAt(enrol(stranger)), start.Add(time.Hour); !got.Equal(want) {
		t.Errorf("there is room again at %v, want %v", got, want)
	}
	if met := h.signIn("ada", devicestest.LaptopHeaders(), laptop.Secret); met.New || met.Device.ID != laptop.Device.ID {
		t.Errorf("the laptop is not known: %+v", met)
	}
	h.signIn("grace", devicestest.ThiefHeaders())

	h.clock.Advance(start.Add(time.Hour).Sub(h.clock.Now()))
	h.signIn("ada", devicestest.PhoneHeaders())
	err := enrol(stranger)
	if got, want := devices.RetryAt(err), start.Add(70*time.Minute); !errors.Is(err, devices.ErrNewDeviceLimit) || !got.Equal(want) {
		t.Errorf("got %v, want room again at %v", err, want)
	}
	h.Rules.MaxNewPerHour = 0
	for range 30 {
		h.signIn("ada", devicestest.ThiefHeaders())
	}
}

// The limit is exact however many come at once.
func TestNewDevicesAtOnce(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.MaxNewPerHour = 7 })
	var all sync.WaitGroup
	var refused atomic.Int64
	for range 30 {
		all.Go(func() {
			switch _, err := h.Enroll(t.Context(), "ada", h.sees(devicestest.ThiefHeaders())); {
			case errors.Is(err, devices.ErrNewDeviceLimit):
				refused.Add(1)
			case err != nil:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if h.live("ada") != 7 || refused.Load() != 23 {
		t.Errorf("%d devices, %d refused", h.live("ada"), refused.Load())
	}
}

// At the cap, who comes too often pushes nobody out.
func TestNewDevicesEvictNoMoreThanThat(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.MaxNewPerHour, r.MaxPerSubject = 2, 2 })
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	h.clock.Advance(2 * time.Hour)
	h.signIn("ada", devicestest.ThiefHeaders())
	h.signIn("ada", devicestest.LaptopHeaders(), laptop.Secret)
	h.signIn("ada", devicestest.ThiefHeaders())
	for range 5 {
		if _, err := h.Enroll(t.Context(), "ada", h.sees(devicestest.ThiefHeaders())); !errors.Is(err, devices.ErrNewDeviceLimit) {
			t.Fatalf("got %v", err)
		}
	}
	if d := h.device(laptop); !d.Live() {
		t.Error("the owner's laptop was pushed out")
	}
	if !devices.RetryAt(nil).IsZero() || !devices.RetryAt(devices.ErrDeviceLimit).IsZero() {
		t.Error("nothing has an end")
	}
}

// TestEveryDeviceActs lets each new device act on others: an owner who loses the
// first one can sign it out from the second.
func TestEveryDeviceActs(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.signIn("ada", devicestest.LaptopHeaders()), h.signIn("ada", devicestest.PhoneHeaders())
	if d := h.device(phone); !d.CanUpdateOthers || !d.CanDeleteOthers {
		t.Errorf("the second device: %v %v", d.CanUpdateOthers, d.CanDeleteOthers)
	}
	young := devices.Actor{Subject: "ada", DeviceID: phone.Device.ID, AuthTime: h.clock.Now().Add(-time.Hour)}
	h.refuses(devices.ErrStepUpRequired, "a young device without a fresh sign-in", func() error {
		return h.Revoke(t.Context(), young, laptop.Device.ID)
	}, "ada")
	young.AuthTime = h.clock.Now()
	h.good(h.Revoke(t.Context(), young, laptop.Device.ID))
}
