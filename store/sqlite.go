package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// openSQLite opens a file, which it creates for its owner alone: it holds
// hashes and sealed keys.
func openSQLite(file string, set settings) (*Store, error) {
	path, query, _ := strings.Cut(file, "?")
	synchronous, err := durability(query)
	if err != nil {
		return nil, fmt.Errorf("read the database url: %w", err)
	}
	if path == "" || strings.HasPrefix(path, ":") {
		return nil, ErrURL // a database in memory is one per connection
	}
	created, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := created.Close(); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)" +
		"&_pragma=temp_store(2)&_txlock=immediate&_pragma=synchronous(" + synchronous + ")"
	readers := 4
	if set.pool > 0 {
		readers = set.pool
	}
	writing, err := pool(dsn, 1)
	if err != nil {
		return nil, err
	}
	reading, err := pool(dsn+"&_pragma=query_only(1)", readers)
	if err != nil {
		return nil, errors.Join(err, writing.Close())
	}
	return &Store{
		write: bun.NewDB(writing, sqlitedialect.New(), newer()), read: bun.NewDB(reading, sqlitedialect.New(), newer()),
		now:          set.now,
		holding:      &hot{db: reading, text: holdingText, prepares: true},
		rotate:       &hot{db: writing, text: rotateText, prepares: true},
		rotateRaised: &hot{db: writing, text: rotateRaisedText, prepares: true},
		renew:        &hot{db: writing, text: renewText, prepares: true},
		chain:        &hot{db: reading, text: chainText, prepares: true},
		passed:       &hot{db: reading, text: passedText, prepares: true},
		spent:        &hot{db: reading, text: spentText, prepares: true},
		learn:        &hot{db: writing, text: learnText, prepares: true},
	}, nil
}

// durability returns how far a commit waits for the disk, the only choice there
// is in the URL of a file.
func durability(query string) (string, error) {
	choices, err := url.ParseQuery(query)
	if err != nil {
		return "", err
	}
	chosen := choices.Get("synchronous")
	if choices.Del("synchronous"); len(choices) > 0 {
		return "", fmt.Errorf("synchronous is the only choice after ?, not %s", query)
	}
	switch chosen {
	case "":
		return "FULL", nil
	case "normal", "full", "extra":
		return strings.ToUpper(chosen), nil
	}
	return "", fmt.Errorf("synchronous: normal, full or extra, not %q", chosen)
}

func pool(dsn string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func duplicateSQLite(err error) bool {
	var trouble *sqlite.Error
	if !errors.As(err, &trouble) {
		return false
	}
	return trouble.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE ||
		trouble.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}
