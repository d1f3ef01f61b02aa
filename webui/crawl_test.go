package webui_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

// crawler is signed in at the pages of somebody with two pages of live devices,
// flagged and ended ones.
func (h *house) crawler(t *testing.T) (*pagetest.Crawler, *browser) {
	t.Helper()
	b := h.browser(onWindows)
	b.signIn()
	own := h.devices()[0].ID
	h.fill(25)
	err := h.store.Change(t.Context(), "ada", func(tx devices.Tx) error {
		for i, d := range slices.DeleteFunc(h.devices(), func(d devices.Device) bool { return d.ID == own })[:5] {
			d.State, d.FlaggedReason = devices.StateFlagged, devices.ReasonOSChanged
			if i > 1 {
				d.State, d.RevokedAt, d.RevokedReason = devices.StateRevoked, h.clock.Now(), devices.ReasonOwner
			}
			if err := tx.Put(t.Context(), d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &pagetest.Crawler{
		T: t, Client: b.client, Header: http.Header{"User-Agent": {onWindows}}, Most: 3000,
		Params: []string{"page", "ended", "after", "since", "not-me", "ui_locales"},
		Inputs: map[string]string{"name": "My phone", "identifier": "ada", "password": password, "current": password},
		Last: func(action string) bool {
			return strings.HasSuffix(action, "/end") || strings.HasSuffix(action, "/not-me") || strings.HasSuffix(action, "/others") ||
				strings.HasSuffix(action, "/secure")
		},
		Skip: func(action string) bool {
			return strings.HasSuffix(action, "/signout") || action == "/devices/"+own+"/end" || action == "/devices/"+own+"/not-me"
		},
	}, b
}

// TestEveryLinkAndFormLeadsSomewhere crawls the owner's pages.
func TestEveryLinkAndFormLeadsSomewhere(t *testing.T) {
	h := newHouse(t)
	c, b := h.crawler(t)
	pages, forms := c.Crawl(b.issuer + "/devices")
	if pages < 300 || forms < 60 {
		t.Errorf("only %d pages and %d forms", pages, forms)
	}
	var live []string
	for _, d := range h.devices() {
		if d.Live() {
			live = append(live, d.ID)
		}
	}
	if len(live) != 1 {
		t.Errorf("every form was submitted, and %d devices are live", len(live))
	}
}

// TestTheNextPageOfEndedDevices: it has ended ones.
func TestTheNextPageOfEndedDevices(t *testing.T) {
	h := newHouse(t)
	b := h.browser(onWindows)
	b.signIn()
	h.fill(45)
	for _, d := range h.devices() {
		if d.Name == "" {
			continue // the browser's own
		}
		if err := h.registry.RevokeByOperator(t.Context(), "ada", d.ID); err != nil {
			t.Fatal(err)
		}
	}
	c := &pagetest.Crawler{T: t, Client: b.client, Header: http.Header{"User-Agent": {onWindows}}, Params: []string{"page", "ended", "ui_locales"}}
	var next *url.URL
	first := c.Get(b.issuer + "/devices?ended=1")
	for _, to := range first.Links {
		if to.Query().Get("page") == "2" {
			next = to
		}
	}
	if next == nil || next.Query().Get("ended") != "1" {
		t.Fatalf("the next page is %v: %s", next, first.Text)
	}
	if text := c.Get(next.String()).Text; strings.Count(text, "<h2>") < 20 {
		t.Errorf("few devices: %s", text)
	}
}
