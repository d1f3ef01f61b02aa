package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// openPostgres opens a pool without connecting. Bun writes values into its
// statements, so that no two are alike and preparing them would be a round
// trip for nothing: they go unprepared. The hot ones are prepared, once.
func openPostgres(url string, set settings) (*Store, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database url: %w", err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool := stdlib.OpenDB(*cfg)
	connections := 16
	if set.pool > 0 {
		connections = set.pool
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour) // so that load moves to a new replica
	db := bun.NewDB(pool, pgdialect.New(), newer())
	mode := pgx.QueryExecModeCacheStatement
	if set.uncache {
		mode = pgx.QueryExecModeExec
	}
	chained := &hot{db: pool, text: chainText, mode: mode}
	return &Store{
		write: db, read: db, pg: true, now: set.now,
		holding:      &hot{db: pool, text: holdingText, mode: mode},
		rotate:       &hot{db: pool, text: rotateText, mode: mode},
		rotateRaised: &hot{db: pool, text: rotateRaisedText, mode: mode},
		renew:        &hot{db: pool, text: renewText, mode: mode},
		chain:        chained,
		chains:       &gather{one: chained, several: &hot{db: pool, text: chainsText, mode: mode}, patience: usualPatience},
		mark:         &hot{db: pool, text: markText, mode: mode},
		passed:       &hot{db: pool, text: passedText, mode: mode},
		spent:        &hot{db: pool, text: spentText, mode: mode},
		learn:        &hot{db: pool, text: lazyText, mode: mode},
	}, nil
}

// again reports whether a transaction failed only because of another one, so
// that it may succeed if it runs anew.
func again(err error) bool {
	var trouble *pgconn.PgError
	if !errors.As(err, &trouble) {
		return false
	}
	return trouble.Code == "40001" || trouble.Code == "40P01" // serialization, deadlock
}

// duplicate reports whether a row was refused because there is one like it.
func duplicate(err error) bool {
	var trouble *pgconn.PgError
	return errors.As(err, &trouble) && trouble.Code == "23505" || duplicateSQLite(err)
}
