package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

// question is a SELECT of at most one row, as both databases read it.
type question struct {
	text string
	args []any
}

// verdictOn reads the answers to questions, one with each call of next, and
// returns what is to be written. An error undoes everything.
type verdictOn func(next func() scanner) ([]fmt.Stringer, error)

// inTrips is inSubject for a transaction that first reads all it needs and then
// writes: on PostgreSQL it is two round trips. The questions see what everybody
// who held the lock before has committed. Decide may run more than once.
func (s *Store) inTrips(ctx context.Context, subject string, asked []question, decide verdictOn) error {
	if s.pg {
		if !clean(subject) {
			return fmt.Errorf("%w: subject %w", devices.ErrInvalid, errText)
		}
		leave, err := s.turns.take(ctx, subject)
		if err != nil {
			return err
		}
		defer leave()
		return retried(ctx, func() error {
			return s.holding.native(ctx, func(conn *pgx.Conn) error {
				return settled(ctx, conn, s.trips(ctx, conn, subject, asked, decide))
			})
		})
	}
	return s.inSubject(ctx, subject, func(tx bun.Tx) error {
		left := asked
		writes, err := decide(func() scanner {
			q := left[0]
			left = left[1:]
			return tx.Tx.QueryRowContext(ctx, q.text, q.args...)
		})
		for _, w := range writes {
			if err == nil {
				_, err = tx.Tx.ExecContext(ctx, w.String())
			}
		}
		return err
	})
}

// The lock of a subject, as Store.lock takes it and for its reasons, in
// statements that can be sent at once: none of them draws the number of the
// transaction before one of the locks is held, and each sees what was
// committed while the one before it waited.
const (
	enterText = `WITH known AS (SELECT id FROM subjects WHERE id = $1 FOR UPDATE)
SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) WHERE NOT EXISTS (SELECT 1 FROM known)`
	addText = `INSERT INTO subjects (id, disabled_at, created_at) VALUES ($1, 0, $2) ON CONFLICT (id) DO NOTHING`
	ownText = `SELECT id FROM subjects WHERE id = $1 FOR UPDATE`
)

func (s *Store) trips(
	ctx context.Context, conn *pgx.Conn, subject string, asked []question, decide verdictOn,
) error {
	var ask pgx.Batch
	ask.Queue("BEGIN ISOLATION LEVEL READ COMMITTED")
	ask.Queue(enterText, subject)
	ask.Queue(addText, subject, int64(at(s.now())))
	ask.Queue(ownText, subject)
	for _, q := range asked {
		ask.Queue(q.text, q.args...)
	}
	answers := conn.SendBatch(ctx, &ask)
	for range ask.Len() - len(asked) {
		if _, err := answers.Exec(); err != nil {
			_ = answers.Close() // says the same
			return err
		}
	}
	writes, err := decide(func() scanner { return answers.QueryRow() })
	if err := errors.Join(err, answers.Close()); err != nil {
		return err
	}
	var put pgx.Batch
	for _, w := range writes {
		put.Queue(w.String())
	}
	put.Queue("COMMIT")
	return conn.SendBatch(ctx, &put).Close()
}

// settled leaves no transaction open behind a connection that others use next.
func settled(ctx context.Context, conn *pgx.Conn, err error) error {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, failed := conn.Exec(ctx, "ROLLBACK"); failed != nil {
		return errors.Join(err, failed, conn.Close(ctx))
	}
	return err
}
