package tokens

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// MinSecret is the least length of a grant's secret in bytes.
const MinSecret = 16

// The purposes open what is under the MAC. Neither begins with the other, and
// every part after them but the last has a fixed length, so no token can be
// read as one of another kind.
const (
	refreshPurpose = "lanyard/refresh-token/1\x00"
	accessPurpose  = "lanyard/access-token/1\x00"
)

// Keys holds the server's token keys.
type Keys interface {
	// TokenKey returns the key to mint with.
	TokenKey() (id [4]byte, key []byte)
	// TokenKeyByID returns a key to verify with, or devices.ErrNotFound where
	// there is none or its time is over. Any other error is trouble.
	TokenKeyByID(ctx context.Context, id [4]byte) ([]byte, error)
}

// Codec mints tokens from grants and verifies them.
type Codec struct {
	Keys Keys
}

// Refresh returns the refresh token of a generation of the grant. The same
// grant, generation and key give the same token. It fails on a grant whose ID
// is no canonical UUID or whose secret is shorter than MinSecret.
func (c Codec) Refresh(g devices.Grant, generation int64) (Token, error) {
	return c.mint(Token{kind: KindRefresh, generation: uint64(generation)}, g)
}

// MaxWithheld is the most scopes of a grant that a token can be without.
const MaxWithheld = 8 * withheldSize

// Access returns an access token of the grant's present generation, without
// the withheld scopes (see [Token.Withheld]). issued is cut to the microsecond
// and ttl to the second; it fails as Refresh does, and on a ttl under a second
// or over 136 years.
func (c Codec) Access(g devices.Grant, issued time.Time, ttl time.Duration, withheld uint32) (Token, error) {
	seconds := ttl / time.Second
	if seconds < 1 || seconds > math.MaxUint32 {
		return Token{}, fmt.Errorf("mint a token of grant %s: lifetime %s", g.ID, ttl)
	}
	if withheld >= 1<<MaxWithheld {
		return Token{}, fmt.Errorf("mint a token of grant %s: withholds a scope beyond the first %d", g.ID, MaxWithheld)
	}
	return c.mint(Token{
		kind: KindAccess, generation: uint64(g.Generation),
		issued: uint64(issued.UnixMicro()), lifetime: uint32(seconds), withheld: withheld,
	}, g)
}

func (c Codec) mint(t Token, g devices.Grant) (Token, error) {
	var err error
	if t.grant, err = grantID(g.ID); err != nil {
		return Token{}, fmt.Errorf("mint a token: %w", err)
	}
	if len(g.Secret) < MinSecret {
		return Token{}, fmt.Errorf("mint a token of grant %s: its secret is too short", g.ID)
	}
	if !t.sound() {
		return Token{}, fmt.Errorf("mint a token of grant %s: number out of range", g.ID)
	}
	var key []byte
	t.keyID, key = c.Keys.TokenKey()
	sum := t.sum(key, g.Secret)
	t.mac = &sum
	return t, nil
}

// Verify returns nil where the token was minted by this server from the grant
// with that secret, whenever that was. It returns ErrForged where it was not,
// and any other error where the keys could not be read.
func (c Codec) Verify(ctx context.Context, t Token, secret []byte) error {
	if t.mac == nil || len(secret) < MinSecret {
		return ErrForged
	}
	key, err := c.Keys.TokenKeyByID(ctx, t.keyID)
	if errors.Is(err, devices.ErrNotFound) {
		return ErrForged
	}
	if err != nil {
		return fmt.Errorf("verify a token: %w", err)
	}
	sum := t.sum(key, secret)
	if !hmac.Equal(sum[:], t.mac[:]) {
		return ErrForged
	}
	return nil
}

// sum is the MAC over the claim and the grant's secret. The key's ID needs
// none: another ID is another key.
func (t Token) sum(key, secret []byte) (sum [macSize]byte) {
	purpose := refreshPurpose
	if t.kind == KindAccess {
		purpose = accessPurpose
	}
	var buffer [128]byte
	mac := hmac.New(sha256.New, key)
	mac.Write(t.claim(append(buffer[:0], purpose...)))
	mac.Write(secret)
	mac.Sum(sum[:0])
	return sum
}

// grantID returns the sixteen bytes of a canonical UUID (RFC 9562 §4).
func grantID(text string) (id [grantIDSize]byte, err error) {
	if len(text) == 36 {
		digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
		if _, err := hex.Decode(id[:], []byte(digits)); err == nil &&
			(Token{grant: id}).GrantID() == text {
			return id, nil
		}
	}
	return id, fmt.Errorf("grant %q is no canonical UUID", text)
}
