package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// Check is what a proxy of the operator's own asks before it lets a token
// request through: Envoy's ext_authz or Traefik's forwardAuth, with the body.
// It answers 200 to let it through, and otherwise what the client is to get.
//
// A check sees no answers, so it cannot know tokens by having seen them pass:
// it asks Hydra whose a token is. It does not hear of reuse.
type Check struct {
	// Whose asks Hydra whose a refresh token is; an inactive one is nobody's.
	Whose func(ctx context.Context, token string) (subject, clientID, deviceID string, err error)
	// Find returns the grants of a subject, newest first.
	Find     func(ctx context.Context, q devices.GrantQuery) ([]devices.Grant, error)
	Grants   devices.GrantStore
	Gate     *devices.Gatekeeper
	Observer *observe.Observer
	Deadline time.Duration
	Now      func() time.Time
	Log      *slog.Logger

	newAgents newAgents
}

// NewCheck returns a check with its limits.
func NewCheck(c Check) *Check {
	c.newAgents = limitNewAgents()
	return &c
}

// ServeHTTP judges a refresh and lets everything else through, if it was shown
// whole: what a proxy keeps to itself, Hydra would get.
func (c *Check) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("X-Envoy-Auth-Partial-Body") == "true":
		badRequest(w, &http.MaxBytesError{Limit: r.ContentLength}) // the token may be in the part that is missing
		return
	case r.ContentLength == 0 && posted(r):
		badRequest(w, errForm) // Envoy keeps the body of an upgrade
		return
	case r.ContentLength == 0:
		w.WriteHeader(http.StatusOK) // no token request
		return
	}
	form, err := tokenForm(w, r)
	if err != nil {
		badRequest(w, err)
		return
	}
	if form.Get("refresh_token") == "" || ownGrant(grantType(form)) {
		w.WriteHeader(http.StatusOK)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.Deadline)
	defer cancel()
	client, binding := caller(r, form)
	held, err := c.holding(ctx, form.Get("refresh_token"), client)
	if errors.Is(err, errStranger) {
		refuse(w)
		return
	} else if err != nil {
		c.Log.ErrorContext(r.Context(), "gateway check", "client", client, "err", err)
		unavailable(w)
		return
	}
	if held == nil {
		w.WriteHeader(http.StatusOK) // Hydra turns it down, or its hook judges
		return
	}
	if wait := c.newAgents.wait(c.Observer, r, held.Grant.ID, c.Now()); wait > 0 {
		slowDown(w, wait, newAgentsBody)
		return
	}
	v, err := c.Gate.Watch(ctx, devices.Presented{
		Holding: *held, Binding: devices.BindingOf(held.Grant, binding),
		Sighting: c.Observer.Observe(r, devices.EntranceGateway),
	})
	switch {
	case err != nil:
		c.Log.ErrorContext(r.Context(), "gateway check", "client", client, "err", err)
		unavailable(w)
	case v.Err() != nil:
		refuse(w)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// errStranger: a client presents another one's token. Hydra would refuse it
// too; here nothing changes.
var errStranger = errors.New("another client's token")

// posted reports whether a proxy asks about a POST: Traefik tells the method in
// a header where it asks with another one.
func posted(r *http.Request) bool {
	return r.Method == http.MethodPost || r.Header.Get("X-Forwarded-Method") == http.MethodPost
}

// holding returns the live grant that a token is of, or nil. A device may have
// several with one client, which look alike: the newest stands for them.
func (c *Check) holding(ctx context.Context, token, client string) (*devices.Holding, error) {
	subject, clientID, deviceID, err := c.Whose(ctx, token)
	switch {
	case err != nil || subject == "":
		return nil, err
	case client != "" && clientID != client: // where it is empty, its credentials say who it is
		return nil, errStranger
	}
	grants, err := c.Find(ctx, devices.GrantQuery{Subject: subject, ClientID: clientID, DeviceID: deviceID})
	if err != nil {
		return nil, err
	}
	var live []devices.Grant
	for _, g := range grants {
		if g.Issuer == devices.IssuerHydra && g.RevokedAt.IsZero() {
			live = append(live, g)
		}
	}
	if len(live) == 0 || deviceID == "" && len(live) > 1 {
		return nil, nil
	}
	held, err := c.Grants.Holding(ctx, live[0].ID)
	return &held, err
}

// NoCheck returns what a proxy gets that asks although hooks.require_gateway is
// on: 503, so that clients keep their tokens. A proxy that only asks adds no
// context to the request, so that the token hook would take each refresh that it
// lets through for one that did not pass the gateway. The log names the cause at
// the first question, and then each time that they have doubled.
func NoCheck(log *slog.Logger) http.Handler {
	var asked atomic.Uint64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n&(n-1) == 0 {
			log.ErrorContext(r.Context(), "a proxy asks /hooks/gateway/check, which adds no context of the gateway: "+
				"set hooks.require_gateway to off, or route token requests through gateway.listen", "times", n)
		}
		unavailable(w)
	})
}
