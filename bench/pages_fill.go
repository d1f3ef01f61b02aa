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
	db.SetMaxOpenConns(1) // whose session builds indexes with more memory
	if err = errors.Join(insert(ctx, db, devices), db.Close()); err != nil {
		return fmt.Errorf("make %d devices: %w", devices, err)
	}
	return makeOwners(ctx, url)
}

// insert makes the rows. Their indexes are built after them, which is faster
// than to keep them up to date.
func insert(ctx context.Context, db *sql.DB, devices int) error {
	names, definitions, err := indexes(ctx, db)
	if err != nil {
		return err
	}
	run := func(statement string, args ...any) {
		if err == nil {
			_, err = db.ExecContext(ctx, statement, args...)
		}
	}
	for _, name := range names {
		run("DROP INDEX " + name)
	}
	for from := 1; from <= devices; from += fillBatch {
		to := min(from+fillBatch-1, devices)
		run(fillDevices, from, to, devices/devicesEach)
		run(fillGrants, from, to, devices/devicesEach)
	}
	run("SET maintenance_work_mem = '256MB'")
	for _, definition := range definitions {
		run(definition)
	}
	run("VACUUM ANALYZE devices")
	run("VACUUM ANALYZE grants")
	run("CHECKPOINT")
	return err
}

// indexes returns the names and the definitions of the indexes, but for the
// primary keys.
func indexes(ctx context.Context, db *sql.DB) (names, definitions []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT indexname, indexdef FROM pg_indexes
 WHERE tablename IN ('devices', 'grants') AND indexname NOT LIKE '%\_pkey'`)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }() // what went wrong is told by Err
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return nil, nil, err
		}
		names, definitions = append(names, name), append(definitions, definition)
	}
	return names, definitions, rows.Err()
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
