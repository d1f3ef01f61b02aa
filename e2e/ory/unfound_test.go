//go:build ory

package ory_test

import (
	"database/sql"
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// receiptLeg is a leg of a device's receipt.
type receiptLeg struct{ Kind, State, Trouble, Until string }

// chainLeg waits until the one chain of a device is settled, and returns it.
func (s *site) chainLeg(t *testing.T, id string) (found receiptLeg) {
	t.Helper()
	eventually(t, "the chain is settled", func() bool {
		var receipt struct{ Legs []receiptLeg }
		s.admin(t, http.MethodGet, "/admin/devices/"+id+"/receipt", &receipt)
		for _, l := range receipt.Legs {
			if found = l; l.Kind == "hydra_chain" && l.State != "pending" {
				return true
			}
		}
		return false
	})
	return found
}

// Hydra has lost the row of a consent, as it does on purpose with
// feature_flags.discard_skipped_consents: it answers 204, and the tokens live.
func unfound(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	plain := s.chain(t, ada, id, "", "")
	d := s.theDevice(t, ada.Subject)
	s.revoke(t, d)
	if l := s.chainLeg(t, d.ID); l.State != "done" || l.Until != "" {
		t.Errorf("a chain that Hydra lists: %+v", l)
	}
	isRefused(t, plain)

	eve := s.registered(t, house.Laptop())
	lost := s.chain(t, eve, id, "", "")
	db, err := sql.Open("pgx", s.HydraDatabase)
	good(t, err)
	defer func() { good(t, db.Close()) }()
	for _, statement := range []string{
		"UPDATE hydra_oauth2_access SET challenge_id = NULL WHERE subject = $1",
		"UPDATE hydra_oauth2_refresh SET challenge_id = NULL WHERE subject = $1",
		"DELETE FROM hydra_oauth2_flow WHERE subject = $1",
	} {
		_, err := db.ExecContext(t.Context(), statement, eve.Subject)
		good(t, err)
	}
	d = s.theDevice(t, eve.Subject)
	s.revoke(t, d)
	l := s.chainLeg(t, d.ID)
	said, err := s.Introspect(lost.Access)
	good(t, err)
	if said["active"] == true && (l.State != "held" || l.Trouble != "hydra_did_not_confirm" || l.Until == "") {
		t.Errorf("the tokens live, and the receipt says %+v", l)
	}
	isRefused(t, lost)
}
