package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

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

// gather lets questions for chains that come at once share a statement, on
// PostgreSQL: the way there costs more than the row, and a connection for each
// makes their answers irregular. Nobody waits for company: the first asks
// alone, and who comes while it waits for its answer asks next, with whoever
// does so too. No question joins a reading that has begun, so that none is
// answered with what was true before it was put.
type gather struct {
	one, several *hot
	// patience is how long a question waits for others before it asks alone
	// after all: a slow connection holds nobody up.
	patience time.Duration

	mu   sync.Mutex
	busy bool     // a reading is under way
	next *reading // who waits for its end; nil if nobody does
}

// usualPatience is far above what a reading takes, and far below any deadline.
const usualPatience = 10 * time.Millisecond

// tooLate is when nobody waits for a reading any more.
const tooLate = time.Second

// reading is a statement and who waits for it. What it found is there once
// done is closed.
type reading struct {
	issuers, refs []string
	done          chan struct{}
	found         map[chain]devices.Holding
	err           error
}

// holding returns the grant of a chain, or devices.ErrNotFound.
func (g *gather) holding(ctx context.Context, c chain) (devices.Holding, error) {
	r := g.join(c)
	if r == nil {
		defer g.leave()
		return g.alone(ctx, c)
	}
	enough := time.NewTimer(g.patience)
	defer enough.Stop()
	select {
	case <-ctx.Done():
		return devices.Holding{}, fmt.Errorf("read grant: %w", ctx.Err())
	case <-enough.C:
		return g.alone(ctx, c)
	case <-r.done:
	}
	if r.err != nil {
		return g.alone(ctx, c) // a row that cannot be read is nobody else's trouble
	}
	held, found := r.found[c]
	if !found {
		return devices.Holding{}, devices.ErrNotFound
	}
	return held, nil
}

func (g *gather) alone(ctx context.Context, c chain) (devices.Holding, error) {
	row, err := g.one.row(ctx, c.issuer, c.ref)
	if err != nil {
		return devices.Holding{}, fmt.Errorf("read grant: %w", err)
	}
	return scanHolding(row)
}

// join puts a question to the next reading, or returns nil where there is none
// to wait for.
func (g *gather) join(c chain) *reading {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.busy {
		g.busy = true
		return nil
	}
	if g.next == nil {
		g.next = &reading{done: make(chan struct{})}
	}
	g.next.issuers, g.next.refs = append(g.next.issuers, c.issuer), append(g.next.refs, c.ref)
	return g.next
}

// leave lets the next reading begin.
func (g *gather) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy = g.next != nil; g.busy {
		go g.read(g.next)
		g.next = nil
	}
}

// read does a reading on behalf of all who wait for it: it goes on where one of
// them has left.
func (g *gather) read(r *reading) {
	defer g.leave()
	defer close(r.done)
	for len(r.refs) < fewest {
		r.issuers, r.refs = append(r.issuers, ""), append(r.refs, "")
	}
	ctx, cancel := context.WithTimeout(context.Background(), tooLate)
	defer cancel()
	r.err = g.several.native(ctx, func(conn *pgx.Conn) error {
		r.found = make(map[chain]devices.Holding, len(r.refs))
		rows, err := conn.Query(ctx, g.several.text, g.several.with([]any{r.issuers, r.refs})...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			held, err := scanHolding(rows)
			if err != nil {
				return err
			}
			r.found[chain{held.Grant.Issuer, held.Grant.ExternalRef}] = held
		}
		return rows.Err()
	})
}
