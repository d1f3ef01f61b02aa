package api

import (
	"context"
	"errors"
	"mime"
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
	// ErrInvalidSession: it has a session of the pages, which is not good.
	ErrInvalidSession = errors.New("invalid session")
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
		if err := ownPage(r); err != nil {
			return devices.Actor{}, err
		}
	}
	caller, err := a.auth.Actor(r)
	if err == nil && caller.Subject == "" {
		err = ErrInvalidToken // a token of nobody (client credentials)
	}
	switch {
	case errors.Is(err, ErrInvalidToken), errors.Is(err, ErrInvalidSession):
		return devices.Actor{}, a.limits.refusal(r, err)
	case err != nil:
		return devices.Actor{}, err
	}
	return caller, a.limits.called(caller)
}

// ownPage refuses what another site may have made a browser send. With cookies
// it takes no chances: every browser says where a request that changes
// something comes from, and no form can send JSON. A page of another site may
// not even have the list loaded.
func ownPage(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return errCrossSite
	}
	if r.Header.Get("Cookie") == "" {
		return nil
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "cross-site" || site == "same-site" {
		return errCrossSite
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	case http.MethodPost:
		if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
			return errMediaType
		}
	}
	if site == "" && r.Header.Get("Origin") == "" {
		return errCrossSite
	}
	return nil
}
