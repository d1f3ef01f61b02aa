package store_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// TestOneSubjectLeavesConnections has far more changes of one subject wait for
// its lock than there are connections. Another subject's work goes on, and who
// waits for too long is told so.
func TestOneSubjectLeavesConnections(t *testing.T) {
	url := pgtest.Fresh(t)
	s := open(t, url, store.WithPool(3))
	changes := func(ctx context.Context, subject string) error {
		return s.Change(ctx, subject, func(devices.Tx) error { return nil })
	}
	for _, subject := range []string{"ada", "bob"} {
		if err := changes(t.Context(), subject); err != nil {
			t.Fatal(err)
		}
	}
	other, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	lock, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec("SELECT 1 FROM subjects WHERE id = 'ada' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() {
			if err := changes(t.Context(), "ada"); err != nil {
				t.Error(err)
			}
		})
	}
	hurried, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := changes(hurried, "ada"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a change that could not have its turn: %v", err)
	}
	patient, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 20 {
		if err := changes(patient, "bob"); err != nil {
			t.Error(err)
			break
		}
	}
	if err := lock.Rollback(); err != nil {
		t.Error(err)
	}
	waiting.Wait()
}
