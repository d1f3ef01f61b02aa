package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// hot is a statement of the hot path: written out, with parameters that the
// database binds, and prepared once on each connection. Bun has no part in it.
type hot struct {
	db   *sql.DB
	text string
	// mode is how pgx sends it: as a statement that it prepares and caches, or
	// unprepared.
	mode pgx.QueryExecMode
	// prepares says that database/sql does that, on SQLite.
	prepares bool

	mu   sync.Mutex
	stmt *sql.Stmt
}

// scanner is the answer to a statement that returns at most one row. Its
// error is sql.ErrNoRows where it returned none.
type scanner interface{ Scan(into ...any) error }

func (h *hot) row(ctx context.Context, args ...any) (scanner, error) {
	if !h.prepares {
		return asked{ctx, h, args}, nil
	}
	stmt, err := h.prepared(ctx)
	if err != nil {
		return nil, err
	}
	return stmt.QueryRowContext(ctx, args...), nil
}

// exec runs the statement in a transaction of its own and returns how many
// rows it changed.
func (h *hot) exec(ctx context.Context, args ...any) (int64, error) {
	if !h.prepares {
		var rows int64
		err := h.native(ctx, func(conn *pgx.Conn) error {
			tag, err := conn.Exec(ctx, h.text, h.with(args)...)
			rows = tag.RowsAffected()
			return err
		})
		return rows, err
	}
	stmt, err := h.prepared(ctx)
	if err != nil {
		return 0, err
	}
	return affected(stmt.ExecContext(ctx, args...))
}

// asked is a statement that runs when its answer is wanted.
type asked struct {
	ctx  context.Context
	h    *hot
	args []any
}

func (a asked) Scan(into ...any) error {
	return a.h.native(a.ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(a.ctx, a.h.text, a.h.with(a.args)...).Scan(into...)
	})
}

// native runs fn on a connection of the pool as pgx knows it. A third of the
// time of a wide row goes into database/sql otherwise. Like database/sql, it
// goes on to another connection where the first is found dead before anything
// was sent; and it runs again where the schema has moved under a prepared
// statement, which is then prepared anew.
func (h *hot) native(ctx context.Context, fn func(*pgx.Conn) error) error {
	var err error
	for range 3 {
		var conn *sql.Conn
		if conn, err = h.db.Conn(ctx); err != nil {
			return err
		}
		err = conn.Raw(func(driver any) error { return fn(driver.(*stdlib.Conn).Conn()) })
		_ = conn.Close() // goes back to the pool, or is thrown away there
		if !pgconn.SafeToRetry(err) && !outdated(err) {
			return err
		}
	}
	return err
}

func outdated(err error) bool {
	var trouble *pgconn.PgError
	return errors.As(err, &trouble) && trouble.Code == "0A000" // cached plan must not change result type
}

// execIn runs the statement in a transaction that is already open.
func (h *hot) execIn(ctx context.Context, tx *sql.Tx, args ...any) (int64, error) {
	if !h.prepares {
		args = h.with(args)
	}
	return affected(tx.ExecContext(ctx, h.text, args...))
}

func (h *hot) with(args []any) []any { return append([]any{h.mode}, args...) }

// prepared prepares the statement at its first use, not when the database is
// opened: it may have no schema yet.
func (h *hot) prepared(ctx context.Context) (*sql.Stmt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stmt == nil {
		stmt, err := h.db.PrepareContext(ctx, h.text)
		if err != nil {
			return nil, err
		}
		h.stmt = stmt
	}
	return h.stmt, nil
}

func (h *hot) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stmt == nil {
		return nil
	}
	return h.stmt.Close()
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
