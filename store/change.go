package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

// attempts is how often a transaction runs that others keep in the way of.
const attempts = 5

// retried runs fn until it fails for a reason of its own.
func retried(ctx context.Context, fn func() error) error {
	var err error
	for n := range attempts {
		if err = fn(); !again(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(1<<n) * time.Millisecond):
		}
	}
	return err
}

// inTx runs fn in one transaction, again if another one was in the way.
func (s *Store) inTx(ctx context.Context, fn func(bun.Tx) error) error {
	options := &sql.TxOptions{}
	if s.pg {
		// Whatever the server's default: the locks below are written for it.
		options.Isolation = sql.LevelReadCommitted
	}
	err := retried(ctx, func() error {
		return s.write.RunInTx(ctx, options, func(_ context.Context, tx bun.Tx) error { return fn(tx) })
	})
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err() // database/sql noticed first, and rolled back
	}
	return err
}

// inSubject runs fn in one transaction that no other one of the subject
// overlaps. It creates the subject where it is new.
func (s *Store) inSubject(ctx context.Context, subject string, fn func(bun.Tx) error) error {
	if !clean(subject) {
		return fmt.Errorf("%w: subject %w", devices.ErrInvalid, errText)
	}
	leave, err := s.turns.take(ctx, subject)
	if err != nil {
		return err
	}
	defer leave()
	return s.inTx(ctx, func(tx bun.Tx) error {
		if err := s.lock(ctx, tx, subject); err != nil {
			return err
		}
		return fn(tx)
	})
}

// lock takes the lock of a subject. On SQLite the transaction is the only one
// that writes already.
//
// No transaction has a number on PostgreSQL before it holds the lock: numbers
// are drawn with the first write, and the order of events rests on them. So a
// known subject's row is locked without trying to insert it, and those who
// meet a new subject queue for another lock before one of them inserts it.
func (s *Store) lock(ctx context.Context, tx bun.Tx, subject string) error {
	if !s.pg {
		return s.addSubject(ctx, tx, subject)
	}
	found, err := lockRow(ctx, tx, subject)
	if err != nil || found {
		return err
	}
	if _, err := tx.Tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", subject); err != nil {
		return fmt.Errorf("lock a new subject: %w", err)
	}
	if err := s.addSubject(ctx, tx, subject); err != nil {
		return err
	}
	_, err = lockRow(ctx, tx, subject)
	return err
}

func lockRow(ctx context.Context, tx bun.Tx, subject string) (bool, error) {
	var id string
	err := tx.NewSelect().Table("subjects").Column("id").Where("id = ?", subject).For("UPDATE").Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock subject: %w", err)
	}
	return true, nil
}

func (s *Store) addSubject(ctx context.Context, tx bun.Tx, subject string) error {
	row := &subjectRow{ID: subject, CreatedAt: at(s.now())}
	if _, err := tx.NewInsert().Model(row).On("CONFLICT (id) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("add subject: %w", err)
	}
	return nil
}

type subjectRow struct {
	bun.BaseModel `bun:"table:subjects"`

	ID         string `bun:"id,pk"`
	DisabledAt micros `bun:"disabled_at"`
	CreatedAt  micros `bun:"created_at"`
}

func disabled(ctx context.Context, db bun.IDB, subject string) (bool, error) {
	n, err := db.NewSelect().Table("subjects").Where("id = ? AND disabled_at <> 0", subject).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("read subject: %w", err)
	}
	return n > 0, nil
}

// good reports whether a subject may sign in and a device of it is live. It
// means something only while the subject's lock is held. No device is good.
func good(ctx context.Context, tx bun.Tx, subject, deviceID string) (bool, error) {
	if off, err := disabled(ctx, tx, subject); err != nil || off {
		return false, err
	}
	if deviceID == "" {
		return true, nil
	}
	n, err := tx.NewSelect().Table("devices").
		Where("id = ? AND subject = ? AND state <> ?", deviceID, subject, devices.StateRevoked).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("read device: %w", err)
	}
	return n > 0, nil
}
