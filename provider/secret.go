package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"runtime"
	"strings"

	"github.com/alexedwards/argon2id"
)

// randomText returns n random bytes in base64url.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Secrets that this server generated hold 256 bits, so that one SHA-256 keeps
// them. Those that people chose are kept by argon2id.
const (
	generatedSecret = "ly_cs_"
	hashedBySHA256  = "sha256:"
)

// NewSecret returns a client secret of 256 random bits.
func NewSecret() string {
	return generatedSecret + randomText(32)
}

// HashSecret returns what is stored of a client secret.
func HashSecret(secret string) (string, error) {
	raw, isGenerated := strings.CutPrefix(secret, generatedSecret)
	if b, err := base64.RawURLEncoding.DecodeString(raw); isGenerated && err == nil && len(b) == 32 {
		sum := sha256.Sum256([]byte(secret))
		return hashedBySHA256 + base64.RawURLEncoding.EncodeToString(sum[:]), nil
	}
	return argon2id.CreateHash(secret, &argon2id.Params{
		Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32,
	})
}

var errWrongSecret = errors.New("wrong client secret")

// secretHasher compares client secrets for fosite. Its slots bound the memory
// and the processors that chosen secrets may take.
type secretHasher struct{ slots chan struct{} }

func newSecretHasher() secretHasher {
	return secretHasher{make(chan struct{}, 2*runtime.NumCPU())}
}

// Compare returns nil if the secret is the one that was hashed.
func (h secretHasher) Compare(ctx context.Context, hash, secret []byte) error {
	if want, ok := strings.CutPrefix(string(hash), hashedBySHA256); ok {
		sum := sha256.Sum256(secret)
		got := base64.RawURLEncoding.EncodeToString(sum[:])
		if subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1 {
			return nil
		}
		return errWrongSecret
	}
	if len(hash) == 0 {
		return errWrongSecret
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return trouble{ctx.Err()}
	}
	same, err := argon2id.ComparePasswordAndHash(string(secret), string(hash))
	if err != nil || !same {
		return errWrongSecret
	}
	return nil
}

// Hash returns what is stored of a secret.
func (secretHasher) Hash(_ context.Context, secret []byte) ([]byte, error) {
	hash, err := HashSecret(string(secret))
	return []byte(hash), err
}
