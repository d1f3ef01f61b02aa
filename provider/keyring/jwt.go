package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// ErrBadJWT says that a JWT is not one that this server signed for that use.
var ErrBadJWT = errors.New("not a JWT of this server")

// maxJWT is the longest JWT that is looked at, in bytes.
const maxJWT = 16 << 10

// TokenKey returns the key to authenticate new opaque tokens with.
func (k *Keyring) TokenKey() (id [4]byte, secret []byte) {
	current := k.current(line{oauth.UseToken, HS256})
	return current.tokenID, current.secret
}

// TokenKeyByID returns a key that opaque tokens may still be authenticated
// with, or devices.ErrNotFound. Any other error is the store's.
func (k *Keyring) TokenKeyByID(ctx context.Context, id [4]byte) ([]byte, error) {
	found, err := k.find(ctx, func(key *key) bool {
		return key.Use == oauth.UseToken && key.tokenID == id
	})
	if err != nil {
		return nil, err
	}
	return found.secret, nil
}

// SignJWT returns the claims, signed. alg is ES256 or RS256, or empty for the
// first configured; typ becomes the header of that name ("JWT", "at+jwt", …),
// which keeps one kind of JWT from being taken for another (RFC 8725 §3.11).
func (k *Keyring) SignJWT(_ context.Context, alg, typ string, claims any) (string, error) {
	if alg == "" {
		alg = k.config.Algs[0]
	}
	current := k.current(line{oauth.UseSign, alg})
	if current == nil {
		return "", fmt.Errorf("sign a JWT: no key for algorithm %q", alg)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign a JWT: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{
			Algorithm: jose.SignatureAlgorithm(alg),
			Key:       jose.JSONWebKey{Key: current.signer, KeyID: current.ID},
		},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", fmt.Errorf("sign a JWT: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign a JWT: %w", err)
	}
	return signed.CompactSerialize()
}

// VerifyJWT reads the claims of a JWT that this server signed, with any key
// whose time is not over, into what claims points at. It returns ErrBadJWT
// where the typ is another, the algorithm is not among algs (empty: the
// configured ones) or the signature is not ours. Any other error is the
// store's. Issuer, audience and times are for the caller to check.
func (k *Keyring) VerifyJWT(ctx context.Context, token, typ string, algs []string, claims any) error {
	// The parser skips line breaks, as if a JWT could have several spellings.
	if len(token) > maxJWT || strings.ContainsAny(token, "\r\n") {
		return ErrBadJWT
	}
	parsed, err := jose.ParseSignedCompact(token, k.allowed(algs))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadJWT, err)
	}
	header := parsed.Signatures[0].Protected
	if got, _ := header.ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(got, typ) {
		return fmt.Errorf("%w: typ %q", ErrBadJWT, got)
	}
	found, err := k.find(ctx, func(key *key) bool {
		return key.Use == oauth.UseSign && key.ID == header.KeyID && key.Alg == header.Algorithm
	})
	if errors.Is(err, devices.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrBadJWT, err)
	}
	if err != nil {
		return fmt.Errorf("verify a JWT: %w", err)
	}
	payload, err := parsed.Verify(found.signer.Public())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadJWT, err)
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return fmt.Errorf("%w: %w", ErrBadJWT, err)
	}
	return nil
}

// allowed returns the asked algorithms as far as the ring has any business
// with them: no caller can let an unsigned or HMAC-signed JWT in.
func (k *Keyring) allowed(algs []string) []jose.SignatureAlgorithm {
	ours := []string{ES256, RS256}
	if len(algs) == 0 {
		algs = k.config.Algs
	}
	var allowed []jose.SignatureAlgorithm
	for _, alg := range algs {
		if slices.Contains(ours, alg) {
			allowed = append(allowed, jose.SignatureAlgorithm(alg))
		}
	}
	return allowed
}

// JWKS returns the public signing keys to publish: those in force, those to
// come and those that still verify.
func (k *Keyring) JWKS() jose.JSONWebKeySet {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range *k.keys.Load() {
		if key.Use == oauth.UseSign && !gone(key.Key, k.now()) {
			set.Keys = append(set.Keys, jose.JSONWebKey{
				Key: key.signer.Public(), KeyID: key.ID, Use: oauth.UseSign, Algorithm: key.Alg,
			})
		}
	}
	return set
}
