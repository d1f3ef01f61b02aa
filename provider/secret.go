package provider

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/ratelimit"
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

// secretHasher compares client secrets for fosite. A comparison of a chosen
// secret takes memory and processors, and client IDs are public. So wrong ones
// are limited per client and source, each client and source has one comparison
// at a time, and a pool bounds all of them. A secret that was right before
// needs no comparison and is never held up.
type secretHasher struct {
	pool *hashing.Pool
	now  func() time.Time
	// wrong counts wrong secrets per client and source.
	wrong *ratelimit.Limiter
	// right are the clients and sources whose secret was right before. Their
	// comparisons go first, for example after the secret was changed.
	right *ratelimit.Known
	// good are the MACs of secrets that were right before.
	good *ratelimit.Known
	key  []byte // of the MACs, never stored

	mu    *sync.Mutex
	turns *ratelimit.Recent[string, chan struct{}] // per client and source
}

// maxChosen bounds each memory of chosen secrets.
const maxChosen = 10_000

func newSecretHasher(pool *hashing.Pool, wrong ratelimit.Rule, now func() time.Time) secretHasher {
	return secretHasher{
		pool: pool, now: now, key: []byte(randomText(32)),
		wrong: ratelimit.New(wrong, maxChosen),
		right: ratelimit.NewKnown(maxChosen), good: ratelimit.NewKnown(maxChosen),
		mu: &sync.Mutex{}, turns: ratelimit.NewRecent[string, chan struct{}](maxChosen),
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
	shown, from := string(h.mac(hash, secret)), callerOf(ctx)
	if h.good.Has(shown) {
		return nil
	}
	if wait := h.wrong.Wait(from, h.now()); wait > 0 {
		return tooMany{wait}
	}
	turn := h.turn(from)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return trouble{ctx.Err()}
	}
	if h.good.Has(shown) { // while this one waited
		return nil
	}
	return h.compare(ctx, from, shown, hash, secret)
}

// compare runs argon2id. It counts the secret as wrong until it is known to be
// right.
func (h secretHasher) compare(ctx context.Context, from, shown string, hash, secret []byte) error {
	now, lane := h.now(), hashing.Unknown
	if wait := h.wrong.Take(from, now); wait > 0 {
		return tooMany{wait}
	}
	if h.right.Has(from) {
		lane = hashing.Known
	}
	var same bool
	var broken error
	err := h.pool.Do(ctx, lane, func() {
		same, broken = argon2id.ComparePasswordAndHash(string(secret), string(hash))
	})
	switch {
	case errors.Is(err, hashing.ErrBusy):
		h.wrong.Return(from, now)
		return tooMany{hashing.RetryAfter}
	case err != nil:
		h.wrong.Return(from, now)
		return trouble{err}
	case broken != nil || !same:
		return errWrongSecret
	}
	h.wrong.Return(from, now)
	h.right.Add(from)
	h.good.Add(shown)
	return nil
}

func (h secretHasher) mac(hash, secret []byte) []byte {
	mac := hmac.New(sha256.New, h.key)
	mac.Write(hash)
	mac.Write([]byte{0})
	mac.Write(secret)
	return mac.Sum(nil)
}

func (h secretHasher) turn(from string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	turn, ok := h.turns.Get(from)
	if !ok {
		turn = make(chan struct{}, 1)
		h.turns.Put(from, turn)
	}
	return turn
}

// Hash returns what is stored of a secret.
func (secretHasher) Hash(_ context.Context, secret []byte) ([]byte, error) {
	hash, err := HashSecret(string(secret))
	return []byte(hash), err
}
