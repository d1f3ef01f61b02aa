package store_test

import (
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
)

// Servers go on while somebody migrates to the next version, until they are
// replaced: what its steps add to a table is none of their business.
func TestColumnsOfANewerSchemaAreNoTrouble(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		enrolledIn(t, s, "ada", "laptop")
		if _, err := s.Devices(ctx, "ada"); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"devices", "grants", "ties", "legs", "users", "web_sessions"} {
			if err := s.Grow(ctx, table, "later"); err != nil {
				t.Fatal(err)
			}
		}
		if known, err := s.Devices(ctx, "ada"); err != nil || len(known) != 1 {
			t.Errorf("devices: %v, %v", known, err)
		}
		enrolledIn(t, s, "ada", "phone")
		err := s.OpenGrant(ctx, devices.Grant{
			ID: "shopping", Subject: "ada", ClientID: "shop", DeviceID: "phone", Generation: 1, Version: 1, CreatedAt: oryNoon,
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Change(ctx, "ada", func(tx devices.Tx) error {
			ended, err := tx.EndGrants(ctx, devices.Selection{DeviceID: "phone"}, devices.ReasonOwner, oryNoon)
			if len(ended) != 1 {
				t.Errorf("%d grants ended", len(ended))
			}
			return err
		})
		if err != nil {
			t.Errorf("grants: %v", err)
		}
	})
}
