package provider

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
)

// Bounds of a DPoP proof (RFC 9449 §4.3, §11.1).
const (
	maxProof    = 4 << 10          // bytes
	proofPast   = 60 * time.Second // how long ago it may have been made
	proofFuture = 10 * time.Second // how far the client's clock may be ahead
	maxProofID  = 128              // bytes of jti
)

// proofAlgs returns the algorithms of proofs: asymmetric ones only.
func proofAlgs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256}
}

var errProof = &fosite.RFC6749Error{
	ErrorField: "invalid_dpop_proof", CodeField: http.StatusBadRequest,
	DescriptionField: "The DPoP proof is missing or not valid for this request.",
}

// proofClaims are the claims of a proof (RFC 9449 §4.2).
type proofClaims struct {
	ID       string `json:"jti"`
	Method   string `json:"htm"`
	Target   string `json:"htu"`
	IssuedAt int64  `json:"iat"`
	Token    string `json:"ath"`
}

// proven is a proof that is good but for having been shown before.
type proven struct {
	thumb  string // the RFC 7638 thumbprint of the key; empty where none is proved
	claims proofClaims
}

// proof returns what the request proves possession of, which is nothing where
// it has no proof. token is the access token that the proof must be about, or
// empty at the token endpoint. The error is errProof. Nothing is good before
// [Provider.once] has seen it, too.
func (p *Provider) proof(r *http.Request, endpoint, token string) (proven, error) {
	headers := r.Header.Values("DPoP")
	if len(headers) == 0 {
		return proven{}, nil
	}
	if len(headers) > 1 || len(headers[0]) > maxProof || strings.Count(headers[0], ".") != 2 {
		return proven{}, errProof
	}
	parsed, err := jose.ParseSignedCompact(headers[0], proofAlgs())
	if err != nil {
		return proven{}, errProof.WithWrap(err)
	}
	header := parsed.Signatures[0].Protected
	key := header.JSONWebKey
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "dpop+jwt" || !goodProofKey(key) {
		return proven{}, errProof
	}
	payload, err := parsed.Verify(key)
	if err != nil {
		return proven{}, errProof.WithWrap(err)
	}
	var claims proofClaims
	if err := json.Unmarshal(payload, &claims); err != nil {
		return proven{}, errProof.WithWrap(err)
	}
	if !p.fresh(claims) || claims.Method != r.Method || !sameTarget(claims.Target, p.URL(endpoint)) ||
		token != "" && claims.Token != wholeHash(token) {
		return proven{}, errProof
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return proven{}, errProof.WithWrap(err)
	}
	return proven{base64.RawURLEncoding.EncodeToString(sum), claims}, nil
}

func goodProofKey(key *jose.JSONWebKey) bool {
	return key != nil && key.IsPublic() && key.Valid() && strong(*key)
}

func (p *Provider) fresh(c proofClaims) bool {
	age := p.Now().Sub(time.Unix(c.IssuedAt, 0))
	return c.ID != "" && len(c.ID) <= maxProofID && age <= proofPast && age >= -proofFuture
}

// once remembers a proof until it is too old to be shown again. The store is
// shared, so that no other replica takes it either. Anybody can make keys and
// proofs of them: ask it last, when the request is good in every other way.
func (p *Provider) once(ctx context.Context, shown proven) error {
	if shown.thumb == "" {
		return nil
	}
	until := time.Unix(shown.claims.IssuedAt, 0).Add(proofPast + proofFuture)
	err := p.Storage.Assertions.UseAssertion(ctx, "dpop:"+shown.thumb, shown.claims.ID, until)
	switch {
	case errors.Is(err, devices.ErrExists):
		return errProof.WithDescription("The DPoP proof was used before.")
	case err != nil:
		return trouble{err}
	}
	return nil
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

func wholeHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// proofNames returns the algorithms as metadata shows them.
func proofNames() []string {
	names := make([]string, 0, len(proofAlgs()))
	for _, alg := range proofAlgs() {
		names = append(names, string(alg))
	}
	return slices.Sorted(slices.Values(names))
}
