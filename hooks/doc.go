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
	"errors"
	"net/http"
	"strings"

	"github.com/lanyard-id/lanyard/accesskey"
)

// KeyHeader is the header in which Ory sends a hook's key.
const KeyHeader = "X-Hook-Key"

// CheckPath is where a proxy asks about token requests.
const CheckPath = "/hooks/gateway/check"

// Guard lets through to next who sends one of the keys, and answers 401 to
// everybody else without reading anything, or 429 where their network sent too
// many wrong ones.
func Guard(next http.Handler, keys *accesskey.Guard) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := "hook"
		if strings.HasPrefix(r.URL.Path, CheckPath) {
			kind = "gateway_check"
		}
		err := keys.Check(r, kind, r.Header.Get(KeyHeader))
		if err == nil {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close") // the body stays unread
		status := http.StatusUnauthorized
		if many := (accesskey.TooMany{}); errors.As(err, &many) {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", many.RetryAfter())
		}
		w.WriteHeader(status)
	})
}
