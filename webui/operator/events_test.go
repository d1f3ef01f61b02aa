package operator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/operator"
)

// TestEventsAreFoundAndPaged by every filter and the page's own links.
func TestEventsAreFoundAndPaged(t *testing.T) {
	h, c, at := crawled(t)
	noon := h.clock.Now().UTC().Truncate(time.Minute)
	for i := range 230 {
		e := devices.Event{ID: newID(), Type: devices.EventDeviceFlagged, At: noon.Add(time.Duration(i/100) * time.Second), Subject: "ada", DeviceID: "laptop", ClientID: "notes & more"}
		if i >= 220 {
			e.Type, e.Subject, e.DeviceID, e.ClientID, e.At = devices.EventDeviceRefused, "eve", "phone", "shop", noon.Add(time.Hour)
		}
		if err := h.store.Change(t.Context(), e.Subject, func(tx devices.Tx) error { return tx.Tell(t.Context(), e) }); err != nil {
			t.Fatal(err)
		}
	}
	hour := noon.Add(time.Minute).Format("2006-01-02T15:04")
	for query, want := range map[string]int{
		"": 230, "type=device.refused": 10, "subject=eve": 10, "device=laptop": 220, "client=" + url.QueryEscape("notes & more"): 220,
		"from=" + hour: 10, "to=" + hour: 220, "subject=eve&client=nobody": 0, "subject=ada&type=device.flagged": 220,
	} {
		seen := map[string]bool{}
		for next := at + "/events?" + query; next != ""; {
			page := c.Get(next)
			for _, row := range strings.Split(page.Text, `<tr role="row" id="e-`)[1:] {
				id, _, _ := strings.Cut(row, `"`)
				seen[id] = true
			}
			if next = ""; strings.Contains(page.Text, ">Older</a>") {
				next = labelled(t, page, "Older")
			}
		}
		if len(seen) != want {
			t.Errorf("%q finds %d events, want %d", query, len(seen), want)
		}
	}
	text := c.Get(at + "/events").Text
	for _, want := range []string{fmt.Sprintf(">%s<", noon.Add(time.Hour).Format("2006-01-02 15:04:05 UTC")), "<bdi>shop</bdi>"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if text := c.Get(at + "/events?from=yesterday").Text; !strings.Contains(text, "Enter a time") {
		t.Errorf("no complaint: %s", text)
	}
}

// TestTheHelpOfOwnersIsNotOperators: a brand's link to help is for the people
// who sign in.
func TestTheHelpOfOwnersIsNotOperators(t *testing.T) {
	pages, err := webui.NewBrandedPages(webui.Brand{Name: "Fjord", SupportURL: "https://fjord.example/help"}, operator.Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range operator.Samples("x") {
		if s.Page == "operator-signin" {
			continue // it has no frame
		}
		w := httptest.NewRecorder()
		pages.Render(w, httptest.NewRequest(http.MethodGet, "/pages", nil), http.StatusOK, s.Page, s.Data)
		if strings.Contains(w.Body.String(), "fjord.example") {
			t.Errorf("%s leads to the help of owners", s.Page)
		}
	}
}

// TestEventsSayWhoCausedThem: the device of the owner with a link, or somebody
// else in a word.
func TestEventsSayWhoCausedThem(t *testing.T) {
	h, c, at := crawled(t)
	known, err := h.store.Devices(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	own, other := known[0].ID, known[1].ID
	for client, actor := range map[string]string{
		"by-itself": devices.ActorDevice(own), "by-another": devices.ActorDevice(other), "by-operator": devices.ActorOperator,
		"by-system": devices.ActorSystem, "by-nobody": "",
	} {
		e := devices.Event{ID: newID(), Type: devices.EventDeviceRenamed, At: h.clock.Now(), Subject: "ada", DeviceID: own, ClientID: client, Actor: actor}
		if err := h.store.Change(t.Context(), "ada", func(tx devices.Tx) error { return tx.Tell(t.Context(), e) }); err != nil {
			t.Fatal(err)
		}
	}
	for client, want := range map[string]string{
		"by-itself":  `<a href="/pages/devices/` + own + `">this device</a>`,
		"by-another": `<a href="/pages/devices/` + other + `">` + other + `</a>`, "by-operator": "<span>Operator</span>",
		"by-system": "<span>System</span>", "by-nobody": `data-label="Caused by"><span></span>`,
	} {
		if page := c.Get(at + "/events?client=" + client); !strings.Contains(page.Text, want) {
			t.Errorf("%s: no %s in %s", client, want, page.Text)
		}
	}
}
