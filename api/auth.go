package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lanyard-id/lanyard/devices"
)

// Scope is what an access token needs for the device API.
const Scope = "devices"

// Authenticator tells which owner calls, and through which of their devices.
type Authenticator interface {
	// Actor returns the caller of a request. Its errors are ErrNoToken,
	// ErrInvalidToken, ErrInsufficientScope (the token lacks [Scope]),
	// ErrRateLimited, or one of the devices' own (ErrNoDevice, ErrRevoked,
	// …). Any other error is trouble and answered 503: a token that could
	// not be checked is not a bad one.
	Actor(r *http.Request) (devices.Actor, error)
}

// Why an Authenticator turns a caller away.
var (
	// ErrNoToken: the request has no credentials at all.
	ErrNoToken = errors.New("no access token")
	// ErrInvalidToken: it has some, and they are proved not to be good.
	ErrInvalidToken = errors.New("invalid access token")
	// ErrInsufficientScope: the token is good and lacks the scope.
	ErrInsufficientScope = errors.New("insufficient scope")
	// ErrRateLimited: the caller calls too often.
	ErrRateLimited = errors.New("rate limited")
)

type actorKey struct{}

// actor returns the caller that authenticate found.
func actor(ctx context.Context) devices.Actor {
	a, _ := ctx.Value(actorKey{}).(devices.Actor)
	return a
}

// authenticate is the middleware of the device API.
func (a *deviceAPI) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	caller, err := a.caller(r)
	if err != nil {
		a.door.fail(w, r, err)
		return
	}
	next(huma.WithValue(ctx, actorKey{}, caller))
}

func (a *deviceAPI) caller(r *http.Request) (devices.Actor, error) {
	// A browser adds cookies by itself, but never an Authorization header:
	// only a request without one can be forged by another site.
	if r.Header.Get("Authorization") == "" {
		if err := http.NewCrossOriginProtection().Check(r); err != nil {
			return devices.Actor{}, errCrossSite
		}
	}
	caller, err := a.auth.Actor(r)
	if err == nil && caller.Subject == "" {
		return devices.Actor{}, ErrInvalidToken // a token of nobody (client credentials)
	}
	return caller, err
}
