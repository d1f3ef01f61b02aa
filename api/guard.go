package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/loopback"
)

// guard decides who may use the admin API: who holds a token or, where none
// is configured, who calls from this very machine and is no foreign web page.
type guard struct {
	tokens      *accesskey.Guard
	proxyHeader string
}

// check returns an error for a request that must be turned away. It is asked
// before anything is routed. Health is for everybody: it says one word.
func (g guard) check(r *http.Request) error {
	switch {
	case r.URL.Path == healthAlive, r.URL.Path == healthReady:
		return nil
	case http.NewCrossOriginProtection().Check(r) != nil:
		return errCrossSite
	case g.tokens.Any():
		return g.checkToken(r)
	}
	switch err := loopback.Check(r, g.proxyHeader); {
	case errors.Is(err, loopback.ErrCrossSite):
		return errCrossSite
	case err != nil:
		return errAdminLocal
	default:
		return nil
	}
}

func (g guard) checkToken(r *http.Request) error {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return ErrNoToken // nothing was guessed
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	err := g.tokens.Check(r, "admin_api", token)
	var many accesskey.TooMany
	switch {
	case errors.As(err, &many):
		return rateLimited{many.Wait}
	case err != nil:
		return errOperator
	default:
		return nil
	}
}
