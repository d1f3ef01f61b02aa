package store

import (
	"context"
	"database/sql/driver"
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
	pool := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(plainStrings), stdlib.OptionResetSession(stillPlain))
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

// ErrStrings: the server reads a backslash in a string as an escape, so that
// what Bun writes into a statement could end the string it is in.
var ErrStrings = errors.New("the database has standard_conforming_strings off for this role or database; " +
	"set it on, for example with: ALTER ROLE name SET standard_conforming_strings = on")

// plainStrings refuses a new connection unless the server reports that it reads
// strings as the SQL standard has them. Then it sets that for the session, which
// goes before what the server's configuration, the database or the role may be
// changed to while the connection lives.
func plainStrings(ctx context.Context, conn *pgx.Conn) error {
	if !plain(conn) {
		return ErrStrings
	}
	if _, err := conn.Exec(ctx, "SET standard_conforming_strings = on", pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("set standard_conforming_strings: %w", err)
	}
	return nil
}

// stillPlain throws a connection of the pool away if the server has reported
// since that it reads strings otherwise. database/sql then opens another.
func stillPlain(_ context.Context, conn *pgx.Conn) error {
	if !plain(conn) {
		return driver.ErrBadConn
	}
	return nil
}

func plain(conn *pgx.Conn) bool {
	return conn.PgConn().ParameterStatus("standard_conforming_strings") == "on"
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
