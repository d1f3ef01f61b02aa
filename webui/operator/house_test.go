package operator_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/operator"
)

// house is the operator's pages on a real store, with a clock that a test winds.
type house struct {
	t        testing.TB
	store    *store.Store
	registry *devices.Registry
	clock    *devicestest.Clock
	// subjectOf is what the pages are given; nil unless a test sets it.
	subjectOf func(ctx context.Context, identifier string) (string, error)
	batches   [][]string // of subjects whose identifiers were read
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func newHouse(t testing.TB) *house {
	t.Helper()
	clock := &devicestest.Clock{}
	db, err := store.Open(t.Context(), sqlitetest.Fresh(t), store.WithNow(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &house{t: t, store: db, clock: clock, registry: &devices.Registry{
		Store: db, Consents: db, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: clock.Now, NewID: newID,
	}}
}

func newPages(t testing.TB) *webui.Pages {
	t.Helper()
	pages, err := webui.NewPages(operator.Files())
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// door returns the pages, for whoever has one of the tokens.
func (h *house) door(tokens ...string) http.Handler {
	h.t.Helper()
	mux := http.NewServeMux()
	operator.New(operator.Config{
		ProxyHeader: "X-Our-Client",
		Registry:    h.registry, Finder: h.store, Subjects: h.store, SubjectOf: h.subjectOf, Identifiers: h.identifiers, Tokens: accesskey.New(accesskey.Config{Keys: tokens, Now: h.clock.Now}),
		Pages: newPages(h.t), Now: h.clock.Now,
		Log: slog.New(slog.DiscardHandler),
	}).Mount(mux)
	return mux
}

func (h *house) identifiers(ctx context.Context, subjects []string) (map[string]string, error) {
	h.batches = append(h.batches, subjects)
	return h.store.Identifiers(ctx, subjects)
}

// ask sends a request from this machine.
func ask(door http.Handler, method, target string, form url.Values, edits ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.RemoteAddr, r.Host = "127.0.0.1:5000", "127.0.0.1:4478"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, edit := range edits {
		edit(r)
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// put keeps devices as they are given.
func (h *house) put(subject string, list ...devices.Device) {
	h.t.Helper()
	ctx := h.t.Context()
	if err := h.store.Change(ctx, subject, func(tx devices.Tx) error {
		for _, d := range list {
			d.Subject = subject
			if err := tx.Put(ctx, d); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
}

// fill gives a subject more devices.
func (h *house) fill(subject string, n int) {
	h.t.Helper()
	list := make([]devices.Device, n)
	for i := range list {
		list[i] = h.laptop(func(d *devices.Device) { d.Name = fmt.Sprintf("%s's %d", subject, i) })
	}
	h.put(subject, list...)
}

func (h *house) laptop(edit func(*devices.Device)) devices.Device {
	d := devices.Device{
		ID: newID(), State: devices.StateActive, Tier: devices.TierCookie,
		Fingerprint: devices.Fingerprint{
			devices.SignalBrowser: "Chrome", devices.SignalOS: "Windows", devices.SignalOSVersion: "11",
			devices.SignalClass: "desktop",
		},
		Last:      devices.Network{Addr: netip.MustParseAddr("203.0.113.7"), ASN: 64500},
		CreatedAt: h.clock.Now().Add(-time.Hour), LastSeen: h.clock.Now(),
	}
	edit(&d)
	return d
}

// devices returns a subject's devices, oldest first.
func (h *house) devices(subject string) []devices.Device {
	h.t.Helper()
	list, err := h.store.Devices(h.t.Context(), subject)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// live returns how many of a subject's devices are.
func (h *house) live(subject string) (n int) {
	h.t.Helper()
	for _, d := range h.devices(subject) {
		if d.Live() {
			n++
		}
	}
	return n
}
