package ory_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/hooks/ory"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// admin is an admin API that answers as Hydra v2.3.0 and Kratos v1.3.1 were
// seen to (the stories of e2e/ory have the real ones), and keeps what it was
// asked.
type admin struct {
	mu      sync.Mutex
	answers map[string]answer // by method, path and query
	asked   []string
	bodies  []string
}

type answer struct {
	status int
	body   string
}

func (a *admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	what := r.Method + " " + r.URL.RequestURI()
	a.mu.Lock()
	a.asked, a.bodies = append(a.asked, what), append(a.bodies, string(body))
	says, known := a.answers[what]
	if !known {
		says, known = a.answers[r.Method+" "+r.URL.Path]
	}
	a.mu.Unlock()
	if !known {
		says = answer{http.StatusTeapot, `{"error":"not expected"}`}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(says.status)
	_, _ = io.WriteString(w, says.body)
}

func (a *admin) says(what string, status int, body string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[what] = answer{status, body}
}

func (a *admin) forget() { a.asked = nil }

// house is a client of two such APIs, on a real store.
type house struct {
	t             *testing.T
	clock         *devicestest.Clock
	store         *store.Store
	client        *ory.Client
	registry      *devices.Registry
	hydra, kratos *admin
	close         []func()
}

func open(t *testing.T) *house {
	t.Helper()
	url := sqlitetest.Fresh(t)
	h := &house{
		t: t, clock: &devicestest.Clock{}, hydra: &admin{answers: map[string]answer{}}, kratos: &admin{answers: map[string]answer{}},
	}
	var err error
	if h.store, err = store.Open(t.Context(), url, store.WithNow(h.clock.Now)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	at := func(a *admin) string {
		s := httptest.NewServer(a)
		h.close = append(h.close, s.Close)
		t.Cleanup(s.Close)
		return s.URL
	}
	h.client = ory.New(ory.Config{
		HydraAdmin: at(h.hydra), KratosAdmin: at(h.kratos), Grants: h.store, AccessTTL: time.Hour,
		HTTP: &http.Client{Timeout: 10 * time.Second}, Now: h.clock.Now,
	})
	h.registry = &devices.Registry{
		Store: h.store, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: h.clock.Now, NewID: rand.Text,
	}
	return h
}

// enrolled puts a device of Ada's into the store.
func (h *house) enrolled() devices.Device {
	h.t.Helper()
	seen := devicestest.Returns(devicestest.Phone("ada"))
	seen.At = h.clock.Now()
	met, err := h.registry.EnrollHeld(h.t.Context(), "ada", seen, bytes.Repeat([]byte{byte(len(h.close))}, 32))
	if err != nil {
		h.t.Fatal(err)
	}
	return met.Device
}

// chain puts a chain of Hydra's into the store.
func (h *house) chain(d devices.Device, ref string) devices.Grant {
	h.t.Helper()
	g := devicestest.GrantOn(d)
	g.ID, g.Issuer, g.ExternalRef, g.SID = rand.Text(), devices.IssuerHydra, ref, ""
	opened, err := h.store.OpenChain(h.t.Context(), g, nil, func(devices.Grant) []devices.Event { return nil })
	if err != nil {
		h.t.Fatal(err)
	}
	return opened
}

func (h *house) live(g devices.Grant) bool {
	h.t.Helper()
	held, err := h.store.Holding(h.t.Context(), g.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return held.Grant.RevokedAt.IsZero()
}

func has(list []string, one string) bool { return slices.Contains(list, one) }
