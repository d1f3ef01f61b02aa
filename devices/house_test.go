package devices_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// house is a registry and a gatekeeper over a real store.
type house struct {
	*devices.Registry
	t     testing.TB
	clock *devicestest.Clock
	store *store.Store
	door  *devices.Gatekeeper
	ids   atomic.Int64
}

func newHouse(t testing.TB, rules ...func(*devices.Rules)) *house {
	t.Helper()
	url := sqlitetest.Fresh(t)
	h := &house{t: t, clock: &devicestest.Clock{}}
	s, err := store.Open(t.Context(), url, store.WithNow(h.clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h.store = s
	h.Registry = &devices.Registry{
		Store: s, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: h.clock.Now,
		NewID: func() string { return fmt.Sprintf("id-%06d", h.ids.Add(1)) },
	}
	for _, edit := range rules {
		edit(&h.Rules)
	}
	h.door = &devices.Gatekeeper{Registry: h.Registry, Grants: s, Grace: 10 * time.Second}
	return h
}

// firstOnly gives permissions to the first device of a subject alone.
func firstOnly(r *devices.Rules) { r.EveryDeviceActs = false }

func (h *house) good(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// sees returns the sighting, now, of a browser that holds these secrets.
func (h *house) sees(headers http.Header, secrets ...[]byte) devices.Sighting {
	return devicestest.Sees(headers, "203.0.113.10", func(s *devices.Sighting) {
		s.At = h.clock.Now()
		for _, secret := range secrets {
			s.Proof.CookieHashes = append(s.Proof.CookieHashes, devices.CookieHash(secret))
		}
	})
}

// signIn enrolls and lets a second pass.
func (h *house) signIn(subject string, headers http.Header, secrets ...[]byte) devices.Enrolment {
	h.t.Helper()
	e, err := h.Enroll(h.t.Context(), subject, h.sees(headers, secrets...))
	h.good(err)
	h.clock.Advance(time.Second)
	return e
}

// by returns the owner acting through a device that was signed in with when
// it was enrolled.
func by(e devices.Enrolment) devices.Actor {
	return devices.Actor{Subject: e.Device.Subject, DeviceID: e.Device.ID, AuthTime: e.Device.CreatedAt}
}

// device reads a device as it stands.
func (h *house) device(e devices.Enrolment) devices.Device {
	h.t.Helper()
	d, err := h.store.Device(h.t.Context(), e.Device.Subject, e.Device.ID)
	h.good(err)
	return d
}

// grant opens a grant on a device, or on none.
func (h *house) grant(e devices.Enrolment, edits ...func(*devices.Grant)) string {
	h.t.Helper()
	g := devices.Grant{
		ID: h.NewID(), Subject: e.Device.Subject, ClientID: "shop", DeviceID: e.Device.ID,
		Scopes: []string{"openid", "offline_access"}, Offline: true, Secret: make([]byte, 32),
		Generation: 1, RotatedAt: h.clock.Now(), NotAfter: h.clock.Now().Add(90 * 24 * time.Hour),
		Version: 1, CreatedAt: h.clock.Now(),
	}
	for _, edit := range edits {
		edit(&g)
	}
	h.good(h.store.OpenGrant(h.t.Context(), g))
	return g.ID
}

// held reads a grant as it stands.
func (h *house) held(grant string) devices.Grant {
	h.t.Helper()
	holding, err := h.store.Holding(h.t.Context(), grant)
	h.good(err)
	return holding.Grant
}

// told returns the types of the events since the last call.
func (h *house) told(after *string) []devices.EventType {
	h.t.Helper()
	page, err := h.store.EventsAfter(h.t.Context(), *after, 500)
	h.good(err)
	*after = page.Next
	var types []devices.EventType
	for _, e := range page.Events {
		types = append(types, e.Type)
	}
	return types
}

// snapshot is everything the subjects have.
func (h *house) snapshot(subjects ...string) string {
	h.t.Helper()
	var all []any
	for _, subject := range subjects {
		known, err := h.store.Devices(h.t.Context(), subject)
		h.good(err)
		grants, err := h.store.FindGrants(h.t.Context(), devices.GrantQuery{Subject: subject})
		h.good(err)
		all = append(all, known, grants)
	}
	page, err := h.store.EventsAfter(h.t.Context(), "", 500)
	h.good(err)
	text, err := json.MarshalIndent(append(all, page.Events), "", " ")
	h.good(err)
	return string(text)
}

// refuses fails unless err is want and nothing of the subjects has changed.
func (h *house) refuses(want error, what string, do func() error, subjects ...string) {
	h.t.Helper()
	before := h.snapshot(subjects...)
	if err := do(); !errors.Is(err, want) {
		h.t.Errorf("%s: got %v, want %v", what, err, want)
	}
	if diff := cmp.Diff(before, h.snapshot(subjects...)); diff != "" {
		h.t.Errorf("%s changed something:\n%s", what, diff)
	}
}

func same[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

// live counts the subject's live devices.
func (h *house) live(subject string) int {
	h.t.Helper()
	known, err := h.store.Devices(h.t.Context(), subject)
	h.good(err)
	n := 0
	for _, d := range known {
		if d.Live() {
			n++
		}
	}
	return n
}

// addUser makes the subject one that signs in here.
func (h *house) addUser(subject string) {
	h.t.Helper()
	h.good(h.store.CreateUser(h.t.Context(), oauth.User{Subject: subject, Identifier: subject}))
}

func ptr[T any](v T) *T { return &v }
