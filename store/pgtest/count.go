package pgtest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// Counts is what went between clients and a database.
type Counts struct {
	// RoundTrips are the requests that the server answered to their end
	// (ReadyForQuery), without pings and without connecting.
	RoundTrips int
	// Commits are the transactions that wrote rows and were not rolled back.
	Commits int
	// Rows are the rows they wrote.
	Rows int
	// Prepared are the statements that were prepared.
	Prepared int
	// Pings are the looks of a pool at an idle connection.
	Pings int
}

// Counter counts what goes through it.
type Counter struct {
	mu     sync.Mutex
	counts Counts
}

// Counts returns what went through since the last Reset.
func (c *Counter) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// Reset starts counting anew.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts = Counts{}
}

// Count puts a counter before a database and returns the URL to reach the
// database through it, on 127.0.0.1 and without TLS.
func Count(t testing.TB, database string) (string, *Counter) {
	t.Helper()
	behind, err := pgconn.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	network, address := pgconn.NetworkAddress(behind.Host, behind.Port)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Counter{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.serve(listener, func() (net.Conn, error) {
			return net.Dial(network, address)
		})
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	query := url.Values{"host": {host}, "port": {port}, "user": {behind.User}, "sslmode": {"disable"}}
	if behind.Password != "" {
		query.Set("password", behind.Password)
	}
	return "postgres:///" + behind.Database + "?" + query.Encode(), c
}

// serve passes connections on until the listener closes, and then ends those
// that are left.
func (c *Counter) serve(l net.Listener, dial func() (net.Conn, error)) {
	var open sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	defer func() {
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		open.Wait()
	}()
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := dial()
		if err != nil {
			_ = client.Close()
			continue
		}
		mu.Lock()
		conns = append(conns, client, server)
		mu.Unlock()
		pass := func(from, to net.Conn, started bool, look func(kind byte, body []byte)) {
			_ = forward(from, to, started, look)
			_ = errors.Join(from.Close(), to.Close())
		}
		open.Go(func() { pass(client, server, false, c.asked) })
		open.Go(func() { pass(server, client, true, c.answers()) })
	}
}

// forward passes messages on, each after a look at it. A client starts with a
// message that has no type.
func forward(from io.Reader, to io.Writer, started bool, look func(byte, []byte)) error {
	in, out := bufio.NewReader(from), bufio.NewWriter(to)
	for {
		header := make([]byte, 5)
		if !started {
			header = header[1:]
		}
		if _, err := io.ReadFull(in, header); err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint32(header[len(header)-4:])) - 4
		if length < 0 {
			return io.ErrUnexpectedEOF
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		if started {
			look(header[0], body)
		}
		started = true
		_, _ = out.Write(header) // its error stays until Flush
		_, _ = out.Write(body)
		if in.Buffered() > 0 {
			continue
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

func (c *Counter) asked(kind byte, _ []byte) {
	if kind == 'P' { // Parse
		c.add(Counts{Prepared: 1})
	}
}

// answers returns what looks at the answers of one connection.
func (c *Counter) answers() func(kind byte, body []byte) {
	var (
		connected, empty, other bool
		rows                    int // of the transaction that is open
	)
	return func(kind byte, body []byte) {
		switch kind {
		case 'I': // EmptyQueryResponse
			empty = true
		case 'C': // CommandComplete
			other = true
			tag := strings.Fields(strings.TrimRight(string(body), "\x00"))
			switch tag[0] {
			case "INSERT", "UPDATE", "DELETE", "MERGE":
				n, _ := strconv.Atoi(tag[len(tag)-1])
				rows += n
			case "ROLLBACK":
				rows = 0
			}
		case 'Z': // ReadyForQuery
			n := Counts{RoundTrips: 1}
			switch {
			case !connected:
				connected, n.RoundTrips = true, 0
			case empty && !other:
				n = Counts{Pings: 1}
			}
			if body[0] == 'I' && rows > 0 {
				n.Commits, n.Rows, rows = 1, rows, 0
			}
			c.add(n)
			empty, other = false, false
		}
	}
}

func (c *Counter) add(n Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.RoundTrips += n.RoundTrips
	c.counts.Commits += n.Commits
	c.counts.Rows += n.Rows
	c.counts.Prepared += n.Prepared
	c.counts.Pings += n.Pings
}
