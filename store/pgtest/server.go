package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named pgx

	"github.com/lanyard-id/lanyard/store"
)

// Options say how a server runs.
type Options struct {
	// TCP lets it listen on 127.0.0.1 too, on a free port that URLs then name.
	// Without it there is only a unix socket.
	TCP bool
	// Durable makes commits as safe, and as slow, as in production. Without it
	// nothing is waited for.
	Durable bool
}

// Server is a private PostgreSQL cluster.
type Server struct {
	admin string // URL of the maintenance database
	made  atomic.Int64
	stop  func() error
}

// ErrMissing: the machine has no PostgreSQL server.
var ErrMissing = errors.New("no PostgreSQL server binaries found: run " +
	"`apt-get install -y --no-install-recommends postgresql`, or name their directory in PGTEST_BIN")

// Launch starts a server and waits until it answers. Close it when done.
func Launch(ctx context.Context, o Options) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, err
	}
	s, err := launch(ctx, bin, dir, o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func launch(ctx context.Context, bin, dir string, o Options) (*Server, error) {
	attributes, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata", data,
		"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attributes
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	args := []string{filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "max_connections=200"}
	if !o.Durable {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
	}
	where := url.Values{"host": {dir}, "user": {"postgres"}, "sslmode": {"disable"}}
	release := func() error { return nil }
	if o.TCP {
		var port string
		if port, release, err = Port(); err != nil {
			return nil, err
		}
		args = append(args, "-c", "listen_addresses=127.0.0.1", "-p", port)
		where.Set("host", "127.0.0.1")
		where.Set("port", port)
	} else {
		args = append(args, "-c", "listen_addresses=")
	}
	s := &Server{admin: "postgres:///postgres?" + where.Encode()}
	stop, err := guarded(dir, attributes, args)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	s.stop = func() error { return errors.Join(stop(), release()) }
	if err := s.answers(ctx); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, errors.Join(fmt.Errorf("postgres did not start: %w\n%s", err, log), s.stop())
	}
	return s, nil
}

// guarded starts the server under a shell that holds the other end of a pipe:
// when this process ends, however it does, the pipe closes, and the shell
// stops the server and removes its directory.
func guarded(dir string, attributes *syscall.SysProcAttr, args []string) (func() error, error) {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	const script = `dir=$1; shift; "$@" & cat >/dev/null; kill -INT $!; wait $!; rm -rf "$dir"`
	guard := exec.Command("sh", append([]string{"-c", script, "pgtest", dir}, args...)...)
	guard.Dir, guard.Stdout, guard.Stderr = "/", log, log
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: attributes.Credential}
	pipe, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	return func() error { return errors.Join(pipe.Close(), guard.Wait()) }, nil
}

func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", s.admin)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for {
		err := db.PingContext(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Close stops the server and removes all it held.
func (s *Server) Close() error { return s.stop() }

// Create makes an empty database, or a copy of the one that is named, and
// returns its URL.
func (s *Server) Create(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("t%d_%d", os.Getpid(), s.made.Add(1))
	statement := "CREATE DATABASE " + name
	if template != "" {
		statement += " TEMPLATE " + template
	}
	if err := s.exec(ctx, statement); err != nil {
		return "", err
	}
	return s.named(name), nil
}

// Migrated makes a database that has the schema, and returns its URL.
func (s *Server) Migrated(ctx context.Context) (string, error) {
	to, err := s.Create(ctx, "")
	if err != nil {
		return "", err
	}
	_, err = store.MigrateUp(ctx, to)
	return to, err
}

// drop removes a database, whoever is still connected.
func (s *Server) drop(ctx context.Context, database string) error {
	at, err := url.Parse(database)
	if err != nil {
		return err
	}
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+strings.TrimPrefix(at.Path, "/")+" WITH (FORCE)")
}

func (s *Server) named(database string) string {
	at, err := url.Parse(s.admin)
	if err != nil {
		return ""
	}
	at.Path = "/" + database
	return at.String()
}

func (s *Server) exec(ctx context.Context, statement string) error {
	db, err := sql.Open("pgx", s.admin)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

// binaries returns the directory of initdb and postgres, of the newest version
// that is installed.
func binaries() (string, error) {
	if dir := os.Getenv("PGTEST_BIN"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			return "", fmt.Errorf("%w (%w)", ErrMissing, err)
		}
		return dir, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dir := string(bytes.TrimSpace(out))
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", ErrMissing
}

func version(initdb string) int {
	n, _ := strconv.Atoi(strings.Split(initdb, "/")[4])
	return n
}

// unprivileged gives the directory to the user postgres where this process is
// root, as whom PostgreSQL refuses to run.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, errUID := strconv.Atoi(who.Uid)
	gid, errGID := strconv.Atoi(who.Gid)
	if err := errors.Join(errUID, errGID, os.Chown(dir, uid, gid)); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}
