package events_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/events"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// elsewhere is the server at which legs end: it hears of each attempt and
// answers what it is told to.
type elsewhere struct {
	mu     sync.Mutex
	heard  []string // kind and reference of each attempt
	answer func(ref string) int
}

func (e *elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.heard = append(e.heard, r.URL.Query().Get("kind")+" "+r.URL.Query().Get("ref"))
	answer := e.answer
	e.mu.Unlock()
	if answer != nil {
		w.WriteHeader(answer(r.URL.Query().Get("ref")))
	}
}

func (e *elsewhere) attempts() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(slices.Values(e.heard))
}

func (e *elsewhere) answers(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = func(string) int { return status }
}

// caller ends legs at a server over HTTP: 200 is done, 409 is held, anything
// else is trouble.
type caller struct {
	at  string
	now func() time.Time
}

func (c caller) End(ctx context.Context, l devices.Leg) (devices.Leg, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.at+"/?kind="+string(l.Kind)+"&ref="+l.Ref, http.NoBody)
	if err != nil {
		return l, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return l, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	switch answer.StatusCode {
	case http.StatusOK:
		l.State, l.DoneAt, l.Trouble = devices.LegDone, c.now(), ""
	case http.StatusConflict:
		l.State, l.DoneAt, l.Trouble = devices.LegHeld, c.now(), "cannot"
	default:
		return l, fmt.Errorf("status %d", answer.StatusCode)
	}
	return l, nil
}

// house is a store, a server elsewhere, and people with devices.
type house struct {
	t         *testing.T
	clock     *devicestest.Clock
	store     *store.Store
	registry  *devices.Registry
	elsewhere *elsewhere
	at        string
}

func onEach(t *testing.T, test func(h *house)) {
	t.Run("SQLite", func(t *testing.T) {
		url := sqlitetest.Fresh(t)
		test(open(t, url))
	})
	t.Run("PostgreSQL", func(t *testing.T) { test(open(t, pgtest.Fresh(t))) })
}

func open(t *testing.T, url string) *house {
	t.Helper()
	h := &house{t: t, clock: &devicestest.Clock{}, elsewhere: &elsewhere{}}
	var err error
	if h.store, err = store.Open(t.Context(), url, store.WithNow(h.clock.Now)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	h.registry = &devices.Registry{
		Store: h.store, Consents: h.store, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: h.clock.Now, NewID: rand.Text,
	}
	server := httptest.NewServer(h.elsewhere)
	t.Cleanup(server.Close)
	h.at = server.URL
	return h
}

// worker returns a replica's worker.
func (h *house) worker() *events.Outward {
	return &events.Outward{
		Outbox: h.store, Legs: h.store, Book: h.store, Ender: caller{h.at, h.clock.Now},
		Now: h.clock.Now, NewID: rand.Text, Log: slog.New(slog.DiscardHandler),
	}
}

func (h *house) once(w *events.Outward) {
	h.t.Helper()
	if err := w.Once(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// ends has a subject's device, with these sessions elsewhere and a chain of
// Hydra's, end.
func (h *house) ends(subject string, ties ...devices.Tie) string {
	h.t.Helper()
	seen := devicestest.Returns(devicestest.Phone(subject))
	seen.At = h.clock.Now()
	met, err := h.registry.EnrollHeld(h.t.Context(), subject, seen, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, tie := range ties {
		tie.Subject, tie.DeviceID, tie.At = subject, met.Device.ID, h.clock.Now()
		if err := h.store.PutTie(h.t.Context(), tie); err != nil {
			h.t.Fatal(err)
		}
	}
	g := devicestest.GrantOn(met.Device)
	g.ID, g.Issuer, g.ExternalRef = rand.Text(), devices.IssuerHydra, "chain-of-"+subject
	tell := func(devices.Grant) []devices.Event { return nil }
	if _, err := h.store.OpenChain(h.t.Context(), g, nil, tell); err != nil {
		h.t.Fatal(err)
	}
	if n, err := h.registry.RevokeAllBut(h.t.Context(), subject, "", devices.ReasonOwner); n != 1 || err != nil {
		h.t.Fatalf("%d devices ended: %v", n, err)
	}
	return met.Device.ID
}

func (h *house) legs(device string) []devices.Leg {
	h.t.Helper()
	legs, err := h.store.Legs(h.t.Context(), device)
	if err != nil {
		h.t.Fatal(err)
	}
	return legs
}
