package devices_test

import (
	"bytes"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

func TestOnlyTheFirstDeviceActs(t *testing.T) {
	h, cursor := newHouse(t, firstOnly), ""
	first := h.signIn("ada", devicestest.LaptopHeaders())
	if !first.New || len(first.Secret) != 32 || first.Device.Tier != devices.TierCookie ||
		first.Verdict.Decision != devices.Allow {
		t.Errorf("the first sign-in is %+v", first)
	}
	stored := h.device(first)
	if !bytes.Equal(stored.CookieHash, devices.CookieHash(first.Secret)) || bytes.Contains(stored.CookieHash, first.Secret) {
		t.Error("what is stored is not the hash of the secret")
	}
	second := h.signIn("ada", devicestest.PhoneHeaders())
	if d := h.device(first); !d.CanUpdateOthers || !d.CanDeleteOthers {
		t.Error("the first device lacks its permissions")
	}
	if d := h.device(second); d.CanUpdateOthers || d.CanDeleteOthers {
		t.Error("a later device has permissions")
	}
	same(t, "told", h.told(&cursor), []devices.EventType{devices.EventDeviceEnrolled, devices.EventDeviceEnrolled})
}

func TestADeviceIsRecognisedByItsCookie(t *testing.T) {
	h, cursor := newHouse(t), ""
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	h.told(&cursor)
	h.clock.Advance(time.Hour)

	later := devicestest.LaptopHeaders()
	later.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "+
		"Chrome/143.0.0.0 Safari/537.36")
	for name := range later {
		if name != "User-Agent" {
			later.Del(name) // no hints this time
		}
	}
	again := h.signIn("ada", later, devicestest.Secret(devicestest.Phone("bob")), laptop.Secret)
	if again.New || again.Secret != nil || again.Device.ID != laptop.Device.ID || again.Verdict.Decision != devices.Allow {
		t.Errorf("the laptop came back as %+v", again)
	}
	d := h.device(laptop)
	if d.Fingerprint[devices.SignalBrowserVersion] != "143" || d.Fingerprint[devices.SignalOSVersion] != "11" {
		t.Errorf("remembered is %v, want the new browser and the system that nobody could see now", d.Fingerprint)
	}
	if !d.LastSeen.Equal(h.clock.Now().Add(-time.Second)) || !d.CreatedAt.Equal(devicestest.Start()) {
		t.Errorf("seen last at %s, enrolled at %s", d.LastSeen, d.CreatedAt)
	}
	same(t, "told", h.told(&cursor), nil)
	history, err := h.store.History(t.Context(), "ada", laptop.Device.ID, devices.Page{})
	h.good(err)
	if len(history) != 2 || history[0].Sighting.Fingerprint[devices.SignalBrowserVersion] != "143" {
		t.Errorf("the history is %+v", history)
	}
}

func TestWithoutItsCookieADeviceIsNew(t *testing.T) {
	h := newHouse(t)
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	for name, secrets := range map[string][][]byte{
		"no cookie":                nil,
		"a guessed one":            {make([]byte, 32)},
		"one of another subject's": {h.signIn("bob", devicestest.LaptopHeaders()).Secret},
	} {
		again := h.signIn("ada", devicestest.LaptopHeaders(), secrets...)
		if !again.New || again.Device.ID == laptop.Device.ID || again.Verdict.Decision != devices.Allow {
			t.Errorf("%s: %+v", name, again)
		}
	}
}

func TestACopiedCookieMakesAFlaggedDevice(t *testing.T) {
	h, cursor := newHouse(t, firstOnly), ""
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	before := h.device(laptop)
	h.told(&cursor)
	thief := h.signIn("ada", devicestest.ThiefHeaders(), laptop.Secret)
	if !thief.New || thief.Device.State != devices.StateFlagged || thief.Verdict.Decision != devices.Flag ||
		thief.Device.FlaggedReason != devices.ReasonOSChanged || thief.Device.CanDeleteOthers {
		t.Errorf("the thief is %+v", thief)
	}
	if bytes.Equal(thief.Secret, laptop.Secret) || thief.Secret == nil {
		t.Error("the thief was given no secret of their own")
	}
	if after := h.device(laptop); !after.Fingerprint.Equal(before.Fingerprint) || after.State != devices.StateActive {
		t.Error("the laptop was touched")
	}
	same(t, "told", h.told(&cursor), []devices.EventType{
		devices.EventDeviceEnrolled, devices.EventLoginSuspicious, devices.EventDeviceFlagged,
	})
}

