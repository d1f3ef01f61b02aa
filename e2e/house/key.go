package house

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Key is a key that never leaves its device.
type Key struct {
	private *ecdsa.PrivateKey
}

// NewKey makes a key.
func NewKey() *Key {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness
	}
	return &Key{k}
}

// Thumbprint returns the key's name (RFC 7638).
func (k *Key) Thumbprint() string {
	sum, err := (&jose.JSONWebKey{Key: k.private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err) // the key is of a known kind
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// Proof returns a DPoP proof for a request, and for the access token that it
// carries where there is one (RFC 9449 §4.2).
func (k *Key) Proof(method, address, access string) string {
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, options)
	if err != nil {
		panic(err) // the key fits the algorithm
	}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": time.Now().Unix()}
	if access != "" {
		sum := sha256.Sum256([]byte(access))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	proof, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err) // the claims are plain
	}
	return proof
}
