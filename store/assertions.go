package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type assertionRow struct {
	bun.BaseModel `bun:"table:assertions"`

	Hash      []byte `bun:"hash,pk"`
	ExpiresAt micros `bun:"expires_at"`
}

// UseAssertion remembers a client assertion until it expires, or returns
// devices.ErrExists if it was used before (RFC 7523 §3).
func (s *Store) UseAssertion(ctx context.Context, clientID, jti string, expires time.Time) error {
	row := &assertionRow{Hash: assertionHash(clientID, jti), ExpiresAt: at(expires)}
	rows, err := affected(s.write.NewInsert().Model(row).On("CONFLICT (hash) DO NOTHING").Exec(ctx))
	switch {
	case err != nil:
		return fmt.Errorf("use assertion: %w", err)
	case rows == 0:
		return devices.ErrExists
	}
	return nil
}

// assertionHash keeps where the client's name ends, so that no two pairs are
// the same text.
func assertionHash(clientID, jti string) []byte {
	text := binary.BigEndian.AppendUint64(nil, uint64(len(clientID)))
	sum := sha256.Sum256(append(append(text, clientID...), jti...))
	return sum[:]
}

// UseAttempt remembers the state of a sign-in to the pages until it expires, or
// returns devices.ErrExists if it was used before. No client has the ID that
// it is kept under: that begins with a space.
func (s *Store) UseAttempt(ctx context.Context, state string, expires time.Time) error {
	return s.UseAssertion(ctx, " pages", state, expires)
}
