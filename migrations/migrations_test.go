package migrations_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite"

	"github.com/lanyard-id/lanyard/migrations"
)

// Each step has a way back, and is either portable or said twice.
func TestStepsAreComplete(t *testing.T) {
	steps := map[string]string{} // by file name
	ways := map[string]int{}     // up and down, by number and name
	err := fs.WalkDir(os.DirFS("sql"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		where, file := filepath.Split(path)
		if other, twice := steps[file]; twice && (where == "portable/" || other == "portable/") {
			t.Errorf("%s is both portable and not", file)
		}
		steps[file] += where
		name, _, ok := strings.Cut(file, ".tx.")
		if !ok {
			t.Errorf("%s does not run in a transaction", file)
		}
		ways[name]++
		if where == "portable/" {
			ways[name]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for name := range ways {
		want[name] = 4 // up and down on both
	}
	if diff := cmp.Diff(want, ways); diff != "" || len(ways) == 0 {
		t.Errorf("files of each step (-want +got):\n%s", diff)
	}
}

// A pool of many connections cannot hold the lock that one session holds.
func TestUpRefusesAPool(t *testing.T) {
	pool, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "lanyard.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := bun.NewDB(pool, sqlitedialect.New())
	defer func() { _ = db.Close() }()
	if _, err := migrations.Up(t.Context(), db); !errors.Is(err, migrations.ErrPool) {
		t.Errorf("up on a pool: got %v, want %v", err, migrations.ErrPool)
	}
	if err := migrations.Check(t.Context(), db); !errors.Is(err, migrations.ErrOld) {
		t.Errorf("check of an empty database: got %v, want %v", err, migrations.ErrOld)
	}
}
