package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lanyard-id/lanyard/devices"
)

// chainsText is chainText for several chains.
const chainsText = holdingSelect + `
JOIN unnest($1::text[], $2::text[]) AS asked (issuer, ref) ON g.issuer = asked.issuer AND g.external_ref = asked.ref
WHERE g.external_ref <> '' AND asked.ref <> ''`

// fewest is as many questions as PostgreSQL takes a parameter to hold while it
// does not know it. With fewer it would think that a plan for just them is
// cheaper than one for all, and plan each time, which costs more than the rows.
const fewest = 10

// chain is what a grant is called by the server that mints its tokens.
type chain struct{ issuer, ref string }

// most is how many questions share a statement. Whoever comes when there are
// as many asks alone.
const most = 500

// gather lets questions for chains that come at once share a statement, on
// PostgreSQL: the way there costs more than the row, and a connection for each
// makes their answers irregular. Nobody waits for company: the first asks
// alone, and who comes while it waits for its answer asks next, with whoever
// does so too. No question joins a reading that has begun, so that none is
// answered with what was true before it was put.
//
// A slow connection holds nobody up: the next reading begins beside it after a
// while. It is still one for all who wait: if they asked one by one, a database
// that has much to do would have all the more.
//
// Who has gone is not asked for: when a database comes back after a while, it
// is not asked first for all who have given up on it.
type gather struct {
	one, several *hot
	// patience is how long a reading waits for the one before.
	patience time.Duration

	mu   sync.Mutex
	busy int      // how many readings are under way; the first asks alone
	next *reading // who waits for the next; nil if nobody does
}

// usualPatience is above what a reading takes, and far below any deadline.
const usualPatience = 10 * time.Millisecond

// abreast is how many readings may be under way at once.
const abreast = 8

// tooLate is when nobody waits for a reading any more.
const tooLate = time.Second

// reading is a statement and who waits for it. What it found is there once
// done is closed.
type reading struct {
	wanted map[chain]int // how many wait for each
	waits  *time.Timer   // for the reading before
	done   chan struct{}
	found  map[chain]devices.Holding
	err    error
	// oneByOne says that the statement came to nothing for a reason that may
	// be one question's.
	oneByOne bool
}

// holding returns the grant of a chain, or devices.ErrNotFound.
func (g *gather) holding(ctx context.Context, c chain) (devices.Holding, error) {
	r, first := g.join(c)
	if first {
		defer g.leave()
	}
	if r == nil {
		return g.alone(ctx, c)
	}
	select {
	case <-ctx.Done():
		g.abandon(r, c)
		return devices.Holding{}, fmt.Errorf("read grant: %w", ctx.Err())
	case <-r.done:
	}
	switch held, found := r.found[c]; {
	case r.oneByOne:
		return g.alone(ctx, c)
	case r.err != nil:
		return devices.Holding{}, fmt.Errorf("read grant: %w", r.err)
	case !found:
		return devices.Holding{}, devices.ErrNotFound
	default:
		return held, nil
	}
}

func (g *gather) alone(ctx context.Context, c chain) (devices.Holding, error) {
	row, err := g.one.row(ctx, c.issuer, c.ref)
	if err != nil {
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	return scanHolding(row)
}

// join puts a question to the next reading. Where it returns none to wait for,
// the question is asked alone: as the first, for whom others wait until it
// leaves, or because the next reading is full.
func (g *gather) join(c chain) (r *reading, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy == 0 {
		g.busy = 1
		return nil, true
	}
	if g.next == nil {
		r := &reading{wanted: map[chain]int{}, done: make(chan struct{})}
		r.waits = time.AfterFunc(g.patience, func() { g.hurry(r) })
		g.next = r
	}
	if len(g.next.wanted) >= most {
		return nil, false
	}
	g.next.wanted[c]++
	return g.next, false
}

// abandon takes a question back that nobody waits for any more, if it is not
// being read yet.
func (g *gather) abandon(r *reading, c chain) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r != g.next {
		return
	}
	if r.wanted[c]--; r.wanted[c] == 0 {
		delete(r.wanted, c)
	}
}

// hurry begins a reading that has waited long enough.
func (g *gather) hurry(r *reading) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r == g.next && g.busy < abreast {
		g.begin()
	}
}

// leave lets the next reading begin.
func (g *gather) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.begin()
}

// begin begins the next reading, if anybody waits for it.
func (g *gather) begin() {
	r := g.next
	if r == nil {
		return
	}
	r.waits.Stop()
	if g.next = nil; len(r.wanted) > 0 {
		g.busy++
		go g.read(r)
	}
}

// read does a reading on behalf of all who wait for it: it goes on where one of
// them has left.
func (g *gather) read(r *reading) {
	defer g.leave()
	defer close(r.done)
	size := max(fewest, len(r.wanted))
	issuers, refs := make([]string, 0, size), make([]string, 0, size)
	for c := range r.wanted {
		issuers, refs = append(issuers, c.issuer), append(refs, c.ref)
	}
	for len(refs) < fewest {
		issuers, refs = append(issuers, ""), append(refs, "")
	}
	ctx, cancel := context.WithTimeout(context.Background(), tooLate)
	defer cancel()
	r.err = g.several.native(ctx, func(conn *pgx.Conn) error {
		r.found = make(map[chain]devices.Holding, len(refs))
		rows, err := conn.Query(ctx, g.several.text, g.several.with([]any{issuers, refs})...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			held, err := scanHolding(rows)
			if err != nil {
				r.oneByOne = true // a row that cannot be read is nobody else's trouble
				return err
			}
			r.found[chain{held.Grant.Issuer, held.Grant.ExternalRef}] = held
		}
		return rows.Err()
	})
	var said *pgconn.PgError
	r.oneByOne = r.oneByOne || errors.As(r.err, &said) && strings.HasPrefix(said.Code, "22") // data exceptions
}
