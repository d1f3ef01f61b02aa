package store

import (
	"context"
	"fmt"
	"time"
)

// Retention is how long what is past is kept. Zero keeps it for ever.
type Retention struct {
	Judgments time.Duration
	// Addresses are forgotten earlier: those of judgments, those at which
	// devices were enrolled, and the last ones of devices that are idle; and
	// with them their coordinates. Country, region, city and ASN stay.
	Addresses time.Duration
	Events    time.Duration // also of events that nobody has read
}

const (
	// batch is how many rows go in one transaction, so that nobody waits for a
	// sweep, and one that is interrupted has done something.
	batch = 1000
	// leeway is how long past their end things stay for which a late caller
	// may still ask.
	leeway = 24 * time.Hour
	// apart is how far the clocks of the servers on one database may be apart.
	// What one of them has forgotten, another must not take for new.
	apart = 5 * time.Minute
)

// Sweep forgets what has had its time: client assertions at their end; codes
// an hour after theirs, and a day where they were used and their grants live;
// sign-ins, retired keys and grants without a device a day after their end;
// other grants that ended when judgments of that time are forgotten, thirty
// days ago at least; and judgments, addresses and events past their retention.
// It goes in small transactions and may run in several processes at once. What
// it had forgotten by then is gone even where it fails.
func (s *Store) Sweep(ctx context.Context, now time.Time, keep Retention) error {
	events := eventsText
	if s.pg {
		events = eventsPostgresText
	}
	for _, step := range []struct {
		what string
		text string
		keep time.Duration
	}{
		{"assertions", assertionsText, apart},
		{"sign-ins", signInsText, leeway},
		{"web sessions", webSessionsText, leeway},
		{"grants", grantsText, leeway},
		{"keys", keysText, leeway},
		{"passed tokens", passedTokensText, leeway},
		{"ties", tiesText, leeway},
		{"judgments", judgmentsText, keep.Judgments},
		{"events", events, keep.Events},
		{"addresses of judgments", judgedText, keep.Addresses},
		{"first addresses", firstText, keep.Addresses},
		{"last uses", usedText, keep.Addresses},
		{"last addresses", lastText, keep.Addresses},
	} {
		if step.keep <= 0 {
			continue
		}
		if err := s.sweep(ctx, step.text, at(now.Add(-step.keep))); err != nil {
			return fmt.Errorf("sweep %s: %w", step.what, err)
		}
	}
	if err := s.sweepCodes(ctx, now); err != nil {
		return fmt.Errorf("sweep codes: %w", err)
	}
	if keep.Judgments <= 0 {
		return nil // they are kept for ever, and so is what they are of
	}
	if err := s.sweepGrants(ctx, at(now.Add(-max(tombstone, keep.Judgments)))); err != nil {
		return fmt.Errorf("sweep ended grants: %w", err)
	}
	return nil
}

// sweep runs a statement until it has no full batch to take.
func (s *Store) sweep(ctx context.Context, text string, before micros) error {
	for {
		rows, err := affected(s.write.NewRaw(text, before, batch).Exec(ctx))
		if err != nil || rows < batch {
			return err
		}
	}
}

// Each statement takes a time and how many rows to take at most, which it
// finds through an index.
const (
	assertionsText = `DELETE FROM assertions WHERE hash IN
 (SELECT hash FROM assertions WHERE expires_at <= ?0 LIMIT ?1)`
	signInsText = `DELETE FROM sign_ins WHERE id IN
 (SELECT id FROM sign_ins WHERE not_after <= ?0 LIMIT ?1)`
	grantsText = `DELETE FROM grants WHERE id IN
 (SELECT id FROM grants WHERE device_id = '' AND not_after > 0 AND not_after <= ?0 LIMIT ?1)`
	keysText = `DELETE FROM keys WHERE id IN
 (SELECT id FROM keys WHERE retired_at > 0 AND retired_at <= ?0 LIMIT ?1)`
	// A token that has a successor is kept for as long as its coming back is to
	// be told; the newest one of a chain stays as long as its grant.
	passedTokensText = `DELETE FROM passed WHERE hash IN
 (SELECT p.hash FROM passed AS p WHERE p.at <= ?0 AND (EXISTS
 (SELECT 1 FROM passed AS n WHERE n.parent = p.hash AND n.at <= ?0) OR NOT EXISTS
 (SELECT 1 FROM grants AS g WHERE g.id = p.grant_id AND g.revoked_at = 0)) LIMIT ?1)`
	tiesText = `DELETE FROM ties WHERE (kind, ref) IN
 (SELECT kind, ref FROM ties WHERE ended_at > 0 AND ended_at <= ?0 LIMIT ?1)`
	judgmentsText = `DELETE FROM judgments WHERE id IN
 (SELECT id FROM judgments WHERE at <= ?0 LIMIT ?1)`
	eventsText = `DELETE FROM events WHERE seq IN
 (SELECT seq FROM events WHERE at <= ?0 LIMIT ?1)`
	eventsPostgresText = `DELETE FROM events WHERE (era, xid, seq) IN
 (SELECT era, xid, seq FROM events WHERE at <= ?0 LIMIT ?1)`
	judgedText = `UPDATE judgments SET addr = NULL, spot = 0 WHERE id IN
 (SELECT id FROM judgments WHERE at <= ?0 AND addr IS NOT NULL LIMIT ?1)`
	firstText = `UPDATE devices SET first_addr = NULL, first_spot = 0 WHERE id IN
 (SELECT id FROM devices WHERE created_at <= ?0 AND first_addr IS NOT NULL LIMIT ?1)`
	// A device that goes on being used keeps its last address, and its last
	// use is written down, so that the next sweeps need not look at it again.
	usedText = `UPDATE devices SET last_seen =
 (SELECT max(g.rotated_at) FROM grants AS g WHERE g.device_id = devices.id) WHERE id IN
 (SELECT d.id FROM devices AS d WHERE d.last_seen <= ?0 AND d.last_addr IS NOT NULL AND EXISTS
 (SELECT 1 FROM grants AS u WHERE u.device_id = d.id AND u.rotated_at > ?0) LIMIT ?1)`
	lastText = `UPDATE devices SET last_addr = NULL, last_spot = 0 WHERE id IN
 (SELECT id FROM devices WHERE last_seen <= ?0 AND last_addr IS NOT NULL LIMIT ?1)`
)
