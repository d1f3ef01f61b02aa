package resource

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/lanyard-id/lanyard/resource/dpop"
)

type tokenKey struct{}

// From returns the token that [Guard.Require] let through, and whether there
// is one.
func From(ctx context.Context) (Token, bool) {
	t, ok := ctx.Value(tokenKey{}).(Token)
	return t, ok
}

// Require is a middleware that lets requests through whose token is good and
// has all these scopes. Others are answered as RFC 6750 §3 has it, with an
// RFC 9457 problem: 401, 403, 400 for two tokens, and 503 where the token could
// not be checked.
func (g *Guard) Require(scopes ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t, err := g.Check(r)
			for _, scope := range scopes {
				if err == nil && !t.Has(scope) {
					err = ErrScope
				}
			}
			if err != nil {
				refuse(w, err, scopes)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
		})
	}
}

func refuse(w http.ResponseWriter, err error, scopes []string) {
	status, code, detail := http.StatusServiceUnavailable, "temporarily_unavailable", "The token could not be checked. Try again."
	switch {
	case errors.Is(err, ErrNoToken):
		status, code, detail = http.StatusUnauthorized, noToken, "Send an access token."
	case errors.Is(err, ErrRequest):
		status, code, detail = http.StatusBadRequest, "invalid_request", "Send one access token."
	case errors.Is(err, ErrToken):
		status, code, detail = http.StatusUnauthorized, "invalid_token", "The access token is not good here, or not any more."
	case errors.Is(err, ErrScope):
		status, code, detail = http.StatusForbidden, "insufficient_scope", "The access token lacks a scope."
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	} else {
		challenge(w, code, scopes)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	problem := map[string]any{"title": http.StatusText(status), "status": status, "detail": detail, "code": code}
	_ = json.NewEncoder(w).Encode(problem) // whoever left does not read it
}

// noToken is the code of a request without a token, as at the device API.
const noToken = "token_missing"

// challenge says in which ways a token may come (RFC 6750 §3, RFC 9449 §7.1).
func challenge(w http.ResponseWriter, code string, scopes []string) {
	var params []string
	if code != noToken { // RFC 6750 §3.1: no error code where no token was sent
		params = append(params, `error="`+code+`"`)
	}
	if code == "insufficient_scope" {
		params = append(params, `scope="`+strings.Join(scopes, " ")+`"`)
	}
	names := make([]string, 0, len(dpop.Algorithms()))
	for _, alg := range dpop.Algorithms() {
		names = append(names, string(alg))
	}
	bearer := strings.TrimSpace("Bearer " + strings.Join(params, ", "))
	w.Header().Add("WWW-Authenticate", bearer)
	w.Header().Add("WWW-Authenticate", "DPoP "+strings.Join(append(params, `algs="`+strings.Join(names, " ")+`"`), ", "))
}
