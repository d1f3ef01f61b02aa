package tokens

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

// Opaque seals what must travel through a browser unread and unchanged, under
// keys derived from the system secrets: the first seals, all open. When a
// sealed thing ends is for the caller to put inside and to check.
type Opaque struct {
	system [][]byte
}

// Format hides the secrets, whatever the verb.
func (*Opaque) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// NewOpaque returns an Opaque under the system secrets, newest first. It fails
// without one, and on one shorter than MinSystem.
func NewOpaque(system [][]byte) (*Opaque, error) {
	if len(system) == 0 {
		return nil, errors.New("seal state: no system secret")
	}
	for i, secret := range system {
		if len(secret) < MinSystem {
			return nil, fmt.Errorf("seal state: system secret %d is shorter than %d bytes", i, MinSystem)
		}
	}
	return &Opaque{system: system}, nil
}

// Seal returns the plaintext sealed for a purpose. Only the same purpose and
// the same additional data open it. Sealing the same twice gives two strings.
func (o *Opaque) Seal(purpose string, plaintext, additional []byte) (string, error) {
	aead, err := aead(o.system[0], purpose)
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", purpose, err)
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plaintext)+aead.Overhead())
	rand.Read(nonce) // never fails; the program ends instead
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plaintext, additional)), nil
}

// Open returns what was sealed, or ErrMalformed or ErrForged. An empty
// plaintext comes back as an empty slice.
func (o *Opaque) Open(purpose, sealed string, additional []byte) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(b)) != len(sealed) {
		return nil, ErrMalformed
	}
	for _, secret := range o.system {
		aead, err := aead(secret, purpose)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", purpose, err)
		}
		if len(b) < aead.NonceSize()+aead.Overhead() {
			return nil, ErrMalformed
		}
		nonce, box := b[:aead.NonceSize()], b[aead.NonceSize():]
		if plaintext, err := aead.Open([]byte{}, nonce, box, additional); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrForged
}

// aead returns the cipher of one purpose. Its nonce of 24 bytes may be drawn
// at random however often a stranger makes the server seal.
func aead(secret []byte, purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "lanyard/opaque/1/"+purpose, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.NewX(key)
}
