package ory_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/ory"
)

// legs are what is to be ended elsewhere now.
func (h *house) legs() []devices.Leg {
	h.t.Helper()
	legs, err := h.store.LeaseLegs(h.t.Context(), h.clock.Now(), h.clock.Now().Add(time.Minute), 500)
	if err != nil {
		h.t.Fatal(err)
	}
	return legs
}

// A session that is tied while its device is being ended was no event's to end.
func TestSessionsThatOutliveTheirDevice(t *testing.T) {
	h := open(t)
	now := h.clock.Now()
	d := h.enrolled()
	for _, id := range []string{"s", "t"} {
		h.kratos.says("GET /admin/sessions/"+id, http.StatusOK, session(id, true, now, now.Add(time.Hour)))
		h.tie(d, devices.TieKratosSession, id)
	}
	h.tie(d, devices.TieHydraLogin, "sid")
	once := func(want int) {
		t.Helper()
		if err := h.sweep().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		legs := h.legs()
		for _, l := range legs {
			if l.DeviceID != d.ID || l.Subject != "ada" || l.State != devices.LegPending {
				t.Errorf("%+v", l)
			}
		}
		if len(legs) != want {
			t.Errorf("%d legs, want %d: %+v", len(legs), want, legs)
		}
	}
	once(0)
	if _, err := h.registry.RevokeAllBut(t.Context(), "ada", "", devices.ReasonOperator); err != nil {
		t.Fatal(err)
	}
	once(3)
	once(0) // they are on their way
}

// More than are read at once, of somebody who is disabled.
func TestSessionsOfADisabledSubject(t *testing.T) {
	h := open(t)
	d := h.enrolled()
	for n := range 250 {
		h.tie(d, devices.TieHydraLogin, "sid-"+time.Duration(n).String())
	}
	if err := h.store.SetUserDisabled(t.Context(), "ada", true, h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := h.sweep().Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(h.legs()); n != 250 {
		t.Errorf("%d legs, want 250", n)
	}
}

// Where there is no Kratos, logins at Hydra outlive nobody either.
func TestLoginsOfADisabledSubjectWithoutKratos(t *testing.T) {
	h := open(t)
	h.client = ory.New(ory.Config{HydraAdmin: "http://127.0.0.1:1", HTTP: http.DefaultClient, Now: h.clock.Now})
	d := h.enrolled()
	h.tie(d, devices.TieHydraLogin, "sid")
	h.tie(d, devices.TieKratosSession, "from when there was one")
	if err := h.sweep().Once(t.Context()); err != nil {
		t.Error(err)
	}
	if err := h.store.SetUserDisabled(t.Context(), "ada", true, h.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := h.sweep().Once(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(h.legs()); n != 2 {
		t.Errorf("%d legs, want 2", n)
	}
}

// Kratos saves a session after its hooks have run: one that is not there yet
// is asked for again.
func TestASessionThatIsNotSavedYet(t *testing.T) {
	const all = "GET /admin/identities/ada/sessions"
	h := open(t)
	at := h.clock.Now()
	h.kratos.says(all, http.StatusOK, "[]")
	h.kratos.says("DELETE /admin/sessions/s", http.StatusNoContent, "")
	leg := devices.Leg{Kind: devices.LegKratosNew, Ref: devices.KratosNew("ada", at), State: devices.LegPending}
	h.clock.Advance(9 * time.Second)
	if l, err := h.client.End(t.Context(), leg); err == nil {
		t.Errorf("done before it could begin: %+v", l)
	}
	h.kratos.says(all, http.StatusOK, "["+session("s", true, at, at.Add(time.Hour))+"]")
	if l, err := h.client.End(t.Context(), leg); err != nil || l.State != devices.LegDone || !has(h.kratos.asked, "DELETE /admin/sessions/s") {
		t.Errorf("%+v, %v, %q", l, err, h.kratos.asked)
	}
	h.kratos.says(all, http.StatusOK, "[]")
	h.clock.Advance(time.Second)
	if l, err := h.client.End(t.Context(), leg); err != nil || l.State != devices.LegDone {
		t.Errorf("one that never was: %+v, %v", l, err)
	}
}