func TestOfTwoDevicesInOneCookieTheOneThatLooksLikeNowIsMet(t *testing.T) {
	h := newHouse(t)
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	changed := h.signIn("ada", devicestest.ThiefHeaders(), laptop.Secret)
	for _, row := range []struct {
		headers http.Header
		want    devices.Enrolment
	}{
		{devicestest.LaptopHeaders(), laptop}, {devicestest.ThiefHeaders(), changed},
	} {
		if again := h.signIn("ada", row.headers, changed.Secret, laptop.Secret); again.Device.ID != row.want.Device.ID {
			t.Errorf("%s met %s", row.want.Device.Fingerprint.Describe(), again.Device.ID)
		}
	}
	third := h.signIn("ada", devicestest.PhoneHeaders(), changed.Secret, laptop.Secret)
	if !third.New || third.Device.State != devices.StateFlagged {
		t.Errorf("a phone with both cookies is %+v", third.Device)
	}
}

func TestASuspiciousReturnFlagsTheDeviceOnce(t *testing.T) {
	h, cursor := newHouse(t), ""
	old := func(version string) http.Header {
		return devicestest.Headers("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:" + version + ") Gecko/20100101 Firefox/" + version)
	}
	laptop := h.signIn("ada", old("144.0"))
	h.told(&cursor)
	for _, version := range []string{"140.0", "128.0"} {
		again := h.signIn("ada", old(version), laptop.Secret)
		if again.New || again.Device.State != devices.StateFlagged || again.Device.FlaggedReason != devices.ReasonDowngrade {
			t.Errorf("with Firefox %s: %+v", version, again)
		}
	}
	same(t, "told", h.told(&cursor), []devices.EventType{devices.EventDeviceFlagged})
}

func TestTheCookieOfAnEndedDevice(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(h *house, laptop, phone devices.Enrolment) error
		want devices.State
	}{
		{"who signed out is anybody new", func(h *house, laptop, _ devices.Enrolment) error {
			return h.Logout(h.t.Context(), by(laptop))
		}, devices.StateActive},
		{"who was ended by the owner must be looked at", func(h *house, laptop, phone devices.Enrolment) error {
			_, err := h.Edit(h.t.Context(), by(laptop), phone.Device.ID, devices.Edit{CanDeleteOthers: ptr(true)})
			return errors.Join(err, h.Revoke(h.t.Context(), by(phone), laptop.Device.ID))
		}, devices.StateFlagged},
		{"who was ended by an operator must be looked at", func(h *house, laptop, _ devices.Enrolment) error {
			return h.RevokeByOperator(h.t.Context(), "ada", laptop.Device.ID)
		}, devices.StateFlagged},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHouse(t)
			laptop := h.signIn("ada", devicestest.LaptopHeaders())
			phone := h.signIn("ada", devicestest.PhoneHeaders())
			h.good(row.end(h, laptop, phone))
			again := h.signIn("ada", devicestest.LaptopHeaders(), laptop.Secret)
			if !again.New || again.Device.ID == laptop.Device.ID || again.Device.State != row.want {
				t.Errorf("came back as %s device %s, new %t", again.Device.State, again.Device.ID, again.New)
			}
			if h.device(laptop).State != devices.StateRevoked {
				t.Error("the tombstone is gone")
			}
		})
	}
}

func TestADisabledSubjectEnrollsNothing(t *testing.T) {
	h := newHouse(t)
	h.addUser("ada")
	h.signIn("ada", devicestest.LaptopHeaders())
	h.good(h.store.SetUserDisabled(t.Context(), "ada", true, h.clock.Now()))
	h.refuses(devices.ErrDisabled, "enrolling", func() error {
		_, err := h.Enroll(t.Context(), "ada", h.sees(devicestest.PhoneHeaders()))
		return err
	}, "ada")
}

