package api_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

var (
	_                      api.Finder        = (*store.Store)(nil)
	_                      devices.Store     = (*store.Store)(nil)
	_                      api.Authenticator = tokens(nil)
	monday                                   = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	unknownID                                = "01234567-89ab-7def-8123-456789abcdef"
	laptopLooks, phoneLook                   = looks("Windows", "Chrome", "desktop"), looks("Android", "Firefox", "phone")
)

func looks(os, browser, class string) devices.Fingerprint {
	return devices.Fingerprint{
		devices.SignalOS: os, devices.SignalBrowser: browser, devices.SignalClass: class,
		devices.SignalBrowserVersion: "142.0",
	}
}

// house is both APIs over a real SQLite database and a hand-wound clock.
type house struct {
	t        testing.TB
	store    *store.Store
	registry *devices.Registry
	tokens   tokens
	public   *httptest.Server
	admin    *httptest.Server
	log      *bytes.Buffer
	seconds  atomic.Int64 // since monday
	ids      atomic.Uint32
}

// tokens is who calls with which bearer token, or with which session. What
// those are and how they are verified is the provider's business, and the
// pages'.
type tokens map[string]func() (devices.Actor, error)

func (ts tokens) Actor(r *http.Request) (devices.Actor, error) {
	token, sent := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if session, err := r.Cookie("session"); !sent && err == nil {
		token, sent = session.Value, true
	}
	if !sent {
		return devices.Actor{}, api.ErrNoToken
	}
	find, ok := ts[token]
	if !ok {
		return devices.Actor{}, api.ErrInvalidToken
	}
	return find()
}

func newHouse(t testing.TB, edit ...func(*devices.Rules)) *house {
	t.Helper()
	url := sqlitetest.Fresh(t)
	h := &house{t: t, tokens: tokens{}, log: &bytes.Buffer{}}
	s, err := store.Open(t.Context(), url, store.WithNow(h.now))
	if err != nil {
		t.Fatal(err)
	}
	h.store = s
	rules := devices.DefaultRules()
	for _, e := range edit {
		e(&rules)
	}
	h.registry = &devices.Registry{
		Store: s, Consents: s, Policy: devices.DefaultPolicy(), Rules: rules, Now: h.now, NewID: h.newID,
	}
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	h.public = httptest.NewServer(api.New(api.Config{Registry: h.registry, Auth: h.tokens, Outward: s, Now: h.now, Log: log}))
	h.admin = httptest.NewServer(api.NewAdmin(h.adminConfig(log)).Handler())
	t.Cleanup(func() {
		h.public.Close()
		h.admin.Close()
		_ = s.Close() // some tests close it themselves
	})
	return h
}

// firstOnly gives permissions to the first device of a subject alone.
func firstOnly(r *devices.Rules) { r.EveryDeviceActs = false }

func (h *house) adminConfig(log *slog.Logger, tokens ...string) api.AdminConfig {
	return api.AdminConfig{
		Registry: h.registry, Finder: h.store, Subjects: h.store, Log: log,
		Tokens: accesskey.New(accesskey.Config{Keys: tokens, Now: h.now, Log: log}), Ready: h.store.Ping,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") }),
	}
}

func (h *house) now() time.Time { return monday.Add(time.Duration(h.seconds.Load()) * time.Second) }

func (h *house) wind(d time.Duration) { h.seconds.Add(int64(d.Seconds())) }

// newID returns a UUID version 7 that is later than those before.
func (h *house) newID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(h.now().UnixMilli())<<16)
	binary.BigEndian.PutUint32(b[12:], h.ids.Add(1))
	b[6], b[8] = b[6]|0x70, b[8]|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// device is one device of a subject, and the token it calls with.
type device struct {
	devices.Device
	token  string
	secret []byte
	actor  *devices.Actor
}

// enroll signs a subject in with a browser that was not met before. The
// sign-in that its token tells of is as old as the device.
func (h *house) enroll(subject string, look devices.Fingerprint, proof ...devices.Proof) device {
	h.t.Helper()
	s := devices.Sighting{
		At: h.now(), Entrance: devices.EntranceProvider, Fingerprint: look,
		Network: devices.Network{Addr: netip.MustParseAddr("192.0.2.7"), Country: "DE", City: "Bonn", ASN: 64500},
	}
	if len(proof) > 0 {
		s.Proof = proof[0]
	}
	e, err := h.registry.Enroll(h.t.Context(), subject, s)
	if err != nil {
		h.t.Fatal(err)
	}
	d := device{
		Device: e.Device, token: "token-" + e.Device.ID, secret: e.Secret,
		actor: &devices.Actor{Subject: subject, DeviceID: e.Device.ID, AuthTime: h.now()},
	}
	h.tokens[d.token] = func() (devices.Actor, error) { return *d.actor, nil }
	h.wind(time.Second)
	return d
}

// grant gives the device a grant.
func (h *house) grant(d device) devices.Grant {
	h.t.Helper()
	g := devices.Grant{
		ID: h.newID(), Subject: d.Subject, ClientID: "shop", DeviceID: d.ID, Scopes: []string{"openid"},
		Offline: true, Secret: bytes.Repeat([]byte{7}, 32), Generation: 1,
		RotatedAt: h.now(), NotAfter: h.now().Add(90 * 24 * time.Hour), Version: 1, CreatedAt: h.now(),
	}
	if err := h.store.OpenGrant(h.t.Context(), g); err != nil {
		h.t.Fatal(err)
	}
	return g
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call asks the public API with a device's token; the zero device has none.
func (h *house) call(d device, method, path, body string) answer {
	h.t.Helper()
	return send(h.t, h.public.URL, method, path, body, func(r *http.Request) {
		if d.token != "" {
			r.Header.Set("Authorization", "Bearer "+d.token)
		}
	})
}

// operate asks the admin API.
func (h *house) operate(method, path, body string) answer {
	h.t.Helper()
	return send(h.t, h.admin.URL, method, path, body, func(*http.Request) {})
}

func send(t testing.TB, base, method, path, body string, edit func(*http.Request)) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	edit(r)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, b}
}

// as reads an answer that must have the status.
func as[T any](t testing.TB, a answer, status int) T {
	t.Helper()
	var v T
	if a.status != status {
		t.Fatalf("status: got %d, want %d: %s", a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// refused checks that an answer is the problem with this status and code, and
// returns it.
func refused(t testing.TB, a answer, status int, code string) api.Problem {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type: got %q (%d): %s", got, a.status, a.body)
	}
	p := as[api.Problem](t, a, status)
	if p.Code != code || p.Status != status || p.Type != "about:blank" || p.Title == "" || p.Detail == "" {
		t.Errorf("problem: got %s, want code %s", a.body, code)
	}
	return p
}
