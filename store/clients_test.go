package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// A client's own grant waits for a deletion of the client that is underway.
func TestOwnGrantWaitsForDeletion(t *testing.T) {
	url := pgtest.Fresh(t)
	up(t, url)
	s, db := open(t, url), rawDB(t, "pgx", url)
	if err := s.CreateClient(t.Context(), oauth.Client{ID: "backend", Version: 1}); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil) // goes with the connection, where it is not committed
	if err == nil {
		_, err = tx.Exec("DELETE FROM clients WHERE id = 'backend'")
	}
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() { opened <- s.OpenGrant(t.Context(), devices.Grant{ID: "grant", ClientID: "backend"}) }()
	select {
	case err := <-opened:
		t.Fatalf("opened while its client was being deleted: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("opened without its client: %v", err)
	}
}
