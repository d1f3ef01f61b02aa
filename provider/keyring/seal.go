package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/lanyard-id/lanyard/provider/oauth"
)

// seal encrypts the private part under the system secret.
func (k *key) seal(system []byte) error {
	private, err := k.marshal()
	if err != nil {
		return fmt.Errorf("seal key %s: %w", k.ID, err)
	}
	aead, err := aead(system)
	if err != nil {
		return fmt.Errorf("seal key %s: %w", k.ID, err)
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails; the program ends instead
	k.Sealed = aead.Seal(nonce, nonce, private, label(k.Key))
	k.sealedBy = 0
	return nil
}

// open decrypts a key under whichever system secret does.
func open(row oauth.Key, system [][]byte) (*key, error) {
	for i, secret := range system {
		aead, err := aead(secret)
		if err != nil {
			return nil, fmt.Errorf("open key %s: %w", row.ID, err)
		}
		if len(row.Sealed) < aead.NonceSize() {
			break
		}
		nonce, box := row.Sealed[:aead.NonceSize()], row.Sealed[aead.NonceSize():]
		private, err := aead.Open(nil, nonce, box, label(row))
		if err != nil {
			continue
		}
		opened := &key{Key: row, sealedBy: i}
		if err := opened.unmarshal(private); err != nil {
			return nil, fmt.Errorf("open key %s: %w", row.ID, err)
		}
		return opened, nil
	}
	return nil, fmt.Errorf("open key %s: no system secret opens it; "+
		"put the secret it was sealed with back, after the new one", row.ID)
}

// label is what a sealed key must not be passed off without.
func label(k oauth.Key) []byte { return []byte(k.Use + "\n" + k.Alg + "\n" + k.ID) }

func aead(system []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, system, nil, "lanyard/keyring/1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
