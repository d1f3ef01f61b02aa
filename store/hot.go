package store

import (
	"context"
	"database/sql"
	"sync"

	"github.com/jackc/pgx/v5"
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

func (h *hot) row(ctx context.Context, args ...any) (interface{ Scan(...any) error }, error) {
	if !h.prepares {
		return h.db.QueryRowContext(ctx, h.text, h.with(args)...), nil
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
		return affected(h.db.ExecContext(ctx, h.text, h.with(args)...))
	}
	stmt, err := h.prepared(ctx)
	if err != nil {
		return 0, err
	}
	return affected(stmt.ExecContext(ctx, args...))
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
