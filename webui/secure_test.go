package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// appOn gives a device of Ada's an app's access.
func (h *house) appOn(device string) string {
	h.t.Helper()
	id := newID()
	err := h.store.OpenGrant(h.t.Context(), devices.Grant{
		ID: id, Subject: "ada", ClientID: "notes", DeviceID: device, CreatedAt: h.clock.Now(),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// endedBecause returns why a grant has ended; empty if it is live.
func (h *house) endedBecause(id string) devices.Reason {
	h.t.Helper()
	held, err := h.store.Holding(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return held.Grant.RevokedReason
}

// doubted leaves a device flagged after a refusal of an app's refresh.
func (h *house) doubted(device, grant string) {
	h.t.Helper()
	ctx, now := h.t.Context(), h.clock.Now()
	verdict := devices.Verdict{
		Decision: devices.StepUp, Would: devices.StepUp, PolicyVersion: "v1",
		Evidence: []devices.Evidence{{Reason: devices.ReasonOSChanged, Weight: 20, Before: "iOS", After: "Linux"}},
	}
	seen := devices.Sighting{At: now, Fingerprint: devices.Fingerprint{devices.SignalBrowser: "Firefox", devices.SignalOS: "Linux"}}
	seen.Network.City = "Leeds"
	err := h.store.Change(ctx, "ada", func(tx devices.Tx) error {
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		for _, d := range known {
			if d.ID != device {
				continue
			}
			d, _ = d.Doubted(verdict, now)
			if err := tx.Put(ctx, d); err != nil {
				return err
			}
		}
		return tx.Record(ctx, devices.Judgment{
			ID: newID(), Subject: "ada", DeviceID: device, GrantID: grant, ClientID: "notes", Sighting: seen, Verdict: verdict,
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestAnAlertIsAnswered: the page of a flagged device says what was blocked, and
// offers the access that a copy of was used: ending that leaves the device alone.
func TestAnAlertIsAnswered(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.browser(onWindows), h.browser(onIPhone)
	laptop.signIn()
	phone.signIn()
	id := h.devices()[1].ID
	copied, other := h.appOn(id), h.appOn(id)
	h.doubted(id, copied)
	for _, b := range []*browser{laptop, phone} { // from elsewhere and from itself
		b.get("/devices/" + id)
		for _, want := range []string{
			"Needs your attention", "An attempt to use \u2068notes\u2069 from \u2068Firefox on Linux (Leeds)\u2069 was blocked.",
			"Nothing was given out", `href="/devices/secure"`, "This was me", `name="grant" value="` + copied + `"`,
		} {
			if !strings.Contains(b.page, want) {
				t.Errorf("no %q in\n%s", want, b.page)
			}
		}
	}
	laptop.post("/devices/"+h.devices()[0].ID+"/app", url.Values{"grant": {copied}}) // it is not there
	if why := h.endedBecause(copied); why != "" {
		t.Fatalf("a grant ended on another device: %q", why)
	}
	laptop.get("/devices/" + id)
	laptop.submit("/devices/"+id+"/app", nil)
	laptop.is("/devices/"+id, http.StatusOK)
	if h.endedBecause(copied) != devices.ReasonNotMe || h.endedBecause(other) != "" || !h.live(id) {
		t.Errorf("the copied access: %q, the other: %q, the phone is live: %t",
			h.endedBecause(copied), h.endedBecause(other), h.live(id))
	}
	if !strings.Contains(laptop.page, "has ended, so copies of it do not work any more") {
		t.Errorf("the page does not say that it has ended:\n%s", laptop.page)
	}
}

// TestSecureTheAccount: a fresh sign-in, then everything else is signed out, the
// apps on this device too, and it says where the password is changed.
func TestSecureTheAccount(t *testing.T) {
	h := newHouse(t)
	phone := h.browser(onIPhone)
	h.browser(onWindows).signIn()
	phone.signIn()
	h.clock.Advance(48 * time.Hour) // old enough: securing needs the sign-in all the same
	phone.get("/devices")
	phone.prove()
	h.clock.Advance(10 * time.Minute)
	laptop, own := h.devices()[0].ID, h.devices()[1].ID
	app := h.appOn(own)
	phone.get("/devices/secure")
	phone.is("/devices/secure", http.StatusOK)
	phone.submit("/devices/secure", nil)
	if !h.live(laptop) || h.endedBecause(app) != "" {
		t.Fatal("done without a fresh sign-in")
	}
	phone.prove()
	phone.is("/devices/others/ended", http.StatusOK)
	if h.live(laptop) || !h.live(own) || h.endedBecause(app) != devices.ReasonNotMe {
		t.Errorf("the laptop is live: %t, the phone: %t, its app ended as %q", h.live(laptop), h.live(own), h.endedBecause(app))
	}
	if !strings.Contains(phone.page, "Change it where you sign in") {
		t.Errorf("no word of the password:\n%s", phone.page)
	}
}

// TestWhoMaySecure: a device that may neither sign out others nor have a new
// password cannot secure the account.
func TestWhoMaySecure(t *testing.T) {
	h := newHouse(t)
	h.registry.Rules.EveryDeviceActs = false
	h.browser(onWindows).signIn()
	phone := h.browser(onIPhone)
	phone.signIn()
	phone.get("/devices/secure") // no passwords are kept in this house
	phone.is("/devices/secure", http.StatusForbidden)
	phone.do("POST", h.issuer+"/devices/secure", url.Values{})
	if phone.status != http.StatusForbidden || !h.live(h.devices()[0].ID) {
		t.Errorf("status %d; the laptop is live: %t", phone.status, h.live(h.devices()[0].ID))
	}
}
