package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/provider/oauth"
)

type keyRow struct {
	bun.BaseModel `bun:"table:keys"`

	CreatedAt micros `bun:"created_at"`
	ActiveAt  micros `bun:"active_at"`
	RetiredAt micros `bun:"retired_at"`
	ID        string `bun:"id,pk"`
	Use       string `bun:"use"`
	Alg       string `bun:"alg"`
	Sealed    []byte `bun:"sealed"`
}

// Keys returns all keys that are not gone, oldest first.
func (s *Store) Keys(ctx context.Context) ([]oauth.Key, error) {
	var rows []keyRow
	if err := s.read.NewSelect().Model(&rows).Order("created_at", "id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	list := make([]oauth.Key, len(rows))
	for i, r := range rows {
		list[i] = oauth.Key{
			ID: r.ID, Use: r.Use, Alg: r.Alg, Sealed: r.Sealed, CreatedAt: r.CreatedAt.time(),
			ActiveAt: r.ActiveAt.time(), RetiredAt: r.RetiredAt.time(),
		}
	}
	return list, nil
}

// PutKey adds a key, or replaces it by its ID.
func (s *Store) PutKey(ctx context.Context, k oauth.Key) error {
	if err := writable(k); err != nil {
		return err
	}
	row := &keyRow{
		CreatedAt: at(k.CreatedAt), ActiveAt: at(k.ActiveAt), RetiredAt: at(k.RetiredAt),
		ID: k.ID, Use: k.Use, Alg: k.Alg, Sealed: k.Sealed,
	}
	_, err := s.write.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE").
		Set("created_at = EXCLUDED.created_at").Set("active_at = EXCLUDED.active_at").
		Set("retired_at = EXCLUDED.retired_at").Set("use = EXCLUDED.use").Set("alg = EXCLUDED.alg").
		Set("sealed = EXCLUDED.sealed").Exec(ctx)
	if err != nil {
		return fmt.Errorf("put key %s: %w", k.ID, err)
	}
	return nil
}
