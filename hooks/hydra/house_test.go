package hydra_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks"
	"github.com/lanyard-id/lanyard/hooks/carry"
	"github.com/lanyard-id/lanyard/hooks/hydra"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

const key = "a key of these tests"

// house is a hook behind its door, on a real store.
type house struct {
	t      *testing.T
	clock  *devicestest.Clock
	store  *store.Store
	sealer *carry.Sealer
	laptop devices.Device
	at     string
}

// newHouse returns one on a file, with Ada's laptop in it.
func newHouse(t *testing.T, edits ...func(*hydra.Hook)) *house {
	t.Helper()
	url := sqlitetest.Fresh(t)
	return newHouseOn(t, url, edits...)
}

func newHouseOn(t *testing.T, url string, edits ...func(*hydra.Hook)) *house {
	t.Helper()
	h := &house{t: t, clock: &devicestest.Clock{}, laptop: devicestest.Laptop("ada")}
	var err error
	if h.store, err = store.Open(t.Context(), url, store.WithNow(h.clock.Now)); err != nil {
		t.Fatal(err)
	}
	if h.sealer, err = carry.New([][]byte{bytes.Repeat([]byte("s"), 32)}, h.clock.Now); err != nil {
		t.Fatal(err)
	}
	hook := &hydra.Hook{
		Chains: h.store, Sealer: h.sealer, Observer: observe.New(observe.Config{Now: h.clock.Now}), Deadline: 10 * time.Second, Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
		Gate: &devices.Gatekeeper{Grants: h.store, Registry: &devices.Registry{
			Store: h.store, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: h.clock.Now, NewID: rand.Text,
		}},
	}
	for _, edit := range edits {
		edit(hook)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/hydra/token", hook)
	server := httptest.NewServer(hooks.Guard(mux, accesskey.New(accesskey.Config{Keys: []string{"another", key}, Now: h.clock.Now})))
	h.at = server.URL + "/hooks/hydra/token"
	t.Cleanup(func() {
		server.Close()
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	h.put(h.laptop)
	return h
}

func (h *house) put(d devices.Device) {
	h.t.Helper()
	if err := h.store.Change(h.t.Context(), d.Subject, func(tx devices.Tx) error { return tx.Put(h.t.Context(), d) }); err != nil {
		h.t.Fatal(err)
	}
}

// end ends Ada's laptop with its grants.
func (h *house) end() {
	h.t.Helper()
	ctx, d := h.t.Context(), h.laptop
	err := h.store.Change(ctx, d.Subject, func(tx devices.Tx) error {
		d.State, d.RevokedAt = devices.StateRevoked, h.clock.Now()
		if err := tx.Put(ctx, d); err != nil {
			return err
		}
		_, err := tx.EndGrants(ctx, devices.Selection{DeviceID: d.ID}, devices.ReasonDeviceRevoked, h.clock.Now())
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// call is what Hydra tells of a token call.
type call struct {
	kind, chain, subject, sid, device string
	sealed                            []string
}

const (
	code    = "authorization_code"
	refresh = "refresh_token"
)

// body returns what Hydra v2.3.0 posts of it.
func (c call) body() []byte {
	type object map[string]any
	extra, ext, payload := object{}, object{}, object{}
	if c.device != "" {
		extra["device_id"] = c.device
	}
	if c.sid != "" {
		ext["sid"] = c.sid
	}
	if len(c.sealed) > 0 {
		payload["assertion"] = c.sealed
	}
	text, err := json.Marshal(object{
		"session": object{
			"id_token": object{
				"id_token_claims": object{"iss": "https://id.example.com", "sub": c.subject, "aud": []string{"notes"}, "ext": ext},
				"headers":         object{"extra": object{"kid": "hydra.openid.id-token"}}, "username": "", "subject": c.subject,
			},
			"extra": extra, "client_id": "notes", "consent_challenge": c.chain, "allowed_top_level_claims": []string{},
		},
		"request": object{
			"client_id": "notes", "requested_scopes": []string{"openid", "offline_access"},
			"granted_scopes": []string{"openid", "offline_access"}, "granted_audience": []string{},
			"grant_types": []string{c.kind}, "payload": payload,
		},
	})
	if err != nil {
		panic(err) // texts have JSON
	}
	return text
}

// post sends a body with that key and returns the status.
func (h *house) post(key string, body []byte) int {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.at, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json; charset=UTF-8"}, "X-Hook-Key": {key}}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Error(err)
		return 0
	}
	_ = a.Body.Close() // it has none
	return a.StatusCode
}

func (h *house) wants(status int, c call) {
	h.t.Helper()
	if got := h.post(key, c.body()); got != status {
		h.t.Errorf("%s of %s: %d, want %d", c.kind, c.chain, got, status)
	}
}

// grant returns the grant of a chain.
func (h *house) grant(chain string) devices.Grant {
	h.t.Helper()
	held, err := h.store.HoldingByRef(h.t.Context(), devices.IssuerHydra, chain)
	if err != nil {
		h.t.Fatalf("chain %s: %v", chain, err)
	}
	return held.Grant
}

// told are the types of the events so far, with their first reasons.
func (h *house) told(want ...string) {
	h.t.Helper()
	page, err := h.store.EventsAfter(h.t.Context(), "", 0)
	if err != nil {
		h.t.Fatal(err)
	}
	var got []string
	for _, e := range page.Events {
		what := string(e.Type)
		if len(e.Reasons) > 0 {
			what += fmt.Sprintf(" %s", e.Reasons[0])
		}
		got = append(got, what)
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("told %q, want %q", got, want)
	}
}
