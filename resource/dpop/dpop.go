// Package dpop checks DPoP proofs: that whoever sends a request has the key
// that a token is bound to (RFC 9449 §4.3).
package dpop

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of a proof (RFC 9449 §4.3, §11.1).
const (
	maxProof = 4 << 10          // bytes
	maxID    = 128              // bytes of jti
	past     = 60 * time.Second // how long ago it may have been made
	future   = 10 * time.Second // how far its maker's clock may be ahead
)

const (
	// minRSABits is the size of the smallest RSA key that is taken.
	minRSABits = 2048
	maxRSABits = 2 * minRSABits
	// maxRSAExponent is the one that everybody uses. What it takes to verify
	// grows with it, and strangers choose the keys of their proofs.
	maxRSAExponent = 1<<16 + 1
)

// Life is how long a proof may be good at the most, clocks included.
const Life = past + future

// ErrProof says that there are several proofs, or one that is not good for
// the request.
var ErrProof = errors.New("the DPoP proof is not valid for this request")

// Proof is what a request proves. It is good once: its user refuses to see the
// same ID of the same key again before Until.
type Proof struct {
	Thumbprint string // of the key (RFC 7638)
	ID         string // the claim jti
	Until      time.Time
}

// claims are those of a proof (RFC 9449 §4.2).
type claims struct {
	ID       string `json:"jti"`
	Method   string `json:"htm"`
	Target   string `json:"htu"`
	IssuedAt int64  `json:"iat"`
	Token    string `json:"ath"`
}

// Algorithms are those of proofs, asymmetric ones only.
func Algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256}
}

// Check returns what a request proves, which is the zero Proof where it has no
// proof. Target is the URL that the proof must be made for, without query and
// fragment; token is the access token that it must be about, or empty at the
// token endpoint. The error is ErrProof.
func Check(r *http.Request, target, token string, now time.Time) (Proof, error) {
	headers := r.Header.Values("DPoP")
	if len(headers) == 0 {
		return Proof{}, nil
	}
	if len(headers) > 1 || len(headers[0]) > maxProof || strings.Count(headers[0], ".") != 2 {
		return Proof{}, ErrProof
	}
	key, payload, err := open(headers[0])
	if err != nil {
		return Proof{}, err
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if !c.fresh(now) || c.Method != r.Method || !sameTarget(c.Target, target) || token != "" && c.Token != hash(token) {
		return Proof{}, ErrProof
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return Proof{
		Thumbprint: base64.RawURLEncoding.EncodeToString(sum), ID: c.ID,
		Until: time.Unix(c.IssuedAt, 0).Add(Life),
	}, nil
}

// open returns the key that signed a proof, which it brings along, and what
// it says.
func open(text string) (*jose.JSONWebKey, []byte, error) {
	parsed, err := jose.ParseSignedCompact(text, Algorithms())
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	header := parsed.Signatures[0].Protected
	key := header.JSONWebKey
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	if typ != "dpop+jwt" || key == nil || !key.IsPublic() || !key.Valid() || !Strong(*key) {
		return nil, nil, ErrProof
	}
	payload, err := parsed.Verify(key)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return key, payload, nil
}

// Strong reports whether a key is not an RSA key that is too small, or takes
// too long to verify with.
func Strong(k jose.JSONWebKey) bool {
	key, isRSA := k.Key.(*rsa.PublicKey)
	return !isRSA || key.N.BitLen() >= minRSABits && key.N.BitLen() <= maxRSABits && key.E <= maxRSAExponent
}

func (c claims) fresh(now time.Time) bool {
	age := now.Sub(time.Unix(c.IssuedAt, 0))
	return c.ID != "" && len(c.ID) <= maxID && age <= past && age >= -future
}

// sameTarget compares the URLs without query and fragment, and in the
// spelling that RFC 3986 §6.2 makes equal (RFC 9449 §4.3).
func sameTarget(got, want string) bool {
	g, err1 := url.Parse(got)
	w, err2 := url.Parse(want)
	if err1 != nil || err2 != nil {
		return false
	}
	return strings.EqualFold(g.Scheme, w.Scheme) && strings.EqualFold(hostPort(g), hostPort(w)) &&
		g.EscapedPath() == w.EscapedPath() && g.User == nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		return u.Hostname()
	}
	return u.Host
}

// hash is the claim ath of a proof about a token.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
