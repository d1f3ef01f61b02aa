// Package hooks is the entrance beside an existing Ory Kratos and Ory Hydra.
//
// # Objects
//
// Its parts are packages of their own: hooks/kratos and hooks/hydra answer the
// webhooks of those two, hooks/gateway stands before Hydra's public port,
// hooks/bridge is Hydra's login and consent application where there is none,
// and hooks/ory ends outward what was ended here. hooks/carry is what the
// gateway sends to the token hook through Hydra.
//
// # Guarantees
//
//   - Whoever lacks the key is answered 401 before anything is read.
//   - A hook answers within its deadline. Trouble is 503, so that Hydra keeps
//     the token; only a positive finding is a refusal.
//
// # Not here
//
// No judgments: those are made in devices.
package hooks

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// KeyHeader is the header in which Ory sends a hook's key.
const KeyHeader = "X-Hook-Key"

// Keys are the hook keys that are accepted, as hashes.
type Keys [][sha256.Size]byte

// NewKeys returns the accepted keys.
func NewKeys(keys ...[]byte) Keys {
	hashed := make(Keys, len(keys))
	for i, key := range keys {
		hashed[i] = sha256.Sum256(key)
	}
	return hashed
}

// Guard lets through to next who sends one of the keys, and answers 401 to
// everybody else without reading anything. Each key is compared, in constant
// time. The log tells of the first who lacks one, and then each time that they
// have doubled: a wrong key in Ory's configuration shows, and strangers do not
// fill it.
func (k Keys) Guard(next http.Handler, log *slog.Logger) http.Handler {
	var turnedAway atomic.Uint64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := sha256.Sum256([]byte(r.Header.Get(KeyHeader)))
		known := 0
		for _, key := range k {
			known |= subtle.ConstantTimeCompare(key[:], sent[:])
		}
		if known != 1 {
			if n := turnedAway.Add(1); n&(n-1) == 0 {
				log.WarnContext(r.Context(), "a hook was called without a key of hooks.keys", "path", r.URL.Path, "times", n)
			}
			w.Header().Set("Connection", "close") // the body stays unread
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
