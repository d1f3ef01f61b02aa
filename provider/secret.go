package provider

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"sync"

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

// secretHasher compares client secrets for fosite. Chosen secrets take memory
// and processors, and client IDs are public: so each client has one comparison
// at a time, all together have the slots, and a client whose secret was right
// before needs neither.
type secretHasher struct {
	slots chan struct{}
	key   []byte // of what is remembered, never stored

	mu    *sync.Mutex
	known map[string]*chosen // by hash
}

// chosen is a secret that somebody chose, as compared before.
type chosen struct {
	turn chan struct{}
	good []byte // the MAC of the right one, once it was shown
}

// maxChosen bounds what is remembered of chosen secrets.
const maxChosen = 10_000

func newSecretHasher() secretHasher {
	return secretHasher{
		slots: make(chan struct{}, 2*runtime.NumCPU()), key: []byte(randomText(32)),
		mu: &sync.Mutex{}, known: map[string]*chosen{},
	}
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
	shown, c := h.mac(hash, secret), h.chosen(string(hash))
	if h.recalls(c, shown) {
		return nil
	}
	for _, turn := range []chan struct{}{c.turn, h.slots} {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return trouble{ctx.Err()}
		}
	}
	if h.recalls(c, shown) { // while this one waited
		return nil
	}
	same, err := argon2id.ComparePasswordAndHash(string(secret), string(hash))
	if err != nil || !same {
		return errWrongSecret
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c.good = shown
	return nil
}

func (h secretHasher) mac(hash, secret []byte) []byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write(hash)
	mac.Write([]byte{0})
	mac.Write(secret)
	return mac.Sum(nil)
}

func (h secretHasher) chosen(hash string) *chosen {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.known[hash]
	if c == nil {
		if len(h.known) >= maxChosen {
			clear(h.known)
		}
		c = &chosen{turn: make(chan struct{}, 1)}
		h.known[hash] = c
	}
	return c
}

func (h secretHasher) recalls(c *chosen, shown []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return hmac.Equal(c.good, shown)
}

// Hash returns what is stored of a secret.
func (secretHasher) Hash(_ context.Context, secret []byte) ([]byte, error) {
	hash, err := HashSecret(string(secret))
	return []byte(hash), err
}
