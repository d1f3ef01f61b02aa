package keyring

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// key is a key, opened.
type key struct {
	oauth.Key
	secret   []byte        // of a token key
	tokenID  [4]byte       // of a token key
	signer   crypto.Signer // of a signing key
	sealedBy int           // the system secret that opened it
}

// line is a line of succession: keys of one use and algorithm.
type line struct{ use, alg string }

func (l line) has(k *key) bool { return k.Use == l.use && k.Alg == l.alg }

// lines returns the lines that the ring must hold.
func (k *Keyring) lines() []line {
	lines := []line{{oauth.UseToken, HS256}}
	for _, alg := range k.config.Algs {
		lines = append(lines, line{oauth.UseSign, alg})
	}
	return lines
}

// gone reports whether a key's time is over.
func gone(k oauth.Key, now time.Time) bool {
	return !k.RetiredAt.IsZero() && !now.Before(k.RetiredAt)
}

// older orders keys by when they came into force.
func older(a, b *key) int {
	return cmp.Or(a.ActiveAt.Compare(b.ActiveAt), cmp.Compare(a.ID, b.ID))
}

// current returns the key of the line to use now, of those in the ring.
func (k *Keyring) current(l line) *key { return choose(l, *k.keys.Load(), k.now()) }

// choose returns the key of the line to use: of those in force the oldest, else
// of those that retire the newest. A ring whose clock is off, or that could not
// read its store for long, still has one. The keys come oldest first.
func choose(l line, keys []*key, now time.Time) *key {
	var inForce, retiring, other *key
	for _, key := range keys {
		switch {
		case !l.has(key):
		case key.ActiveAt.After(now):
			if other == nil {
				other = key
			}
		case !key.RetiredAt.IsZero():
			retiring = key
		case inForce == nil:
			inForce = key
		}
	}
	return cmp.Or(inForce, retiring, other)
}

// InUse returns the IDs of the keys, of all that a store has, that sign and
// authenticate tokens now.
func InUse(rows []oauth.Key, now time.Time) []string {
	var keys []*key
	var lines []line
	for _, row := range rows {
		if gone(row, now) {
			continue
		}
		keys = append(keys, &key{Key: row})
		if l := (line{row.Use, row.Alg}); !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	slices.SortFunc(keys, older)
	var used []string
	for _, l := range lines {
		used = append(used, choose(l, keys, now).ID)
	}
	return used
}

// find returns the key that the test finds, published or retiring ones too.
func (k *Keyring) find(ctx context.Context, is func(*key) bool) (*key, error) {
	look := func() *key {
		for _, key := range *k.keys.Load() {
			if is(key) {
				return key
			}
		}
		return nil
	}
	found := look()
	if found == nil {
		if err := k.learn(ctx); err != nil {
			return nil, err
		}
		found = look()
	}
	if found == nil || gone(found.Key, k.now()) {
		return nil, fmt.Errorf("key: %w", devices.ErrNotFound)
	}
	return found, nil
}

// put makes a key of the line and keeps it.
func (k *Keyring) put(ctx context.Context, l line, created, active time.Time) (*key, error) {
	made, err := k.generate(l)
	if err != nil {
		return nil, fmt.Errorf("make a key for %s: %w", l.alg, err)
	}
	made.CreatedAt, made.ActiveAt = created, active
	if err := made.seal(k.config.System[0]); err != nil {
		return nil, err
	}
	if err := k.config.Store.PutKey(ctx, made.Key); err != nil {
		return nil, fmt.Errorf("keep key %s: %w", made.ID, err)
	}
	k.config.Log.Info("new key", "key", made.ID, "use", l.use, "alg", l.alg, "active_at", active)
	return made, nil
}

// generate makes a key of the line with an ID that the ring does not know.
func (k *Keyring) generate(l line) (*key, error) {
	made := &key{Key: oauth.Key{Use: l.use, Alg: l.alg}}
	var err error
	switch l {
	case line{oauth.UseToken, HS256}:
		made.secret = make([]byte, 32)
		rand.Read(made.secret) // never fails; the program ends instead
		made.tokenID = k.freeID()
		made.ID = hex.EncodeToString(made.tokenID[:])
		return made, nil
	case line{oauth.UseSign, ES256}:
		made.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case line{oauth.UseSign, RS256}:
		made.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = errors.New("no such keys")
	}
	if err != nil {
		return nil, err
	}
	made.ID, err = thumbprint(made.signer.Public())
	return made, err
}

func (k *Keyring) freeID() (id [4]byte) {
	for {
		rand.Read(id[:])
		taken := false
		for _, key := range *k.keys.Load() {
			taken = taken || key.Use == oauth.UseToken && key.tokenID == id
		}
		if !taken {
			return id
		}
	}
}

// thumbprint returns the RFC 7638 thumbprint of a public key.
func thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// marshal returns the private part of the key.
func (k *key) marshal() ([]byte, error) {
	if k.Use == oauth.UseToken {
		return k.secret, nil
	}
	return x509.MarshalPKCS8PrivateKey(k.signer)
}

// unmarshal takes the private part.
func (k *key) unmarshal(private []byte) error {
	if k.Use == oauth.UseToken {
		id, err := hex.DecodeString(k.ID)
		if err != nil || len(id) != len(k.tokenID) || len(private) != 32 {
			return errors.New("no token key")
		}
		k.secret = private
		copy(k.tokenID[:], id)
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return errors.New("no signing key")
	}
	k.signer = signer
	return nil
}
