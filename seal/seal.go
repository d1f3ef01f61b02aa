package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// MinSystem is the least length of a system secret in bytes.
const MinSystem = 32

// hidden is printed instead of keys.
const hidden = "[secret]"

var (
	// ErrMalformed is returned for a string that Seal cannot have written.
	ErrMalformed = errors.New("sealed value malformed")
	// ErrForged is returned for a value that was sealed with other secrets, for
	// another purpose or with other additional data, or that was changed.
	ErrForged = errors.New("sealed value forged")
)

// Sealer seals values for many purposes under the system secrets.
type Sealer struct {
	system [][]byte
}

// New returns a Sealer under the system secrets, newest first. It fails without
// a secret, and on one shorter than MinSystem.
func New(system [][]byte) (*Sealer, error) {
	if err := check(system); err != nil {
		return nil, err
	}
	return &Sealer{system: system}, nil
}

func check(system [][]byte) error {
	if len(system) == 0 {
		return errors.New("seal: no system secret")
	}
	for i, secret := range system {
		if len(secret) < MinSystem {
			return fmt.Errorf("seal: system secret %d is shorter than %d bytes", i, MinSystem)
		}
	}
	return nil
}

// Format prints no secret, whatever the verb.
func (*Sealer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// Seal returns the plaintext sealed for a purpose. Only the same purpose and
// the same additional data open it. Sealing the same value twice returns two
// strings.
func (s *Sealer) Seal(purpose string, plaintext, additional []byte) (string, error) {
	box, err := newBox(s.system[:1], label(purpose))
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", purpose, err)
	}
	return box.Seal(plaintext, additional), nil
}

// Open returns the plaintext, ErrMalformed or ErrForged. An empty plaintext is
// an empty slice, not nil.
func (s *Sealer) Open(purpose, sealed string, additional []byte) ([]byte, error) {
	box, err := newBox(s.system, label(purpose))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", purpose, err)
	}
	return box.Open(sealed, additional)
}

func label(purpose string) string { return "lanyard/opaque/1/" + purpose }

// Box seals values for one purpose. It keeps the derived keys, so it is faster
// than a Sealer.
type Box struct {
	aeads []cipher.AEAD // one for each system secret, newest first
}

// NewBox returns a Box under the system secrets, newest first, with keys
// derived for the label. It fails as New does.
func NewBox(system [][]byte, label string) (*Box, error) {
	if err := check(system); err != nil {
		return nil, err
	}
	return newBox(system, label)
}

func newBox(system [][]byte, label string) (*Box, error) {
	b := &Box{aeads: make([]cipher.AEAD, 0, len(system))}
	for _, secret := range system {
		key, err := hkdf.Key(sha256.New, secret, nil, label, chacha20poly1305.KeySize)
		if err != nil {
			return nil, err
		}
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			return nil, err
		}
		b.aeads = append(b.aeads, aead)
	}
	return b, nil
}

// Format prints no key, whatever the verb.
func (*Box) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// Seal returns the plaintext sealed. Only the same additional data open it.
func (b *Box) Seal(plaintext, additional []byte) string {
	aead := b.aeads[0]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plaintext)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plaintext, additional))
}

// Open returns the plaintext, ErrMalformed or ErrForged.
func (b *Box) Open(sealed string, additional []byte) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(raw)) != len(sealed) {
		return nil, ErrMalformed
	}
	if len(raw) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return nil, ErrMalformed
	}
	nonce, text := raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:]
	for _, aead := range b.aeads {
		if plaintext, err := aead.Open([]byte{}, nonce, text, additional); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrForged
}
