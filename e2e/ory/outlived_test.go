//go:build ory

package ory_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/e2e/house"
	admin "github.com/lanyard-id/lanyard/hooks/ory"
	"github.com/lanyard-id/lanyard/store"
)

// Nobody tells of a subject that is disabled. The sweep, which the server does
// once a minute, is done here by hand, and what it finds is the server's to end.
func disabled(t *testing.T, s *site) {
	ada, bob := s.registered(t, house.Laptop()), s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c, other := s.chain(t, ada, id, "", ""), s.chain(t, bob, id, "", "")
	if !s.signedIn(t, ada) {
		t.Fatal("no session at Kratos after the sign-in")
	}
	db, err := store.Open(t.Context(), s.House.Database, store.WithNow(time.Now))
	good(t, err)
	defer func() { good(t, db.Close()) }()
	good(t, db.SetUserDisabled(t.Context(), ada.Subject, true, time.Now()))
	sweep := admin.Reconciler{
		Client: admin.New(admin.Config{
			HydraAdmin: "http://" + s.HydraAdmin, KratosAdmin: "http://" + s.KratosAdmin, Grants: db,
			HTTP: http.DefaultClient, Now: time.Now,
		}),
		Ties: db, Log: slog.New(slog.DiscardHandler),
		Registry: &devices.Registry{Store: db, Policy: devices.DefaultPolicy(), Now: time.Now, NewID: uuid.NewString},
	}
	good(t, sweep.Once(t.Context()))
	eventually(t, "the session at Kratos ends", func() bool { return !s.signedIn(t, ada) })
	isRefused(t, c)
	a, err := ada.SignIn("")
	good(t, err)
	if a.Status == http.StatusOK {
		t.Errorf("a disabled subject signs in: %s", a.Body)
	}
	if !s.signedIn(t, bob) {
		t.Error("somebody else's session ended")
	}
	refreshes(t, other)
}
