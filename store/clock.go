package store

import (
	"context"
	"fmt"
	"time"
)

// ClockSkew returns how far the database's clock is ahead of this process's,
// give or take half a round trip. A file has no clock of its own: 0.
func (s *Store) ClockSkew(ctx context.Context) (time.Duration, error) {
	if !s.pg {
		return 0, nil
	}
	if err := s.read.PingContext(ctx); err != nil { // so that connecting takes none of the time
		return 0, fmt.Errorf("read the database's clock: %w", err)
	}
	var there time.Time
	asked := s.now()
	if err := s.read.NewRaw("SELECT clock_timestamp()").Scan(ctx, &there); err != nil {
		return 0, fmt.Errorf("read the database's clock: %w", err)
	}
	answered := s.now()
	return there.Sub(asked.Add(answered.Sub(asked) / 2)), nil
}
