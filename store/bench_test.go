package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// BenchmarkRefresh compares the store's part of a refresh with the floor: the
// same row updated by its key, prepared, and nothing read.
func BenchmarkRefresh(b *testing.B) {
	for name, o := range map[string]pgtest.Options{"fast": {}, "durable": {Durable: true}} {
		b.Run("postgres/"+name, func(b *testing.B) {
			url := pgtest.On(b, o, true)
			s, err := store.Open(b.Context(), url)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			raw := rawDB(b, "pgx", url)
			g := heldGrant(b, s)
			b.Run("floor", func(b *testing.B) {
				for b.Loop() {
					_, err := raw.ExecContext(b.Context(), "UPDATE grants SET rotated_at = rotated_at + 1 WHERE id = $1",
						pgx.QueryExecModeCacheStatement, g)
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("read", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Holding(b.Context(), g); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("refresh", func(b *testing.B) { refreshes(b, s, g) })
		})
	}
	b.Run("sqlite", func(b *testing.B) {
		s, err := store.Open(b.Context(), sqlitetest.Fresh(b))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		refreshes(b, s, heldGrant(b, s))
	})
}

func refreshes(b *testing.B, s *store.Store, g string) {
	for b.Loop() {
		h, err := s.Holding(b.Context(), g)
		if err != nil {
			b.Fatal(err)
		}
		moved, err := s.Rotate(b.Context(), devices.Rotation{
			GrantID: g, Subject: "ada", Version: h.Grant.Version, From: h.Grant.Generation,
			To: h.Grant.Generation + 1, Parent: h.Grant.Generation, At: h.Grant.RotatedAt.Add(time.Microsecond),
			Seen: h.Device.Last.Addr,
		})
		if !moved || err != nil {
			b.Fatal(moved, err)
		}
	}
}
