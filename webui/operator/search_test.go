package operator_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// TestSearchByWhatTheySignInWith: who calls about a lost laptop knows their
// address, not their subject.
func TestSearchByWhatTheySignInWith(t *testing.T) {
	h := newHouse(t)
	h.put("s-1", h.laptop(func(d *devices.Device) { d.ID = "hers" }))
	h.put("ada@example.com", h.laptop(func(d *devices.Device) { d.ID = "a namesake's" }))
	h.subjectOf = func(_ context.Context, identifier string) (string, error) {
		if identifier == "ada@example.com" {
			return "s-1", nil
		}
		return "", devices.ErrNotFound
	}
	door := h.door()
	for _, path := range []string{"/pages", "/pages/revoke"} {
		for subject, want := range map[string]string{"ada@example.com": "/pages/devices/hers", "s-1": "/pages/devices/hers"} {
			text := body(t, ask(door, "GET", path+"?subject="+subject, nil))
			if strings.Count(text, "/pages/devices/") != 1 || !strings.Contains(text, want) {
				t.Errorf("%s of %s: %s", path, subject, text)
			}
		}
	}
	if text := body(t, ask(door, "GET", "/pages?subject=ada@example.com&device=hers", nil)); !strings.Contains(text, "/pages/devices/hers") {
		t.Errorf("her device is not hers: %s", text)
	}
}