func TestTheCap(t *testing.T) {
	atMost := func(n int, e devices.Eviction) func(*devices.Rules) {
		return func(r *devices.Rules) { r.MaxPerSubject, r.Eviction = n, e }
	}
	for _, row := range []struct {
		eviction devices.Eviction
		gone     string
		err      error
	}{
		{devices.EvictIdleOldest, "phone", nil},
		{devices.EvictOldest, "laptop", nil},
		{devices.EvictRefuseNew, "", devices.ErrDeviceLimit},
	} {
		t.Run(string(row.eviction), func(t *testing.T) {
			h, cursor := newHouse(t, atMost(2, row.eviction), firstOnly), ""
			devs := map[string]devices.Enrolment{
				"laptop": h.signIn("ada", devicestest.LaptopHeaders()),
				"phone":  h.signIn("ada", devicestest.PhoneHeaders()),
			}
			h.signIn("ada", devicestest.LaptopHeaders(), devs["laptop"].Secret) // seen last, enrolled first
			bobs := h.signIn("bob", devicestest.PhoneHeaders())
			grants := map[string]string{"laptop": h.grant(devs["laptop"]), "phone": h.grant(devs["phone"])}
			h.clock.Advance(time.Minute)
			h.signIn("ada", devicestest.LaptopHeaders(), devs["laptop"].Secret)
			h.told(&cursor)

			tablet, err := h.Enroll(t.Context(), "ada", h.sees(devicestest.TabletHeaders()))
			if !errors.Is(err, row.err) {
				t.Fatalf("got %v, want %v", err, row.err)
			}
			for name, e := range devs {
				gone := h.device(e).State == devices.StateRevoked
				if gone != (name == row.gone) || h.held(grants[name]).RevokedAt.IsZero() == gone {
					t.Errorf("%s is gone: %t, and its grant: %t", name, gone, !h.held(grants[name]).RevokedAt.IsZero())
				}
			}
			if !h.device(bobs).Live() {
				t.Error("another subject's device made room")
			}
			if row.err != nil {
				same(t, "told", h.told(&cursor), nil)
				return
			}
			if d := h.device(tablet); !d.Live() || d.CanDeleteOthers {
				t.Errorf("the newcomer is %+v", d)
			}
			if d := h.device(devs[row.gone]); d.RevokedReason != devices.ReasonDeviceLimit || d.RevokedBy != "policy" {
				t.Errorf("ended because of %s by %s", d.RevokedReason, d.RevokedBy)
			}
			same(t, "told", h.told(&cursor), []devices.EventType{
				devices.EventDeviceRevoked, devices.EventGrantRevoked, devices.EventDeviceEnrolled,
			})
		})
	}
}

func TestWhoReturnsAtTheCapPushesNobodyOut(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.MaxPerSubject = 2 })
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	phone := h.signIn("ada", devicestest.PhoneHeaders())
	h.signIn("ada", devicestest.LaptopHeaders(), laptop.Secret)
	if !h.device(laptop).Live() || !h.device(phone).Live() {
		t.Error("a device had to go")
	}
}

func TestALoweredCapMakesRoom(t *testing.T) {
	h := newHouse(t)
	for range 5 {
		h.signIn("ada", devicestest.LaptopHeaders())
	}
	h.Rules.MaxPerSubject = 2
	newest := h.signIn("ada", devicestest.PhoneHeaders())
	if n := h.live("ada"); n != 2 || !h.device(newest).Live() {
		t.Errorf("%d devices live, want 2 with the newest", n)
	}
}

func TestManyEnrollAtOnceUnderTheCap(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.MaxPerSubject = 3 }, firstOnly)
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			if _, err := h.Enroll(t.Context(), "ada", h.sees(devicestest.LaptopHeaders())); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := h.live("ada"); n != 3 {
		t.Errorf("%d devices live, want 3", n)
	}
	known, err := h.store.Devices(t.Context(), "ada")
	h.good(err)
	mighty := 0
	for _, d := range known {
		if d.CanDeleteOthers {
			mighty++
		}
	}
	if len(known) != 12 || mighty != 1 {
		t.Errorf("%d devices, %d of them were first", len(known), mighty)
	}
}

// TestWhoPushesTheOnlyDeviceOutIsNotTheFirst: an intruder at a cap of one ends
// the owner's device, and does not inherit what it might do.
func TestWhoPushesTheOnlyDeviceOutIsNotTheFirst(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.MaxPerSubject = 1 }, firstOnly)
	owner := h.signIn("ada", devicestest.LaptopHeaders())
	intruder := h.signIn("ada", devicestest.ThiefHeaders())
	if h.device(owner).Live() {
		t.Fatal("two devices under a cap of one")
	}
	if d := h.device(intruder); d.CanUpdateOthers || d.CanDeleteOthers {
		t.Errorf("the intruder's device may act on others: %v %v", d.CanUpdateOthers, d.CanDeleteOthers)
	}
}
