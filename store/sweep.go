package store

import (
	"context"
	"fmt"
	"time"
)

// Retention is how long what is past is kept. Zero keeps it for ever.
type Retention struct {
	Sightings time.Duration // judgments
	Addresses time.Duration // in judgments, and where devices were met and seen
	Events    time.Duration // also those that nobody has read
}

// Swept is how many rows a sweep took.
type Swept struct {
	Codes, Assertions, SignIns, Grants, Keys, Judgments, Addresses, Events int64
}

const (
	// batch is how many rows go in one transaction, so that nobody waits for a
	// sweep and a sweep that is interrupted has done something.
	batch = 1000
	// leeway is how long past their end things stay that a late caller may
	// still ask for, so that the answer is "expired" and not "unknown".
	leeway = 24 * time.Hour
)

// Sweep deletes what has had its time: expired codes, assertions, sign-ins,
// retired keys and grants without a device, and judgments, addresses and
// events past their retention. It goes in small transactions and may run in
// several processes at once. What it had swept by then counts even where it
// fails.
func (s *Store) Sweep(ctx context.Context, now time.Time, keep Retention) (Swept, error) {
	var swept Swept
	cut := at(now.Add(-leeway))
	for _, step := range []struct {
		count *int64
		text  string
		args  []any
		after time.Duration
	}{
		{&swept.Codes, codesText, []any{cut}, leeway},
		{&swept.Assertions, assertionsText, []any{at(now)}, leeway},
		{&swept.SignIns, signInsText, []any{cut}, leeway},
		{&swept.Grants, grantsText, []any{cut}, leeway},
		{&swept.Keys, keysText, []any{cut}, leeway},
		{&swept.Judgments, judgmentsText, []any{at(now.Add(-keep.Sightings))}, keep.Sightings},
		{&swept.Addresses, judgedAddressesText, []any{at(now.Add(-keep.Addresses))}, keep.Addresses},
		{&swept.Events, eventsText, []any{at(now.Add(-keep.Events))}, keep.Events},
	} {
		if step.after <= 0 {
			continue
		}
		n, err := s.sweep(ctx, step.text, append(step.args, batch)...)
		*step.count += n
		if err != nil {
			return swept, fmt.Errorf("sweep: %w", err)
		}
	}
	return swept, nil
}

// The statements of a sweep take a time and how many rows to take at most.
const (
	codesText = "DELETE FROM codes WHERE hash IN " +
		"(SELECT hash FROM codes WHERE expires_at <= ? LIMIT ?)"
	assertionsText = "DELETE FROM assertions WHERE hash IN " +
		"(SELECT hash FROM assertions WHERE expires_at <= ? LIMIT ?)"
	signInsText = "DELETE FROM sign_ins WHERE id IN " +
		"(SELECT id FROM sign_ins WHERE not_after <= ? LIMIT ?)"
	grantsText = "DELETE FROM grants WHERE id IN " +
		"(SELECT id FROM grants WHERE device_id = '' AND not_after > 0 AND not_after <= ? LIMIT ?)"
	keysText = "DELETE FROM keys WHERE id IN " +
		"(SELECT id FROM keys WHERE retired_at > 0 AND retired_at <= ? LIMIT ?)"
	judgmentsText = "DELETE FROM judgments WHERE id IN " +
		"(SELECT id FROM judgments WHERE at <= ? LIMIT ?)"
	judgedAddressesText = "UPDATE judgments SET addr = NULL WHERE id IN " +
		"(SELECT id FROM judgments WHERE at <= ? AND addr IS NOT NULL LIMIT ?)"
	eventsText = "DELETE FROM events WHERE seq IN " +
		"(SELECT seq FROM events WHERE at <= ? LIMIT ?)"
)

// sweep runs a statement until it has no full batch to take.
func (s *Store) sweep(ctx context.Context, text string, args ...any) (int64, error) {
	var all int64
	for {
		n, err := affected(s.write.NewRaw(text, args...).Exec(ctx))
		all += n
		if err != nil || n < batch {
			return all, err
		}
	}
}