// TestSearch finds devices by everything that they can be looked for by.
func TestSearch(t *testing.T) {
	h := newHouse(t)
	named := func(name string, edit func(*devices.Device)) devices.Device {
		return h.laptop(func(d *devices.Device) { d.ID, d.Name = "id-"+name, name; edit(d) })
	}
	h.put("ada",
		named("laptop", func(*devices.Device) {}),
		named("phone", func(d *devices.Device) {
			d.Fingerprint = devices.Fingerprint{devices.SignalOS: "iOS"}
			d.State, d.FlaggedReason = devices.StateFlagged, devices.ReasonOSChanged
			d.Last = devices.Network{Addr: netip.MustParseAddr("2001:db8::7"), ASN: 64501}
		}))
	h.put("eve", named("tower", func(d *devices.Device) { d.State = devices.StateRevoked }))
	door := h.door()
	for query, want := range map[string]string{
		"":                                    "laptop phone tower",
		"subject=ada":                         "laptop phone",
		"subject=+ada+":                       "laptop phone",
		"subject=mallory":                     "",
		"device=id-tower":                     "tower",
		"device=id-tower&subject=ada":         "",
		"device=id-phone&os=iOS":              "phone",
		"device=id-phone&asn=64501":           "phone",
		"device=id-phone&asn=64500":           "",
		"device=id-phone&address=2001:db8::7": "phone",
		"device=id-laptop&address=2001:db8::": "",
		"device=id-phone&state=active":        "",
		"device=unknown":                      "",
		"address=203.0.113.7":                 "laptop tower",
		"address=203.0.113.0/24":              "laptop tower",
		"address=203.0.113.99/24":             "laptop tower",
		"address=2001:db8::/32":               "phone",
		"asn=64501":                           "phone",
		"asn=as64500":                         "laptop tower",
		"os=Windows":                          "laptop tower",
		"state=flagged":                       "phone",
		"state=revoked":                       "tower",
		"state=active&asn=64500":              "laptop",
		"address=203.0.113":                   "!Enter an address",
		"asn=ASx":                             "!Enter an AS number",
	} {
		text := body(t, ask(door, "GET", "/pages?"+query, nil))
		if complaint, wrong := strings.CutPrefix(want, "!"); wrong {
			if want = ""; !strings.Contains(text, complaint) || !strings.Contains(text, `role="alert"`) {
				t.Errorf("%q: no complaint", query)
			}
		}
		var found []string
		for _, name := range []string{"laptop", "phone", "tower"} {
			if strings.Contains(text, `href="/pages/devices/id-`+name+`"`) {
				found = append(found, name)
			}
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
}

func TestPagesOfDevices(t *testing.T) {
	h := newHouse(t)
	h.fill("ada", 120)
	door, seen := h.door(), map[string]bool{}
	for at := "/pages?subject=ada"; at != ""; {
		text := body(t, ask(door, "GET", at, nil))
		for _, d := range h.devices("ada") {
			if strings.Contains(text, d.ID+`">`) {
				seen[d.ID] = true
			}
		}
		_, rest, more := strings.Cut(text, `rel="next" href="`)
		if at, _, _ = strings.Cut(strings.ReplaceAll(rest, "&amp;", "&"), `"`); !more {
			at = ""
		}
	}
	if len(seen) != 120 {
		t.Errorf("%d devices on all pages", len(seen))
	}
}

// TestAVerdictInFull: every reason with its weight, before and after, and the
// policy that said so.
func TestAVerdictInFull(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	h.put("ada", h.laptop(func(d *devices.Device) { d.ID = "laptop" }))
	err := h.store.Change(ctx, "ada", func(tx devices.Tx) error {
		return tx.Record(ctx, devices.Judgment{
			ID: "j", Subject: "ada", DeviceID: "laptop", GrantID: "the-grant", ClientID: "the-client",
			Sighting: devices.Sighting{At: h.clock.Now(), Entrance: "provider", Fingerprint: devices.Fingerprint{devices.SignalOS: "Linux"}},
			Verdict: devices.Verdict{
				Decision: devices.Flag, Would: devices.Refuse, Weight: 37, PolicyVersion: "7", RevokeGrant: true,
				Evidence: []devices.Evidence{
					{Reason: devices.ReasonOSChanged, Before: "Windows", After: "Linux", Weight: 23},
					{Reason: devices.ReasonKeyMissing, Weight: 14, Final: true},
				},
			},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	text := body(t, ask(h.door(), "GET", "/pages/devices/laptop", nil))
	for _, want := range []string{
		"<strong>Flagged</strong> (if enforced: Refused) · 37 dB", "<bdi>Linux</bdi>", "policy 7", "the-grant", "access ended",
		"the-client", "provider", `<code>os_changed</code></th><td role="cell" data-label="Weight"><span>23 dB</span></td>`, "<bdi>Windows</bdi>", "<bdi>Linux</bdi>",
		"14 dB, final</span></td>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestFalseAlarms: what owners answered, as a rate, as bars and as a table.
func TestFalseAlarms(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	door := h.door()
	if text := body(t, ask(door, "GET", "/pages", nil)); !strings.Contains(text, "no false alarm rate") {
		t.Errorf("nothing has happened: %s", text)
	}
	now := h.clock.Now()
	err := h.store.Change(ctx, "ada", func(tx devices.Tx) error {
		for _, id := range []string{"mine", "thief", "thief", "thief", "silent"} {
			if err := tx.Record(ctx, devices.Judgment{
				ID: newID(), Subject: "ada", DeviceID: id,
				Sighting: devices.Sighting{At: now.Add(-time.Hour)}, Verdict: devices.Verdict{Decision: devices.Refuse},
			}); err != nil {
				return err
			}
		}
		return tx.Tell(ctx,
			devices.Event{ID: "1", Type: devices.EventDeviceAcknowledged, At: now, Subject: "ada", DeviceID: "mine"},
			devices.Event{ID: "2", Type: devices.EventDeviceRevoked, At: now, Subject: "ada", DeviceID: "thief", Reasons: []devices.Reason{devices.ReasonOwner}})
	})
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]string{"en": "False alarms: 25% (1 of 4 answered)", "de": "Fehlalarme: 25\u00a0% (1 von 4"} {
		text := body(t, ask(door, "GET", "/pages?ui_locales="+language, nil))
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	text := body(t, ask(door, "GET", "/pages", nil))
	for _, want := range []string{
		`<rect class="false_alarm" x="260"`, `<rect class="confirmed" x="260"`, `<rect class="open" x="260"`,
		`aria-label="Alert outcomes: False alarm 1, Confirmed 3, Not answered 1"`,
		"<td>1</td><td>3</td><td>1</td></tr>", // the day's row
		`aria-label="Decisions, last 14 days: Refused 5, Asked to sign in again 0, Flagged 0, Allowed 0"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// TestEventsAsTheyCome: who follows hears that there is news, once, and a page
// that is not followed asks for nothing by itself.
func TestEventsAsTheyCome(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	door := h.door()
	tell := func(id string) {
		t.Helper()
		if err := h.store.Change(ctx, "ada", func(tx devices.Tx) error {
			return tx.Tell(ctx, devices.Event{ID: id, Type: "device.flagged", At: h.clock.Now(), Subject: "ada"})
		}); err != nil {
			t.Fatal(err)
		}
	}
	tell("one")
	still := ask(door, "GET", "/pages/events", nil)
	if text := body(t, still); !strings.Contains(text, `id="e-one"`) || strings.Contains(text, "http-equiv") ||
		strings.Contains(text, "data-stream") || strings.Contains(still.Header.Get("Content-Security-Policy"), "connect-src") {
		t.Errorf("not followed: %s", text)
	}
	page := ask(door, "GET", "/pages/events?follow=1", nil)
	text := body(t, page)
	if !strings.Contains(text, `<noscript><meta http-equiv="refresh" content="3"></noscript>`) ||
		!strings.Contains(page.Header.Get("Content-Security-Policy"), "connect-src 'self';") {
		t.Errorf("followed: %v %s", page.Header, text)
	}
	_, rest, _ := strings.Cut(text, `data-stream="`)
	at, _, _ := strings.Cut(rest, `"`)
	hears := func(edits ...func(*http.Request)) (string, string) {
		t.Helper()
		brief, stop := context.WithTimeout(ctx, 50*time.Millisecond)
		defer stop()
		answer := ask(door, "GET", at, nil, append(edits, func(r *http.Request) { *r = *r.WithContext(brief) })...)
		if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" || answer.StatusCode != 200 {
			t.Fatalf("%d %s", answer.StatusCode, kind)
		}
		text := body(t, answer)
		_, id, _ := strings.Cut(text, "id: ")
		id, _, _ = strings.Cut(id, "\n")
		return text, id
	}
	if text, _ := hears(); strings.Contains(text, "data:") {
		t.Errorf("news without news: %s", text)
	}
	tell("two")
	text, id := hears()
	if strings.Count(text, "data: news\n\n") != 1 {
		t.Errorf("no news: %s", text)
	}
	if text, _ := hears(func(r *http.Request) { r.Header.Set("Last-Event-ID", id) }); strings.Contains(text, "data:") {
		t.Errorf("old news: %s", text)
	}
}
