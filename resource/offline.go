package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are those that the issuer signs with.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256, jose.RS256}
}

// offline returns what a JWT says of itself, if the issuer has signed it as an
// access token: an ID token is none (RFC 9068 §4).
func (g *Guard) offline(ctx context.Context, raw string) (Token, error) {
	parsed, err := jose.ParseSignedCompact(raw, algorithms())
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	typ, _ := parsed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType].(string)
	if !strings.EqualFold(strings.TrimPrefix(strings.ToLower(typ), "application/"), "at+jwt") {
		return Token{}, ErrToken
	}
	payload, err := g.keys.VerifySignature(ctx, raw)
	if err != nil {
		return Token{}, g.unsigned(ctx, err)
	}
	var s state
	if err := json.Unmarshal(payload, &s); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return g.token(s)
}

// unsigned tells a signature that is no good from keys that could not be
// fetched, which is trouble.
func (g *Guard) unsigned(ctx context.Context, err error) error {
	if ctx.Err() != nil || strings.Contains(err.Error(), "fetching keys") {
		return fmt.Errorf("resource: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrToken, err)
}
