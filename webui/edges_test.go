package webui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// judged gives a device of Ada's that many judgments, a minute apart, the last
// one a minute ago.
func (h *house) judged(id string, n int) {
	h.t.Helper()
	ctx, now := context.Background(), h.clock.Now()
	err := h.store.Change(ctx, "ada", func(tx devices.Tx) error {
		for i := range n {
			at := now.Add(-time.Duration(n-i) * time.Minute)
			err := tx.Record(ctx, devices.Judgment{
				ID: newID(), Subject: "ada", DeviceID: id, GrantID: fmt.Sprintf("g-%d", i%7), ClientID: strings.Repeat("client ", 30),
				Sighting: devices.Sighting{At: at, Entrance: devices.EntranceProvider, Fingerprint: devices.Fingerprint{
					devices.SignalBrowser: strings.Repeat("Browser", 9), devices.SignalOS: strings.Repeat("System", 9),
				}},
				Verdict: devices.Verdict{Decision: devices.Refuse, Would: devices.Refuse, PolicyVersion: "1", Evidence: []devices.Evidence{
					{Reason: devices.ReasonOSChanged, Before: "Windows", After: "Linux", Weight: 20},
				}},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestFiveThousandJudgments: each page of a long history costs what the first
// one does, and all of them together show everything once.
func TestFiveThousandJudgments(t *testing.T) {
	database, counter := pgtest.Count(t, pgtest.Fresh(t))
	h := newHouseOn(t, database)
	laptop := h.browser(onWindows)
	laptop.signIn()
	id := h.devices()[0].ID
	h.judged(id, 5000)
	older := regexp.MustCompile(`rel="next" href="[^"]*(\?after=[^"]+)"`)
	first, shown, pages := pgtest.Counts{}, 0, 0
	for query := ""; pages < 300; pages++ {
		counter.Reset()
		laptop.get("/devices/" + id + query)
		laptop.is("/devices/"+id, http.StatusOK)
		cost := counter.Counts()
		cost.Pings, cost.Prepared = 0, 0
		if pages == 0 {
			first = cost
		}
		if cost.RoundTrips > first.RoundTrips || cost.RoundTrips > 8 || cost.Rows > 0 {
			t.Errorf("page %d costs %+v, the first %+v", pages, cost, first)
		}
		if size := len(laptop.page); size > 50<<10 {
			t.Errorf("page %d: %d bytes", pages, size)
		}
		shown += strings.Count(laptop.page, `<li class="bad">`) + strings.Count(laptop.page, `<li class="good">`)
		next := older.FindStringSubmatch(laptop.page)
		if next == nil {
			break
		}
		query = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	if pages != 200 || shown != 5001 { // the sign-in itself is one
		t.Errorf("%d judgments on %d pages", shown, pages+1)
	}
	t.Logf("a page: %+v, %d bytes", first, len(laptop.page))
}

// TestASubjectWithoutADevice: whose first sign-in this is, and who has ended
// everything.
func TestASubjectWithoutADevice(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.get("/devices")
	laptop.is("/login", http.StatusOK)
	if n := len(h.devices()); n != 0 {
		t.Fatalf("%d devices before anybody signed in", n)
	}
	laptop.prove()
	laptop.is("/devices", http.StatusOK)
	if !strings.Contains(compact(laptop.page), "You are signed in on this device only.") {
		t.Error(laptop.page)
	}
	for _, path := range []string{"/devices?ended=1", "/devices/others", "/devices/others/ended?since=" + url.QueryEscape(h.clock.Now().Format(time.RFC3339Nano))} {
		laptop.get(path)
		if laptop.status != http.StatusOK {
			t.Errorf("%s: %d", path, laptop.status)
		}
	}
	if _, err := h.registry.RevokeAllBut(t.Context(), "ada", "", devices.ReasonOperator); err != nil {
		t.Fatal(err)
	}
	laptop.get("/devices")
	laptop.is("/devices", http.StatusUnauthorized)
	laptop.get("/devices")
	laptop.prove()
	laptop.is("/devices", http.StatusOK)
	laptop.get("/devices?ended=1")
	if !strings.Contains(laptop.page, "by an administrator") {
		t.Error(laptop.page)
	}
}

// TestLongNames: no name makes a page long, or hides what was observed.
func TestLongNames(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	id := h.devices()[0].ID
	for _, name := range []string{
		strings.Repeat("W", devices.MaxNameLength), strings.Repeat("長い名前", 63), strings.Repeat("👩‍💻", 85),
		strings.Repeat("\u0301", 255), strings.Repeat("שם ארוך ", 30),
	} {
		laptop.post("/devices/"+id+"/name", url.Values{"name": {name}})
		laptop.is("/devices/"+id, http.StatusOK)
		for _, path := range []string{"/devices", "/devices/" + id, "/devices/" + id + "/end"} {
			laptop.get(path)
			if laptop.status != http.StatusOK || len(laptop.page) > 20<<10 || !strings.Contains(laptop.page, "Firefox on Windows") {
				t.Errorf("%s with %.20q: %d, %d bytes", path, name, laptop.status, len(laptop.page))
			}
			if path == "/devices" && strings.Contains(laptop.page, name) {
				t.Errorf("the list says all of %.20q", name)
			}
		}
	}
}

// TestReceiptsTellOfOtherServers: each leg and how far it has come, and until
// when what is left lives on.
func TestReceiptsTellOfOtherServers(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.browser(onWindows), h.browser(onIPhone)
	laptop.signIn()
	phone.signIn()
	id := h.devices()[1].ID
	receipt := "/devices/" + id + "/ended"
	laptop.post("/devices/"+id+"/end", url.Values{})
	laptop.is(receipt, http.StatusOK)
	says := func(texts ...string) {
		t.Helper()
		laptop.get(receipt)
		for _, text := range texts {
			if without, is := strings.CutPrefix(text, "not: "); is == strings.Contains(compact(laptop.page), strings.TrimPrefix(text, "not: ")) {
				t.Errorf("%q (%q): %s", text, without, laptop.page)
			}
		}
	}
	// They are queued behind the act.
	says("Reload this page in a moment", "not: All access ended immediately", "not: On other servers")
	now := h.clock.Now()
	legs := []devices.Leg{
		{Kind: devices.LegHydraChain, ClientID: "shop<b>", State: devices.LegPending},
		{Kind: devices.LegHydraLogin, State: devices.LegPending},
		{Kind: devices.LegKratosSession, State: devices.LegPending},
		{Kind: devices.LegHydraChain, ClientID: "mail", State: devices.LegPending},
	}
	for i := range legs {
		legs[i].ID, legs[i].Ref, legs[i].Subject, legs[i].DeviceID = newID(), newID(), "ada", id
		legs[i].CreatedAt, legs[i].NextAt = now, now
	}
	if err := h.store.QueueLegs(t.Context(), "test", "1", legs); err != nil {
		t.Fatal(err)
	}
	says("On other servers", "Access for \u2068shop&lt;b&gt;\u2069</bdi>: ending", "Reload this page in a moment")
	settle := func(i int, state devices.LegState, until time.Time) {
		t.Helper()
		legs[i].State, legs[i].DoneAt, legs[i].Until = state, now, until
		if err := h.store.SettleLeg(t.Context(), legs[i]); err != nil {
			t.Fatal(err)
		}
	}
	settle(0, devices.LegHeld, now.Add(time.Hour))
	settle(1, devices.LegDone, time.Time{})
	says("cannot be ended there; refused here from now on. May still work until",
		"Sign-in for apps</bdi>: ended", "Reload this page in a moment")
	legs[3].Trouble = devices.TroubleUnconfirmed
	settle(3, devices.LegHeld, now.Add(time.Hour))
	says("Access for \u2068mail\u2069</bdi>: not confirmed by the server; refused here from now on. May still work until")
	settle(2, devices.LegDone, time.Time{})
	says("Sign-in to your account</bdi>: ended", "not: Reload this page", "not: All access ended immediately")
	h.clock.Advance(25 * time.Minute)
	laptop.get("/devices")
	h.clock.Advance(25 * time.Minute)
	laptop.get("/devices")
	h.clock.Advance(25 * time.Minute) // all of it has died by itself
	says("All access ended immediately", "not: May still work until")
}

// TestNothingIsOfferedThatIsRefused: a device that may not end others is shown
// no button for it, and is told what to do where the one that may is lost.
func TestNothingIsOfferedThatIsRefused(t *testing.T) {
	h := newHouse(t)
	h.registry.Rules.EveryDeviceActs = false
	laptop := h.browser(onWindows)
	laptop.signIn()
	lost := h.devices()[0].ID
	phone := h.browser(onIPhone)
	phone.signIn()
	const way = "If that device is lost, contact support." // no passwords are kept in this house
	phone.get("/devices")
	if !strings.Contains(phone.page, way) {
		t.Error("the list offers no way out")
	}
	laptop.get("/devices")
	if strings.Contains(laptop.page, way) {
		t.Error("who needs no way out is offered one")
	}
	if n := strings.Count(phone.page, `/end"`); n != 1 {
		t.Errorf("%d devices can be ended from one that may end itself only", n)
	}
	for _, path := range []string{"/devices/" + lost + "/end", "/devices/" + lost + "/not-me", "/devices/others"} {
		phone.get(path)
		phone.is(path, http.StatusForbidden)
		if strings.Contains(phone.page, `<form method="post" action="`+path) || !strings.Contains(phone.page, way) {
			t.Errorf("%s offers what is refused, or no way out", path)
		}
	}
	phone.get("/devices/" + lost)
	if !strings.Contains(phone.page, way) || strings.Contains(phone.page, "/end") {
		t.Error("the page of the device offers what is refused, or no way out")
	}
}

// TestAFormsAddressLeadsBack: who loads the answer to a form anew, or wants it
// in another language, is not left with an error.
func TestAFormsAddressLeadsBack(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	device := "/devices/" + h.devices()[0].ID
	laptop.post(device+"/name", url.Values{"name": {strings.Repeat("W", devices.MaxNameLength+1)}})
	laptop.is(device+"/name", http.StatusUnprocessableEntity)
	laptop.get(device + "/name?ui_locales=de")
	laptop.is(device, http.StatusOK)
	if !strings.Contains(laptop.page, `<html lang="de"`) {
		t.Error("the language is forgotten")
	}
	for path, want := range map[string]string{
		device + "/permissions": device, device + "/seen": device, "/devices/signout": "/devices",
	} {
		laptop.get(path)
		laptop.is(want, http.StatusOK)
	}
	if len(h.devices()) != 1 || !h.devices()[0].Live() {
		t.Error("a GET did something")
	}
}

// TestItWasNotMeHere: the device at hand ends for that reason, and what comes
// next is a new password.
func TestItWasNotMeHere(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	device := "/devices/" + h.devices()[0].ID
	laptop.post(device+"/not-me", url.Values{})
	laptop.is("/devices/goodbye", http.StatusOK)
	for _, text := range []string{"The device was signed out", "Does someone else know your password?", "Change it where you sign in."} {
		if !strings.Contains(laptop.page, text) {
			t.Errorf("it does not say %q: %s", text, laptop.page)
		}
	}
	if d := h.devices()[0]; d.Live() || d.RevokedReason != devices.ReasonNotMe {
		t.Errorf("it is on record as %q", d.RevokedReason)
	}
	laptop.post(device+"/not-me", url.Values{}) // sent twice
	if laptop.at.Path != "/login" {
		t.Errorf("sent twice, it leads to %s: %s", laptop.at, laptop.page)
	}
}

// TestProtectionIsADetail: what protects a device is on its page, with its
// meaning on demand, and not on every card of the list.
func TestProtectionIsADetail(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	const short = "Protected by this browser’s cookie"
	if laptop.get("/devices"); strings.Contains(laptop.page, short) {
		t.Error("the list says it")
	}
	laptop.get("/devices/" + h.devices()[0].ID)
	if !strings.Contains(laptop.page, "<summary>"+short+"</summary>") || !strings.Contains(laptop.page, "copied without the cookie") {
		t.Error(laptop.page)
	}
}

// TestTwoPhonesOfOneModel: the list says since when each is known, and offers
// to name them, until they have different names.
func TestTwoPhonesOfOneModel(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	h.browser(onIPhone).signIn()
	h.clock.Advance(26 * time.Hour)
	h.browser(onIPhone).signIn()
	laptop.get("/devices")
	laptop.prove()
	page := compact(laptop.page)
	phone := h.devices()[1].ID
	for _, text := range []string{
		`First seen <time datetime="2026-11-23T09:00:00Z"`, "First seen <time datetime=\"2026-11-24T11:00:00Z\"",
		`href="/devices/` + phone + `#naming"`,
	} {
		if !strings.Contains(page, text) {
			t.Errorf("no %q: %s", text, laptop.page)
		}
	}
	if n := strings.Count(page, "First seen"); n != 2 {
		t.Errorf("it is said of %d devices", n)
	}
	if laptop.get("/devices/" + phone + "/end"); !strings.Contains(laptop.page, "First seen") {
		t.Error("it is not said where one of them is signed out")
	}
	laptop.post("/devices/"+phone+"/name", url.Values{"name": {"The old one"}})
	laptop.is("/devices/"+phone, http.StatusOK)
	if laptop.get("/devices"); strings.Contains(laptop.page, "First seen") || strings.Contains(laptop.page, "#naming") {
		t.Error("it is said of devices of different names")
	}
}

// TestTheOwnButtonIsQuiet: the way out of the device at hand stands out less
// than those out of the others.
func TestTheOwnButtonIsQuiet(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(onWindows)
	laptop.signIn()
	h.browser(onIPhone).signIn()
	own, other := h.devices()[0].ID, h.devices()[1].ID
	button := func(path, id string) string {
		t.Helper()
		laptop.get(path)
		found := regexp.MustCompile(`class="([^"]*)" href="/devices/` + id + `/end"`).FindStringSubmatch(laptop.page)
		if found == nil {
			t.Fatalf("%s has no way out of %s: %s", path, id, laptop.page)
		}
		return found[1]
	}
	for _, tt := range []struct{ path, id, want string }{
		{"/devices", own, "own"}, {"/devices", other, "button quiet small"},
		{"/devices/" + own, own, "button quiet"}, {"/devices/" + other, other, "button wrong"},
	} {
		if got := button(tt.path, tt.id); got != tt.want {
			t.Errorf("%s: the way out of %s is %q, want %q", tt.path, tt.id, got, tt.want)
		}
	}
}
