package gateway_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/carry"
	"github.com/lanyard-id/lanyard/hooks/gateway"
	"github.com/lanyard-id/lanyard/hooks/hydra"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// house is a gateway and a token hook on a real store, and between them a
// token endpoint that takes Hydra's steps in Hydra's order and words (the
// stories of e2e/ory have the real one).
type house struct {
	t        *testing.T
	clock    *devicestest.Clock
	store    *store.Store
	gate     *devices.Gatekeeper
	observer *observe.Observer
	laptop   devices.Device
	at       string // the gateway
	hook     *hydra.Hook
	upstream *httptest.Server
	endpoint endpoint
}

func newHouse(t *testing.T) *house {
	t.Helper()
	database := sqlitetest.Fresh(t)
	return newHouseOn(t, database)
}

func newHouseOn(t *testing.T, database string) *house {
	t.Helper()
	h := &house{t: t, clock: &devicestest.Clock{}, laptop: devicestest.Laptop("ada")}
	var err error
	if h.store, err = store.Open(t.Context(), database, store.WithNow(h.clock.Now)); err != nil {
		t.Fatal(err)
	}
	sealer, err := carry.New([][]byte{bytes.Repeat([]byte("s"), 32)}, h.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	h.gate = &devices.Gatekeeper{Grants: h.store, Registry: &devices.Registry{
		Store: h.store, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: h.clock.Now, NewID: rand.Text,
	}}
	h.observer = observe.New(observe.Config{Now: h.clock.Now, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	h.hook = &hydra.Hook{
		Chains: h.store, Gate: h.gate, Sealer: sealer, Observer: h.observer, Deadline: 10 * time.Second, Now: h.clock.Now, Log: log,
	}
	hook := httptest.NewServer(h.hook)
	h.endpoint = endpoint{hook: hook.URL, chains: map[string]*chain{}}
	h.upstream = httptest.NewServer(&h.endpoint)
	upstream, err := url.Parse(h.upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewServer(gateway.New(gateway.Config{
		Upstream: upstream, Tokens: h.store, Gate: h.gate, Observer: h.observer, Sealer: sealer,
		Deadline: 10 * time.Second, Now: h.clock.Now, Log: log,
	}))
	h.at = door.URL
	t.Cleanup(func() {
		door.Close()
		h.upstream.Close()
		hook.Close()
		_ = h.store.Close() // a test may have
	})
	if err := h.store.Change(t.Context(), "ada", func(tx devices.Tx) error { return tx.Put(t.Context(), h.laptop) }); err != nil {
		t.Fatal(err)
	}
	return h
}

// endpoint is a token endpoint.
type endpoint struct {
	hook string

	mu     sync.Mutex
	chains map[string]*chain // by every token
	asked  int
	form   url.Values // of the last request
	after  func()     // runs before an answer goes out
	// upgrade is what the last request asked for, next the token of the next
	// answer where it matters, named whom it takes all clients for.
	upgrade, next, named string
}

type chain struct {
	ref, client, current string
	ended                bool
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = r.ParseForm() // what cannot be read is no token
	e.asked++
	e.form, e.upgrade = r.PostForm, r.Header.Get("Upgrade")
	client := r.PostForm.Get("client_id")
	if name, _, ok := r.BasicAuth(); ok {
		client = name
	}
	if e.named != "" {
		client = e.named
	}
	c := &chain{ref: r.PostForm.Get("code"), client: client}
	if kind := r.PostForm.Get("grant_type"); kind == "refresh_token" {
		token := strings.ReplaceAll(r.PostForm.Get("refresh_token"), "\n", "")
		if _, known := e.chains[token]; !known {
			token = "ory_rt_" + token
		}
		half := false
		if c = e.chains[token]; c == nil {
			c, half = e.bySignature(token), true
		}
		if c != nil && c.client == client && signature(c.current) != signature(token) {
			c.ended = true
		}
		if half && c != nil && !c.ended && c.client == client {
			said(w, http.StatusBadRequest, `{"error":"invalid_request"}`)
			return
		}
		if c == nil || c.ended || c.client != client {
			said(w, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"in Hydra's words"}`)
			return
		}
	}
	status, err := e.ask(r.Context(), c)
	if err != nil || status != http.StatusNoContent {
		if status == http.StatusForbidden {
			said(w, http.StatusForbidden, `{"error":"access_denied"}`)
		} else {
			said(w, http.StatusInternalServerError, `{"error":"server_error"}`)
		}
		return
	}
	if e.after != nil {
		e.after()
	}
	if c.current = e.next; c.current == "" {
		c.current = "ory_rt_" + rand.Text() + "." + rand.Text()
	}
	e.chains[c.current] = c
	w.Header().Set("X-Hydra", "yes")
	said(w, http.StatusOK, fmt.Sprintf(`{"access_token":"x","refresh_token":%q}`, c.current))
}

// bySignature returns the chain of a token by what is behind the dot, which is
// all that Hydra looks for.
func (e *endpoint) bySignature(token string) *chain {
	for other, c := range e.chains {
		if signature(token) != "" && signature(other) == signature(token) {
			return c
		}
	}
	return nil
}

func signature(token string) string {
	_, signature, _ := strings.Cut(token, ".")
	return signature
}

func said(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// answer is what a client gets.
type answer struct {
	status        int
	header        http.Header
	body          string
	refresh, code string
}

// token posts a form to the gateway, with those looks.
func (h *house) token(looks http.Header, form url.Values) answer {
	h.t.Helper()
	header := looks.Clone()
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.send(header, form.Encode())
}

func (h *house) send(header http.Header, body string) answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.at+"/oauth2/token", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header = header
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }() // it was read
	text, err := io.ReadAll(a.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	got := answer{status: a.StatusCode, header: a.Header, body: string(text)}
	var told struct {
		Refresh string `json:"refresh_token"`
		Code    string `json:"error"`
	}
	_ = json.Unmarshal(text, &told) // some have none
	got.refresh, got.code = told.Refresh, told.Code
	return got
}

func (h *house) is(got answer, status int, code string) answer {
	h.t.Helper()
	if got.status != status || got.code != code {
		h.t.Errorf("%d %s, want %d %q", got.status, got.body, status, code)
	}
	return got
}

func redeem(ref string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {"notes"}, "code": {ref}}
}

func presents(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {"notes"}, "refresh_token": {token}}
}

// begun returns the refresh token of a chain on Ada's laptop, whose looks are
// known.
func (h *house) begun(ref string) string {
	h.t.Helper()
	return h.is(h.token(devicestest.LaptopHeaders(), redeem(ref)), http.StatusOK, "").refresh
}

func (h *house) revoked(ref string) devices.Reason {
	h.t.Helper()
	held, err := h.store.HoldingByRef(h.t.Context(), devices.IssuerHydra, ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return held.Grant.RevokedReason
}

// told are the types of the events so far.
func (h *house) told(want ...devices.EventType) {
	h.t.Helper()
	page, err := h.store.EventsAfter(h.t.Context(), "", 0)
	if err != nil {
		h.t.Fatal(err)
	}
	var got []devices.EventType
	for _, e := range page.Events {
		got = append(got, e.Type)
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("told %q, want %q", got, want)
	}
}
