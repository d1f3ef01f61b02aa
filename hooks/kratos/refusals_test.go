package kratos_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

func TestAnEndedDeviceIsKeptOut(t *testing.T) {
	h := open(t)
	body := recorded(t, "login_app")
	subject := identity(t, body)
	h.goesOn("login", body)
	d := h.one(subject)
	if _, err := h.hooks.Registry.RevokeAllBut(t.Context(), subject, "", devices.ReasonOwner); err != nil {
		t.Fatal(err)
	}
	if said := h.stops("login", body, "device_revoked"); said["device_id"] != d.ID {
		t.Errorf("it does not say which: %v", said)
	}
	h.stops("recovery", body, "device_revoked")
	h.stops("settings", body, "device_revoked")
	// An app that was installed anew has a secret of its own.
	h.goesOn("login", recorded(t, "login_app", "61mdAW_tox4uw5WCkZXHYN", "71mdAW_tox4uw5WCkZXHYN"))
}

func TestAFullCapKeepsANewDeviceOut(t *testing.T) {
	h := open(t)
	h.hooks.Registry.Rules.MaxPerSubject, h.hooks.Registry.Rules.Eviction = 1, devices.EvictRefuseNew
	body := recorded(t, "login_app")
	h.goesOn("login", body)
	another := recorded(t, "login_app", "61mdAW_tox4uw5WCkZXHYN", "71mdAW_tox4uw5WCkZXHYN")
	h.stops("login", another, "device_limit")
	h.stops("recovery", another, "device_limit")
	h.goesOn("login", body)
	h.hooks.Registry.Rules.Eviction = devices.EvictIdleOldest
	h.clock.Advance(time.Minute)
	h.goesOn("login", another)
	list := h.devices(identity(t, body))
	if len(list) != 2 || list[0].Live() == list[1].Live() {
		t.Errorf("devices: %+v", list)
	}
}

func TestADisabledSubjectIsKeptOut(t *testing.T) {
	h := open(t)
	body := recorded(t, "login_browser")
	h.goesOn("login", body)
	if err := h.store.SetUserDisabled(t.Context(), identity(t, body), true, h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	h.stops("login", body, "subject_disabled")
	h.stops("recovery", body, "subject_disabled")
}

// A store in trouble is a 503, which Kratos tries again; nobody is told that
// their device is to blame.
func TestTroubleIsNoRefusal(t *testing.T) {
	h := open(t)
	body := recorded(t, "login_browser")
	h.goesOn("login", body)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"login", "registration", "recovery", "settings"} {
		if status, text := h.post(path, key, bytes.NewReader(body)); status != http.StatusServiceUnavailable || text != "" {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestWhoRevokesTheOthers(t *testing.T) {
	for _, tt := range []struct {
		name, path, form string
		left             int
	}{
		{"nobody asks", "settings", `null`, 2},
		{"the person asks", "settings", `"others"`, 1},
		{"the person asks for something else", "settings", `"all"`, 2},
		{"the operator asks", "settings?revoke=others", `null`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			body := recorded(t, "settings", `"revoke": null`, `"revoke": `+tt.form)
			subject := identity(t, body)
			h.goesOn("login", body)
			own := h.one(subject)
			phone := devicestest.Returns(devicestest.Phone(subject))
			if _, err := h.hooks.Registry.EnrollHeld(t.Context(), subject, phone, nil); err != nil {
				t.Fatal(err)
			}
			h.goesOn(tt.path, body)
			live := 0
			for _, d := range h.devices(subject) {
				if d.Live() {
					live++
				} else if d.ID == own.ID || d.RevokedReason != devices.ReasonPasswordChanged || !d.MayReturn() {
					t.Errorf("ended: %+v", d)
				}
			}
			if live != tt.left {
				t.Errorf("%d devices live, want %d", live, tt.left)
			}
		})
	}
}
