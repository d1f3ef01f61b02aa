package pgtest_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/store/pgtest"
)

func query(t testing.TB, url, text string) string {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var answer string
	if err := db.QueryRowContext(t.Context(), text).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestDatabases(t *testing.T) {
	if one, other := pgtest.Fresh(t), pgtest.Fresh(t); one == other {
		t.Error("two tests share a database")
	}
	if n := query(t, pgtest.Fresh(t), "SELECT count(*) FROM grants"); n != "0" {
		t.Errorf("a fresh database has %s grants", n)
	}
	if there := query(t, pgtest.Empty(t), "SELECT to_regclass('grants') IS NOT NULL"); there != "false" {
		t.Error("an empty database has a schema")
	}
}

func TestDurableOverTCP(t *testing.T) {
	if os.Getenv("TEST_DATABASE_URL") != "" {
		t.Log("a given server runs as it likes")
		return
	}
	s, err := pgtest.Launch(t.Context(), pgtest.Options{TCP: true, Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Migrated(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	where, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	if host := where.Query().Get("host"); host != "127.0.0.1" {
		t.Errorf("the server is at %q", host)
	}
	if on := query(t, at, "SELECT current_setting('fsync') || current_setting('synchronous_commit')"); on != "onon" {
		t.Errorf("fsync and synchronous_commit: %s", on)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What furnishing made is in every copy, and it is done once.
func TestFurnished(t *testing.T) {
	times := 0
	furnished := pgtest.Furnished(func(t testing.TB, url string) {
		times++
		query(t, url, "INSERT INTO schema_steps (name, group_id) VALUES ('a chair', 1) RETURNING name")
	})
	for range 2 {
		at := furnished(t)
		if n := query(t, at, "SELECT count(*) FROM schema_steps WHERE name = 'a chair'"); n != "1" {
			t.Errorf("%s chairs", n)
		}
		query(t, at, "DELETE FROM schema_steps WHERE name = 'a chair' RETURNING name")
	}
	if times != 1 {
		t.Errorf("furnished %d times", times)
	}
}

func TestMissingBinaries(t *testing.T) {
	t.Setenv("PGTEST_BIN", t.TempDir())
	if _, err := pgtest.Launch(t.Context(), pgtest.Options{}); !errors.Is(err, pgtest.ErrMissing) {
		t.Errorf("no binaries: got %v, want %v", err, pgtest.ErrMissing)
	}
}

// A server goes with the process that started it, even one that is killed.
func TestServerEndsWithItsProcess(t *testing.T) {
	const child = "PGTEST_CHILD"
	if os.Getenv(child) != "" {
		s, err := pgtest.Launch(t.Context(), pgtest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.Create(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(query(t, at, "SELECT current_setting('data_directory')"))
		time.Sleep(time.Minute)
		return
	}
	process := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsProcess$")
	process.Env = append(os.Environ(), child+"=1")
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	dir := lines.Text()
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	if err := process.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = process.Wait() // killed, as intended
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	t.Errorf("%s is still there", dir)
}

func TestCount(t *testing.T) {
	through, counter := pgtest.Count(t, pgtest.Empty(t))
	db, err := sql.Open("pgx", through)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	do := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE TABLE rows (n int)")
	counter.Reset()
	do("SELECT 1")
	do("INSERT INTO rows SELECT generate_series(1, 3)")
	for _, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"UPDATE rows SET n = 0", "INSERT INTO rows VALUES (4)"} {
			if _, err := tx.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		if err := end(tx); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := pgtest.Counts{RoundTrips: 10, Commits: 2, Rows: 7, Pings: 2}
	if got := counter.Counts(); got != want { // the pool pings at the first reuse, too
		t.Errorf("counted %+v, want %+v", got, want)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT n + $1 FROM rows LIMIT 1", 1).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if got := counter.Counts(); got.Prepared != 1 || got.RoundTrips <= want.RoundTrips {
		t.Errorf("counted %+v after a statement was prepared", got)
	}
}
