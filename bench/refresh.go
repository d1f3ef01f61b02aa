package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// contestant is something that can be done over and over.
type contestant struct {
	name string
	// hand returns what worker n of many does once.
	hand func(n int) (func(context.Context) error, error)
}

// refresh measures the floor, what is behind the door and the refresh over HTTP.
func refresh(ctx context.Context, p plan) error {
	pg, err := pgtest.Launch(ctx, pgtest.Options{TCP: true, Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close() }() // it is thrown away
	url, err := pg.Migrated(ctx)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	bare, err := sql.Open("pgx", url)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	bare.SetMaxOpenConns(16)
	bare.SetMaxIdleConns(16)
	server, err := serve(ctx, url)
	if err != nil {
		return errors.Join(err, bare.Close(), db.Close())
	}
	err = race(ctx, p, bare, db, server)
	return errors.Join(err, server.stop(), bare.Close(), db.Close())
}

func race(ctx context.Context, p plan, bare *sql.DB, db *store.Store, server *server) error {
	fmt.Printf("signing in %d times …\n", 2*p.grants)
	withID, err := server.signIns(ctx, p.grants, "openid offline_access")
	if err != nil {
		return err
	}
	without, err := server.signIns(ctx, p.grants, "offline_access")
	if err != nil {
		return err
	}
	contestants := []contestant{
		floor(bare, p.grants),
		admitted(db, p.grants, nil),
		admitted(db, p.grants, devices.NewRecent(4*p.grants)),
		posted("HTTP refresh", server, without),
		posted("HTTP refresh, ID token", server, withID),
	}
	if err := prepare(ctx, bare, db, p.grants); err != nil {
		return err
	}
	for _, workers := range []int{1, 4, 16} {
		results, err := measure(ctx, p, bare, contestants, workers)
		if err != nil {
			return err
		}
		report(workers, results)
	}
	return nil
}

// result is what the slices of one contestant came to.
type result struct {
	name   string
	rates  []float64 // operations a second, one for each slice
	times  []float64 // milliseconds, of every operation
	wal    float64   // bytes an operation
	ratios []float64 // to the floor's slice of the same round
}

// measure lets the contestants alternate, so that whatever else the machine
// does falls on all of them.
func measure(
	ctx context.Context, p plan, bare *sql.DB, contestants []contestant, workers int,
) ([]result, error) {
	results := make([]result, len(contestants))
	for range p.rounds {
		for i, c := range contestants {
			before, err := written(ctx, bare)
			if err != nil {
				return nil, err
			}
			times, rate, err := slice(ctx, c, workers, p.slice)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			after, err := written(ctx, bare)
			if err != nil {
				return nil, err
			}
			r := &results[i]
			r.name = c.name
			r.rates = append(r.rates, rate)
			r.times = append(r.times, times...)
			r.wal += float64(after-before) / float64(len(times)) / float64(p.rounds)
			last := len(r.rates) - 1
			r.ratios = append(r.ratios, rate/results[0].rates[last])
		}
	}
	return results, nil
}

// written returns how many bytes of WAL there have been.
func written(ctx context.Context, db *sql.DB) (int64, error) {
	var n int64
	err := db.QueryRowContext(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&n)
	return n, err
}

func report(workers int, results []result) {
	fmt.Printf("\n%d workers\n%-24s %10s %9s %9s %9s %10s %8s\n",
		workers, "", "ops/s", "p50 ms", "p99 ms", "p99/p50", "WAL B/op", "of floor")
	for _, r := range results {
		slices.Sort(r.times)
		p50, p99 := r.times[len(r.times)/2], r.times[len(r.times)*99/100]
		fmt.Printf("%-24s %10.0f %9.2f %9.2f %9.1f %10.0f %8.2f\n",
			r.name, median(r.rates), p50, p99, p99/p50, r.wal, median(r.ratios))
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
