//go:build ory

package ory_test

import (
	"encoding/json"
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

// Kratos tells nobody of a logout. The sweep, which the server does once a
// minute, is done here by hand.
func sessionEnded(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	_, err := ada.Do(http.MethodDelete, "http://"+s.KratosAdmin+"/admin/identities/"+ada.Subject+"/sessions", nil, nil)
	good(t, err) // the one that registering began
	id, _ := s.client(t, true)
	laptop := s.chain(t, ada, id, "", "")
	phone := s.chain(t, ada.Elsewhere(house.Phone()), id, "", "")

	db, err := store.Open(t.Context(), s.House.Database, store.WithNow(time.Now))
	good(t, err)
	defer func() { good(t, db.Close()) }()
	later := func() time.Time { return time.Now().Add(2 * time.Minute) }
	sweep := admin.Reconciler{
		Client: admin.New(admin.Config{
			HydraAdmin: "http://" + s.HydraAdmin, KratosAdmin: "http://" + s.KratosAdmin, Grants: db,
			HTTP: http.DefaultClient, Now: later,
		}),
		Ties: db, Log: slog.New(slog.DiscardHandler),
		Registry: &devices.Registry{Store: db, Policy: devices.DefaultPolicy(), Now: time.Now, NewID: uuid.NewString},
	}
	good(t, sweep.Once(t.Context()))
	refreshes(t, laptop)

	a, err := ada.Do(http.MethodGet, "http://"+s.KratosPublic+"/sessions/whoami", nil, nil)
	good(t, err)
	var session struct{ ID string }
	good(t, json.Unmarshal(a.Body, &session))
	a, err = ada.Do(http.MethodDelete, "http://"+s.KratosAdmin+"/admin/sessions/"+session.ID, nil, nil)
	good(t, err)
	if a.Status != http.StatusNoContent {
		t.Fatalf("end the session: %d %s", a.Status, a.Body)
	}
	good(t, sweep.Once(t.Context()))
	isRefused(t, laptop)
	refreshes(t, phone)
}
