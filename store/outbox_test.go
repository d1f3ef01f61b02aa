package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// A dump restored into a young cluster holds numbers of transactions that are
// yet to come there. Its reader goes on where it was and misses nothing.
func TestRestoredEvents(t *testing.T) {
	url := pgtest.Fresh(t)
	s := open(t, url)
	raw := rawDB(t, "pgx", url)
	cursor, heard := "", ""
	hear := func() {
		t.Helper()
		page, err := s.EventsAfter(t.Context(), cursor, 0)
		if err != nil {
			t.Fatal(err)
		}
		cursor = page.Next
		for _, e := range page.Events {
			heard += e.ID
		}
	}
	said := func(id string) {
		t.Helper()
		err := s.Change(t.Context(), "ada", func(tx devices.Tx) error {
			return tx.Tell(t.Context(), devices.Event{ID: id, Subject: "ada"})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	said("a")
	hear()
	said("b")
	for i := range 2 { // a restored database may be restored again
		const older = 1_000_000_000 // transactions that the other cluster is ahead
		do(t, raw, fmt.Sprintf("UPDATE events SET xid = xid + %d WHERE era = %d", older, i))
		var era, xid, seq int64
		if _, err := fmt.Sscanf(cursor, "%d.%d.%d", &era, &xid, &seq); err != nil {
			t.Fatal(err)
		}
		cursor = fmt.Sprintf("%d.%d.%d", era, xid+older, seq)
		if err := s.Check(t.Context()); !errors.Is(err, store.ErrRestored) {
			t.Errorf("restored database: got %v, want %v", err, store.ErrRestored)
		}
		up(t, url)
		up(t, url) // changes nothing
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		hear()
		said(string(rune('c' + i)))
		hear()
	}
	said("e")
	hear()
	if heard != "abcde" {
		t.Errorf("heard %q, want every event once, in order", heard)
	}
}
