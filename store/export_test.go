package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Tell has every query that reads told to a test.
func (s *Store) Tell(told func(query string)) { s.read = s.read.WithQueryHook(teller(told)) }

type teller func(query string)

func (teller) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (t teller) AfterQuery(_ context.Context, e *bun.QueryEvent) { t(e.Query) }

// Patience sets how long questions for chains wait for others.
func (s *Store) Patience(d time.Duration) { s.chains.patience = d }

// Waiting is how many questions for chains wait for a reading.
func (s *Store) Waiting() int {
	s.chains.mu.Lock()
	defer s.chains.mu.Unlock()
	if s.chains.next == nil {
		return 0
	}
	n := 0
	for _, times := range s.chains.next.wanted {
		n += times
	}
	return n
}

// Wanted is how many chains the next reading is for.
func (s *Store) Wanted() int {
	s.chains.mu.Lock()
	defer s.chains.mu.Unlock()
	return len(s.chains.next.wanted)
}

// Most is how many questions share a statement, Abreast how many such
// statements there are at once.
const (
	Most    = most
	Abreast = abreast
)

// Hot are the statements of the hot paths.
func (s *Store) Hot() []string {
	all := []*hot{s.holding, s.rotate, s.rotateRaised, s.renew, s.chain, s.passed, s.spent, s.learn}
	if s.pg {
		all = append(all, s.mark, s.chains.several)
	}
	texts := []string{standingText}
	for _, h := range all {
		texts = append(texts, h.text)
	}
	return texts
}

// Ask asks on a connection of the store's own.
func (s *Store) Ask(ctx context.Context, query string) (answer string, err error) {
	return answer, s.write.DB.QueryRowContext(ctx, query).Scan(&answer)
}

// Grow adds a column to a table, as a later version's step would.
func (s *Store) Grow(ctx context.Context, table, column string) error {
	_, err := s.write.ExecContext(ctx, "ALTER TABLE "+table+" ADD COLUMN "+column+" BIGINT NOT NULL DEFAULT 0")
	return err
}

// Exec runs a statement on a connection that writes.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.write.ExecContext(ctx, statement)
	return err
}
