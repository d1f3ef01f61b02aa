package provider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// prover makes DPoP proofs (RFC 9449 §4.2) with a key of its own.
type prover struct {
	key    *ecdsa.PrivateKey
	issuer string
	now    func() time.Time
}

func newProver(issuer string) *prover {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // never fails (crypto/rand)
	}
	return &prover{key: key, issuer: issuer, now: time.Now}
}

// prover returns a prover by the clock of the house.
func (h *house) prover() *prover {
	p := newProver(h.issuer)
	p.now = h.now()
	return p
}

// now returns the clock of the house, or that of the world where it has none.
func (h *house) now() func() time.Time {
	if h.clock == nil {
		return time.Now
	}
	return h.clock.Now
}

// thumb returns the thumbprint of the key (RFC 7638).
func (p *prover) thumb() string {
	sum, err := (&jose.JSONWebKey{Key: p.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err) // the key is a good one
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// claims returns those of a good proof, which a test may spoil.
func (p *prover) claims(method, path string) map[string]any {
	return map[string]any{
		"jti": newID(), "htm": method, "htu": p.issuer + path, "iat": p.now().Unix(),
	}
}

// proof signs claims; edits change the header.
func (p *prover) proof(claims map[string]any, edits ...func(*jose.SignerOptions)) string {
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	for _, edit := range edits {
		edit(options)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, options)
	if err != nil {
		panic(err) // the key is a good one
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err) // the claims are JSON
	}
	return text
}

// proves returns an edit that adds a fresh proof to a request.
func (p *prover) proves(method, path string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("DPoP", p.proof(p.claims(method, path))) }
}

// presents returns an edit that adds an access token, and a proof about it.
func (p *prover) presents(method, path, token string) func(*http.Request) {
	return func(r *http.Request) {
		claims := p.claims(method, path)
		claims["ath"] = hashOf(token)
		r.Header.Set("Authorization", "DPoP "+token)
		r.Header.Set("DPoP", p.proof(claims))
	}
}

// hashOf returns what a proof calls a token (RFC 9449 §4.2).
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
