package accesskey

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"unicode"
)

// MinLength is the fewest characters that a key may have.
const MinLength = 32

// Why a key is not accepted.
var (
	// ErrShort: it has fewer than MinLength characters.
	ErrShort = errors.New("must have at least 32 characters (try: openssl rand -base64 32)")
	// ErrUnsendable: no header can carry it as it is (RFC 9110 §5.5).
	ErrUnsendable = errors.New("must hold no control characters, and no white space at its ends (try: openssl rand -base64 32)")
)

// Validate returns ErrShort for a key that could be guessed, and ErrUnsendable
// for one that could never be sent.
func Validate(key string) error {
	switch {
	case len([]rune(key)) < MinLength:
		return ErrShort
	case strings.TrimSpace(key) != key, strings.ContainsFunc(key, unicode.IsControl):
		return ErrUnsendable
	default:
		return nil
	}
}

// maxSent bounds what is read of a key that somebody sends, in bytes.
const maxSent = 4 << 10

// Keys are the configured keys, as SHA-256.
type Keys [][sha256.Size]byte

// NewKeys returns the configured keys.
func NewKeys(keys ...string) Keys {
	sums := make(Keys, len(keys))
	for i, key := range keys {
		sums[i] = sha256.Sum256([]byte(key))
	}
	return sums
}

// Derive returns a secret for a purpose that only the holder of all keys can
// compute. Other keys, or the same in another order, give another one.
func (k Keys) Derive(purpose string) [sha256.Size]byte {
	text := []byte(purpose)
	for _, key := range k {
		text = append(text, key[:]...)
	}
	return sha256.Sum256(text)
}

// Has reports whether a key is one of them. It compares sums, which are of one
// length and which a sender cannot steer, with all keys whatever the outcome.
// An empty key is none of them.
func (k Keys) Has(sent string) bool {
	if sent == "" || len(sent) > maxSent {
		return false
	}
	sum, good := sha256.Sum256([]byte(sent)), 0
	for _, key := range k {
		good |= subtle.ConstantTimeCompare(key[:], sum[:])
	}
	return good == 1
}
