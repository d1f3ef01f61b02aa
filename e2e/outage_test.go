package e2e_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// outage can take a house's database away, and give it back.
type outage struct {
	driver, direct string // to the database itself

	db   *sql.DB // holds a file's lock while it is away
	conn *sql.Conn
	wire *wire // to PostgreSQL
}

// open returns the URL of a database for a house, and what takes it away: a
// wire to PostgreSQL that can be cut, a lock on a file.
func open(t testing.TB, d house.Database) (string, *outage) {
	t.Helper()
	if d == house.SQLite {
		file := filepath.Join(t.TempDir(), "lanyard.db")
		return "sqlite:" + file, &outage{driver: "sqlite", direct: "file:" + file + "?_pragma=busy_timeout(10000)"}
	}
	direct := pgtest.On(t, pgtest.Options{TCP: true}, true)
	at, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	w := newWire(t, net.JoinHostPort(query.Get("host"), query.Get("port")))
	host, port, _ := net.SplitHostPort(w.address)
	query.Set("host", host)
	query.Set("port", port)
	at.RawQuery = query.Encode()
	return at.String(), &outage{driver: "pgx", direct: direct, wire: w}
}

// storeState takes the database away or gives it back: store down, store up.
func storeState(s *story, _ *testscript.TestScript, args []string) error {
	switch args[0] {
	case "down":
		return s.locks.down()
	case "up":
		return s.locks.up()
	}
	return fmt.Errorf("store down or up, not %s", args[0])
}

func (o *outage) down() error {
	if o.wire != nil {
		o.wire.cut()
		return nil
	}
	var err error
	if o.db, err = sql.Open(o.driver, o.direct); err != nil {
		return err
	}
	if o.conn, err = o.db.Conn(context.Background()); err != nil {
		return err
	}
	_, err = o.conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
	return err
}

func (o *outage) up() error {
	if o.wire != nil {
		return o.wire.mend()
	}
	_, err := o.conn.ExecContext(context.Background(), "ROLLBACK")
	return errors.Join(err, o.conn.Close(), o.db.Close())
}

// wire passes connections on, until it is cut.
type wire struct {
	address, to string

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
	held     sync.RWMutex // by hold; read by each piece that passes
}

// hold keeps back what is sent from now on, or lets it pass again.
func (w *wire) hold(on bool) {
	if on {
		w.held.Lock()
	} else {
		w.held.Unlock()
	}
}

func newWire(t testing.TB, to string) *wire {
	t.Helper()
	w := &wire{address: house.Address(t), to: to}
	if err := w.mend(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.cut)
	return w
}

func (w *wire) mend() error {
	l, err := net.Listen("tcp", w.address)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.listener = l
	w.mu.Unlock()
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // it was cut
			}
			to, err := net.Dial("tcp", w.to)
			if err != nil {
				_ = from.Close()
				continue
			}
			w.mu.Lock()
			w.open = append(w.open, from, to)
			w.mu.Unlock()
			go w.pass(from, to)
			go w.pass(to, from)
		}
	}()
	return nil
}

func (w *wire) pass(from, to net.Conn) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		w.held.RLock()
		_, failed := to.Write(piece[:n])
		w.held.RUnlock()
		if err != nil || failed != nil {
			break
		}
	}
	_ = errors.Join(from.Close(), to.Close())
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.listener.Close()
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

// query reads one value from the database itself.
func (o *outage) query(value any, statement string, args ...any) error {
	db, err := sql.Open(o.driver, o.direct)
	if err != nil {
		return err
	}
	return errors.Join(db.QueryRow(statement, args...).Scan(value), db.Close())
}

// age makes what is stored look as if it had happened earlier by so much: when
// devices were enrolled, their subjects proved themselves, and keys were made.
func age(s *story, _ *testscript.TestScript, args []string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	db, err := sql.Open(s.locks.driver, s.locks.direct)
	if err != nil {
		return err
	}
	err = older(db, d)
	return errors.Join(err, db.Close())
}

func older(db *sql.DB, d time.Duration) error {
	micros := d.Microseconds()
	for _, statement := range []string{
		"UPDATE devices SET created_at = created_at - $1",
		"UPDATE sign_ins SET auth_time = auth_time - $1, created_at = created_at - $1",
		"UPDATE keys SET created_at = created_at - $1, active_at = active_at - $1",
		"UPDATE keys SET retired_at = retired_at - $1 WHERE retired_at > 0",
	} {
		if _, err := db.Exec(statement, micros); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	held, err := sessions(db)
	if err != nil {
		return err
	}
	for id, session := range held {
		var members map[string]any
		if err := json.Unmarshal(session, &members); err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339, fmt.Sprint(members["auth_time"]))
		if err != nil {
			return err
		}
		members["auth_time"] = at.Add(-d).Format(time.RFC3339Nano)
		text, err := json.Marshal(members)
		if err == nil {
			_, err = db.Exec("UPDATE grants SET session = $1 WHERE id = $2", text, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sessions(db *sql.DB) (map[string][]byte, error) {
	rows, err := db.Query("SELECT id, session FROM grants")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string][]byte{}
	for rows.Next() {
		var id string
		var session []byte
		if err := rows.Scan(&id, &session); err != nil {
			return nil, err
		}
		if strings.Contains(string(session), "auth_time") {
			found[id] = session
		}
	}
	return found, rows.Err()
}
