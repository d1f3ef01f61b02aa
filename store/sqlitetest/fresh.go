package sqlitetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/store"
)

// migrated returns the bytes of a database that has the schema and no rows.
// They are made once: that takes fifty times as long as copying them. A test
// binary has no other place to keep what its tests share.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "sqlitetest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is in the temporary directory
	file := filepath.Join(dir, "migrated.db")
	if _, err := store.MigrateUp(context.Background(), "sqlite:"+file); err != nil {
		return nil, err
	}
	return os.ReadFile(file) // closed, so its write-ahead log is in it
})

// Fresh returns the URL of a database that has the schema, which goes with the
// test.
func Fresh(t testing.TB) string {
	t.Helper()
	text, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	return hold(t, text)
}

// Furnished returns what gives each test a database of its own that holds what
// furnish puts into a Fresh one. It does so once, in the first test that asks,
// and has closed the database when it returns.
func Furnished(furnish func(t testing.TB, url string)) func(testing.TB) string {
	var once sync.Once
	var text []byte
	return func(t testing.TB) string {
		t.Helper()
		once.Do(func() {
			url := Fresh(t)
			furnish(t, url)
			if made, err := os.ReadFile(path(url)); err != nil {
				t.Error(err)
			} else if !t.Failed() {
				text = made
			}
		})
		if text == nil {
			t.Fatal("the database was not furnished")
		}
		return hold(t, text)
	}
}

// hold keeps the bytes of a database in a file that goes with the test.
func hold(t testing.TB, text []byte) string {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db")
	if err := os.WriteFile(path(url), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return url
}

func path(url string) string { return url[len("sqlite:"):] }
