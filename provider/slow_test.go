package provider_test

import (
	"testing"
	"time"
)

// TestStoreSlow sends every errand while a database answers nothing, because
// somebody else holds the locks: each is told to come again in time, and works
// when the locks are gone.
func TestStoreSlow(t *testing.T) {
	const patience = 250 * time.Millisecond
	h := newHouseInPostgres(t)
	todo := errands(t, h, troubleHouse(t, h))
	h.clock.Advance(6 * time.Second) // so that no client is remembered
	db := h.database()
	defer func() { _ = db.Close() }() // it was used up
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec(`LOCK TABLE clients, grants, devices, subjects, users, codes, sign_ins, consents, assertions, events
IN ACCESS EXCLUSIVE MODE`)
	}
	h.must(err)
	unhurried := h.provider.Deadline
	h.provider.Deadline = patience
	for _, e := range todo {
		if !e.stored {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			start := time.Now()
			e.send().troubled(t, e.page)
			if took := time.Since(start); took > 20*patience {
				t.Errorf("answered after %v", took)
			}
		})
	}
	h.must(tx.Rollback())
	h.provider.Deadline = unhurried
	for _, e := range todo {
		t.Run(e.name+", when it answers", func(t *testing.T) { e.works(t) })
	}
}
