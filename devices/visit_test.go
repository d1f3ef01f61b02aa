package devices_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

func TestASessionComesWithItsDevice(t *testing.T) {
	h, cursor := newHouse(t), ""
	laptop := h.signIn("ada", devicestest.LaptopHeaders())
	phone := h.signIn("ada", devicestest.PhoneHeaders())
	h.good(h.Logout(t.Context(), by(phone)))
	bobs := h.signIn("bob", devicestest.LaptopHeaders())
	h.told(&cursor)
	id := laptop.Device.ID
	for _, row := range []struct {
		name    string
		device  string
		headers http.Header
		secrets [][]byte
		want    devices.Decision
		reasons []devices.Reason
		hears   []devices.EventType
		visit   error
	}{
		{"as ever", id, devicestest.LaptopHeaders(), [][]byte{laptop.Secret}, devices.Allow, nil, nil, nil},
		{"with another subject's cookie too", id, devicestest.LaptopHeaders(), [][]byte{bobs.Secret, laptop.Secret},
			devices.Allow, nil, nil, nil},
		{"without the device cookie", id, devicestest.LaptopHeaders(), nil, devices.Refuse,
			because(devices.ReasonCookieMismatch), []devices.EventType{devices.EventHijackSuspected}, devices.ErrRefused},
		{"with another browser's cookie", id, devicestest.LaptopHeaders(), [][]byte{bobs.Secret}, devices.StepUp,
			because(devices.ReasonCookieMismatch), []devices.EventType{devices.EventHijackSuspected}, devices.ErrRefused},
		{"with both cookies on another machine", id, devicestest.ThiefHeaders(), [][]byte{laptop.Secret}, devices.Refuse,
			because(devices.ReasonOSChanged, devices.ReasonBrowserChanged),
			[]devices.EventType{devices.EventHijackSuspected}, devices.ErrRefused},
		{"of a device that has ended", phone.Device.ID, devicestest.PhoneHeaders(), [][]byte{phone.Secret},
			devices.Refuse, because(devices.ReasonDeviceRevoked), nil, devices.ErrRevoked},
		{"of another subject's device", bobs.Device.ID, devicestest.LaptopHeaders(), [][]byte{bobs.Secret},
			devices.Refuse, nil, nil, devices.ErrNotRecognized},
		{"of no device", "", devicestest.LaptopHeaders(), nil, devices.Refuse, nil, nil, devices.ErrNoDevice},
	} {
		s := h.sees(row.headers, row.secrets...)
		hears := slices.Clone(row.hears)
		if row.hears != nil {
			hears = append(hears, devices.EventDeviceFlagged)
		}
		v, err := h.Revisit(t.Context(), "ada", row.device, s)
		if err != nil || v.Decision != row.want {
			t.Errorf("a session %s: %s, %v; want %s", row.name, v.Decision, err, row.want)
		}
		same(t, row.name, v.Reasons(), row.reasons)
		same(t, row.name+", told", h.told(&cursor), hears)

		s.At = s.At.Add(time.Minute) // the same again, sooner, would not be told again
		list, own, err := h.Visit(t.Context(), devices.Actor{Subject: "ada", DeviceID: row.device}, s)
		if !errors.Is(err, row.visit) {
			t.Errorf("a visit %s: %v, want %v", row.name, err, row.visit)
		}
		if err == nil && (own.ID != id || len(list) != 2) {
			t.Errorf("a visit %s shows %d devices, its own is %s", row.name, len(list), own.ID)
		}
		if err != nil && (list != nil || own.ID != "") {
			t.Errorf("a refused visit %s shows %d devices", row.name, len(list))
		}
		same(t, row.name+", told of the visit", h.told(&cursor), row.hears)
		want := devices.StateActive
		if row.hears != nil {
			want = devices.StateFlagged
		}
		if d := h.device(laptop); d.State != want {
			t.Errorf("a session %s left the laptop %s", row.name, d.State)
		}
		_, err = h.Edit(t.Context(), by(laptop), id, devices.Edit{Acknowledge: true})
		h.good(err)
		h.told(&cursor)
	}
}
