package webui_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// TestAFreshSignIn: a young device with an old sign-in must prove who is there
// before it ends others; it gets another session with that, and the other device
// has none any more.
func TestAFreshSignIn(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.browser(onWindows), h.browser(onIPhone)
	laptop.signIn()
	phone.signIn()
	target := h.devices()[1].ID
	h.clock.Advance(6 * time.Minute)
	path := "/devices/" + target + "/end"
	laptop.get(path)
	laptop.is(path, http.StatusOK)
	before := laptop.session()
	laptop.submit(path, nil)
	laptop.is("/login", http.StatusOK)
	if h.devices()[1].State == devices.StateRevoked {
		t.Fatal("ended without a fresh sign-in")
	}
	laptop.prove()
	laptop.is("/devices/"+target+"/ended", http.StatusOK)
	if laptop.session() == before {
		t.Error("the session is the one before the sign-in")
	}
	id, _, _ := strings.Cut(before, ".")
	if _, err := h.store.WebSession(t.Context(), id); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("the session before the sign-in: %v", err)
	}
	phone.get("/devices")
	phone.is("/devices", http.StatusUnauthorized)
	if phone.session() != "" || !strings.Contains(phone.page, "This device was signed out") {
		t.Errorf("the phone sees %s", phone.page)
	}
}

// TestSessionsEnd: by idling, and after half a day whatever happens.
func TestSessionsEnd(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	first := laptop.session()
	h.clock.Advance(29 * time.Minute)
	laptop.get("/devices")
	h.clock.Advance(29 * time.Minute)
	laptop.get("/devices")
	if laptop.session() != first {
		t.Error("a session that is used has ended")
	}
	h.clock.Advance(31 * time.Minute)
	laptop.get("/devices") // the sign-in behind it goes on
	laptop.is("/devices", http.StatusOK)
	second := laptop.session()
	if second == first {
		t.Error("an idle session goes on")
	}
	for range 25 {
		h.clock.Advance(29 * time.Minute)
		laptop.get("/devices")
	}
	if laptop.session() == second {
		t.Error("a session goes on for longer than half a day")
	}
	// Signing out ends the sign-in as well.
	laptop.post("/devices/signout", url.Values{})
	laptop.is("/devices/goodbye", http.StatusOK)
	laptop.get("/devices")
	laptop.is("/login", http.StatusOK)
}

// TestEndingTheDeviceAtHand signs out, and the way back is a new device.
func TestEndingTheDeviceAtHand(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	id := h.devices()[0].ID
	laptop.get("/devices/" + id + "/end")
	if !strings.Contains(laptop.page, "you will be signed out") {
		t.Error("it does not say so")
	}
	laptop.post("/devices/"+id+"/end", url.Values{})
	laptop.is("/devices/goodbye", http.StatusOK)
	laptop.get("/devices")
	laptop.prove()
	laptop.is("/devices", http.StatusOK)
	if all := h.devices(); len(all) != 2 || all[0].State != devices.StateRevoked {
		t.Errorf("%d devices, the first is %s", len(all), all[0].State)
	}
}

// TestEdits: names and permissions, and what a page says where they cannot be.
func TestEdits(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.browser(onWindows), h.browser(onIPhone)
	laptop.signIn()
	phone.signIn()
	first, second := h.devices()[0].ID, h.devices()[1].ID
	laptop.post("/devices/"+second+"/name", url.Values{"name": {"  Ada’s phone "}})
	laptop.is("/devices/"+second, http.StatusOK)
	laptop.post("/devices/"+second+"/permissions", url.Values{"update": {"1"}})
	if d := h.devices()[1]; d.Name != "Ada’s phone" || !d.CanUpdateOthers || d.CanDeleteOthers {
		t.Errorf("%+v", d)
	}
	for _, name := range []string{strings.Repeat("x", 256), "a\x00b", "a\nb", "\xff"} {
		laptop.post("/devices/"+second+"/name", url.Values{"name": {name}})
		laptop.is("/devices/"+second+"/name", http.StatusUnprocessableEntity)
		if !strings.Contains(laptop.page, `aria-invalid="true"`) {
			t.Errorf("%q: the field is not marked", name)
		}
	}
	phone.post("/devices/"+first+"/end", url.Values{})
	phone.is("/devices/"+first+"/end", http.StatusForbidden)
	laptop.post("/devices/"+second+"/name", url.Values{"name": {strings.Repeat("x", 20<<10)}})
	if laptop.status != http.StatusUnprocessableEntity {
		t.Errorf("a form without end: %d", laptop.status)
	}
	laptop.get("/devices/password") // kept elsewhere
	laptop.is("/devices/password", http.StatusNotFound)
}

// TestManyDevices holds the list to its numbers.
func TestManyDevices(t *testing.T) {
	database, counter := pgtest.Count(t, pgtest.Fresh(t))
	h := newHouseOn(t, database)
	laptop := h.browser(onWindows)
	laptop.signIn()
	h.fill(500)
	for _, path := range []string{"/devices", "/devices?page=9", "/devices?page=99999", "/devices?ended=1"} {
		laptop.get(path)
		counter.Reset()
		laptop.get(path)
		laptop.is("/devices", http.StatusOK)
		if c := counter.Counts(); c.RoundTrips > 3 || c.Rows > 0 {
			t.Errorf("%s: %+v", path, c)
		}
		if size := len(laptop.page); size > 50<<10 {
			t.Errorf("%s: %d bytes", path, size)
		}
		t.Logf("%s: %d bytes, %+v", path, len(laptop.page), counter.Counts())
	}
	laptop.get("/devices/others")
	if size := len(laptop.page); size > 50<<10 || !strings.Contains(compact(laptop.page), "and 480 more") {
		t.Errorf("others: %d bytes", size)
	}
}

// Devices that are too young to be signed out by another stay with "all others",
// and the pages say so before and after.
func TestAllOthersLeavesYoungDevices(t *testing.T) {
	h := newHouse(t)
	h.registry.Rules.DeleteDelay = 2 * time.Hour
	laptop, phone := h.browser(onWindows), h.browser(onIPhone)
	laptop.signIn()
	h.clock.Advance(48 * time.Hour)
	phone.signIn()
	laptop.signIn()
	const still = "added too recently to be signed out from another device. This is possible after"
	laptop.get("/devices/others")
	if page := compact(laptop.page); !strings.Contains(page, still) || strings.Contains(page, "Nothing to show") {
		t.Error(page)
	}
	laptop.post("/devices/others", url.Values{})
	if page := compact(laptop.page); !strings.Contains(page, "Still signed in") || !strings.Contains(page, still) {
		t.Error(page)
	}
	if d := h.devices()[1]; d.State == devices.StateRevoked {
		t.Errorf("the phone was ended: %+v", d)
	}
	h.clock.Advance(3 * time.Hour)
	laptop.get("/devices") // the sign-in is still known
	laptop.post("/devices/others", url.Values{})
	if page := compact(laptop.page); strings.Contains(page, still) {
		t.Error(page)
	}
	if d := h.devices()[1]; d.State != devices.StateRevoked {
		t.Errorf("the phone was kept: %+v", d)
	}
}
