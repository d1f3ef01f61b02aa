package store_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/store"
)

func TestClockSkew(t *testing.T) {
	onBoth(t, func(t *testing.T, url string, _ *sql.DB) {
		up(t, url)
		for _, ahead := range []time.Duration{0, time.Hour, -90 * time.Second} {
			s := open(t, url, store.WithNow(func() time.Time { return time.Now().Add(-ahead) }))
			skew, err := s.ClockSkew(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := ahead
			if t.Name() == "TestClockSkew/SQLite" {
				want = 0 // the clock is the same one
			}
			if (skew - want).Abs() > time.Second {
				t.Errorf("the database is ahead by %v, found %v", want, skew)
			}
		}
	})
}
