package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/storetest"
)

// One connection must do: nothing may ask for a second while it holds one. On
// SQLite one connection writes in any case.
func TestOneConnection(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		return open(t, pgtest.Fresh(t), store.WithPool(1), store.WithoutStatementCache())
	})
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, url := range []string{
		"", "lanyard.db", "mysql://localhost/lanyard", "sqlite:", "sqlite::memory:", "file:" + dir + "/x.db",
	} {
		if _, err := store.Open(t.Context(), url); !errors.Is(err, store.ErrURL) {
			t.Errorf("open %q: got %v, want %v", url, err, store.ErrURL)
		}
	}
	for url, says := range map[string]string{
		"sqlite:" + dir + "/none/x.db":            "no such file",
		"sqlite:" + dir + "/x.db?synchronous=off": "synchronous",
		"sqlite:" + dir + "/x.db?sync=full":       "sync",
		"postgres://%zz":                          "database url",
		"postgres://ada:hidden@127.0.0.1:1/x":     "reach the database",
	} {
		_, err := store.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("open %q: got %v, want it to say %q", url, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("open %q: the password is in %q", url, err)
		}
	}
}

// Only the owner may read the file, and its name may be as odd as it likes.
func TestSQLiteFile(t *testing.T) {
	for _, name := range []string{"plain.db", "with space #1 100% ä?.db", "a:b.db"} {
		if strings.Contains(name, "?") {
			name = strings.ReplaceAll(name, "?", "") // starts the choices
		}
		file := filepath.Join(t.TempDir(), name)
		if _, err := store.MigrateUp(t.Context(), "sqlite:"+file+"?synchronous=normal"); err != nil {
			t.Fatal(err)
		}
		about, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if about.Mode().Perm() != 0o600 || about.Size() == 0 {
			t.Errorf("%s: mode %v, %d bytes", name, about.Mode(), about.Size())
		}
	}
	t.Chdir(t.TempDir())
	open(t, "sqlite:"+relative(t))
}

func relative(t *testing.T) string {
	t.Helper()
	if _, err := store.MigrateUp(t.Context(), "sqlite:lanyard.db"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("lanyard.db"); err != nil {
		t.Error(err)
	}
	return "lanyard.db"
}
