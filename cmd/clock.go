package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/lanyard-id/lanyard/hooks/doctor"
	"github.com/lanyard-id/lanyard/store"
)

// maxSkew is how far the database's clock may be from this machine's before it
// is worth a word. What one server writes, the next one judges by its own.
const maxSkew = time.Second

// apart returns what to say of a difference between the database's clock and
// this machine's: nothing where it is small.
func apart(skew time.Duration) string {
	if skew.Abs() <= maxSkew {
		return ""
	}
	than := "behind"
	if skew < 0 {
		than = "ahead of"
	}
	return fmt.Sprintf("this machine's clock is %v %s the database's; let all of them follow one time server",
		skew.Abs().Round(100*time.Millisecond), than)
}

// warnOfSkew logs where the clocks are apart. It is no reason not to serve.
func (s *server) warnOfSkew(ctx context.Context, log *slog.Logger) {
	skew, err := s.store.ClockSkew(ctx)
	if err != nil {
		log.Warn("the database's clock cannot be read", "err", err)
	} else if words := apart(skew); words != "" {
		log.Warn(words, "skew", skew)
	}
}

// clockFinding compares the database's clock with this machine's.
func clockFinding(ctx context.Context, c Config, now func() time.Time) []doctor.Finding {
	s, err := store.Open(ctx, c.Database.URL.Reveal(), store.WithNow(now))
	if err != nil {
		return nil // the schema's finding says so
	}
	defer func() { _ = s.Close() }() // it was only read
	skew, err := s.ClockSkew(ctx)
	if err != nil {
		return nil // so does it here
	}
	f := doctor.Finding{Level: doctor.Good, Where: "lanyard: clock", What: "it is the database's"}
	if words := apart(skew); words != "" {
		f.Level, f.What = doctor.Missing, words
	}
	return []doctor.Finding{f}
}
