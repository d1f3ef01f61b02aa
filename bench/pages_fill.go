package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

const (
	// devicesEach is how many devices each subject has.
	devicesEach = 10
	fillBatch   = 100_000
)

// The rows are copies of a real device and a real grant, so that they are as
// wide and hold what the schema of the day asks for. IDs rise with time, as
// those of version 7 do.
const (
	fillDevices = `INSERT INTO devices SELECT r.* FROM (SELECT d FROM devices AS d LIMIT 1) AS t,
 generate_series($1::bigint, $2::bigint) AS i, LATERAL jsonb_populate_record(t.d, jsonb_build_object(
 'id', 'd-' || lpad(to_hex(i), 34, '0'), 'subject', 's-' || i % $3::bigint, 'created_at', (t.d).created_at - 86400000000 + i,
 'last_seen', (t.d).created_at - 3600000000 + i, 'last_addr', '\x00000000000000000000ffff' || lpad(to_hex(i), 8, '0'),
 'last_asn', i % 5000, 'os', (ARRAY['Windows', 'macOS', 'iOS', 'Android', 'Linux'])[1 + i % 5])) AS r`
	fillGrants = `INSERT INTO grants SELECT r.* FROM (SELECT g FROM grants AS g LIMIT 1) AS t,
 generate_series($1::bigint, $2::bigint) AS i, LATERAL jsonb_populate_record(t.g, jsonb_build_object(
 'id', 'g-' || lpad(to_hex(i), 34, '0'), 'subject', 's-' || i % $3::bigint, 'device_id', 'd-' || lpad(to_hex(i), 34, '0'),
 'sid', 'i-' || lpad(to_hex(i), 34, '0'), 'created_at', (t.g).created_at - 86400000000 + i)) AS r`
)

// ownerOf returns an owner's identifier, which is their subject too. The rows of
// a subject are spread over the whole table.
func ownerOf(n int) string { return fmt.Sprintf("s-%d", n*7) }

// fill makes that many devices, each with a grant, and the owners.
func fill(ctx context.Context, url string, s *server, devices int) error {
	if _, err := s.signIns(ctx, 1, "openid offline_access"); err != nil { // the one to copy
		return err
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	subjects := devices / devicesEach
	for from := 1; from <= devices && err == nil; from += fillBatch {
		to := min(from+fillBatch-1, devices)
		for _, statement := range []string{fillDevices, fillGrants} {
			if _, err = db.ExecContext(ctx, statement, from, to, subjects); err != nil {
				break
			}
		}
	}
	for _, statement := range []string{"VACUUM ANALYZE devices", "VACUUM ANALYZE grants", "CHECKPOINT"} {
		if err == nil {
			_, err = db.ExecContext(ctx, statement)
		}
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("make %d devices: %w", devices, err)
	}
	return makeOwners(ctx, url)
}

func makeOwners(ctx context.Context, url string) error {
	hash, err := local.HashPassword(benchPassword)
	if err != nil {
		return err
	}
	people, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	for n := range owners {
		err = errors.Join(err, people.CreateUser(ctx, oauth.User{
			Subject: ownerOf(n), Identifier: ownerOf(n), PasswordHash: hash, CreatedAt: time.Now(),
		}))
	}
	return errors.Join(err, people.Close())
}
