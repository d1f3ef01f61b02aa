// Package hydra answers the token hook of Ory Hydra: it ties each chain of
// tokens to a device at the code exchange, and asks at each refresh whether
// that device, the grant and the subject are still good.
//
// Hydra's hook carries no header, no address and no token. What the token call
// looks like is known only where it came through the gateway, which says so in
// a sealed context (hooks/carry).
package hydra

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/carry"
)

// Chains keeps the grants whose tokens Hydra mints.
type Chains interface {
	// HoldingByRef returns the grant of a chain, or devices.ErrNotFound.
	HoldingByRef(ctx context.Context, issuer, ref string) (devices.Holding, error)
	// OpenChain adds a grant, or returns the one that is there, or
	// devices.ErrRevoked.
	OpenChain(ctx context.Context, g devices.Grant, mark []byte,
		tell func(devices.Grant) []devices.Event) (devices.Grant, error)
	// MarkedByRef is HoldingByRef, and keeps a hash as one of the grant's.
	MarkedByRef(ctx context.Context, issuer, ref string, mark []byte, at time.Time) (devices.Holding, error)
	// QueueLegs adds what is to be ended at Hydra.
	QueueLegs(ctx context.Context, reader, place string, legs []devices.Leg) error
}

// Hook answers Hydra's token hook. Its fields are set once.
type Hook struct {
	Chains Chains
	Gate   *devices.Gatekeeper
	Sealer *carry.Sealer
	// Observer reads what the gateway handed on unread.
	Observer *observe.Observer
	// Deadline is within what time it answers.
	Deadline time.Duration
	// RefuseUnknown refuses refreshes of chains whose code exchange was not
	// seen; otherwise they are taken over, and told.
	RefuseUnknown bool
	// Bypass is the rule for refreshes that did not pass the gateway.
	Bypass devices.Bypass
	Now    func() time.Time
	Log    *slog.Logger

	bodies sync.Pool // of *bytes.Buffer
	judged once      // contexts of the gateway
}

// maxBody is more than any session that fits into a cookie or a token.
const maxBody = 1 << 20

// errRefused is a positive finding against a call.
var errRefused = errors.New("refused")

// ServeHTTP answers 204 to allow and 403 to refuse. Trouble is 503, which
// Hydra tries again twice and then tells its client as a server_error, with
// the refresh token still good. Hydra waits for as long as Retry-After says: one
// second, no longer than it would by itself.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), h.Deadline)
	defer cancel()
	c, concerns, err := h.read(w, r)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
		return
	case !concerns:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if c.Refresh {
		err = h.refresh(ctx, c)
	} else {
		err = h.exchange(ctx, c)
	}
	switch {
	case errors.Is(err, errRefused):
		w.WriteHeader(http.StatusForbidden)
	case errors.Is(err, devices.ErrInvalid):
		w.WriteHeader(http.StatusBadRequest) // text that no database holds
	case err != nil:
		h.Log.ErrorContext(r.Context(), "hydra token hook", "client", c.ClientID, "err", err)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// usualBody is more than most bodies have: the space for them is used again.
const usualBody = 16 << 10

func (h *Hook) read(w http.ResponseWriter, r *http.Request) (call, bool, error) {
	body, known := h.bodies.Get().(*bytes.Buffer)
	if !known {
		body = bytes.NewBuffer(make([]byte, 0, usualBody))
	}
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return call{}, false, err
	}
	c, concerns, err := read(body.Bytes(), h.Sealer)
	if x := c.Context; x != nil && x.Request != nil {
		seen := h.Observer.ObserveKept(*x.Request, devices.EntranceGateway)
		x.Sighting = &seen
	}
	if body.Cap() <= usualBody {
		body.Reset()
		h.bodies.Put(body)
	}
	return c, concerns, err
}

// exchange ties the chain to its device. Asked again, it finds it tied.
func (h *Hook) exchange(ctx context.Context, c call) error {
	return h.open(ctx, c, func(g devices.Grant) []devices.Event {
		return []devices.Event{h.Gate.Registry.EventOf(devices.EventGrantCreated, g, g.CreatedAt)}
	})
}

func (h *Hook) open(ctx context.Context, c call, tell func(devices.Grant) []devices.Event) error {
	g, err := h.Chains.OpenChain(ctx, h.grant(c), h.mark(c), tell)
	switch {
	case errors.Is(err, devices.ErrRevoked):
		return errors.Join(errRefused, h.endOutward(ctx, c))
	case err != nil:
		return err
	case !g.RevokedAt.IsZero():
		return errRefused
	}
	return nil
}

// mark is what the gateway will find the grant by, when Hydra's answer with
// the first refresh token passes it.
func (h *Hook) mark(c call) []byte {
	if c.Context == nil || c.Context.GrantID != "" {
		return nil
	}
	return h.Sealer.Hash(c.Context.ID)
}

// endOutward has Hydra end a chain that must not live and is no grant here.
func (h *Hook) endOutward(ctx context.Context, c call) error {
	now := h.Now()
	return h.Chains.QueueLegs(ctx, "", "", []devices.Leg{{
		ID: h.Gate.Registry.NewID(), Kind: devices.LegHydraChain, Ref: c.Chain, Subject: c.Subject,
		DeviceID: c.DeviceID, ClientID: c.ClientID, State: devices.LegPending, CreatedAt: now, NextAt: now,
	}})
}

// refresh judges a refresh: by its fingerprint if the gateway saw it and did not
// judge it, else by the state of device, grant and subject. A judgment that the
// gateway made this moment counts once: the gateway reads the grant again when
// Hydra's answer passes it, and withholds the answer if the grant has ended by
// then. Nobody reads again for a context that is sent twice, so that is judged.
func (h *Hook) refresh(ctx context.Context, c call) error {
	x := c.Context
	if x != nil && x.Judged(c.Chain, h.Now()) && h.judged.first(x.ID, h.Now()) {
		return nil
	}
	held, err := h.holding(ctx, c)
	if errors.Is(err, devices.ErrNotFound) {
		return h.unknown(ctx, c)
	} else if err != nil {
		return err
	}
	p := devices.Presented{
		Holding: held, Binding: devices.BindingDeviceStatus,
		Sighting: devices.Sighting{At: h.Now(), Entrance: devices.EntranceHydra}, Bypass: h.bypass(c, held.Grant),
	}
	if x != nil && x.GrantID != held.Grant.ID && x.Sighting != nil {
		p.Binding, p.Sighting = devices.BindingOf(held.Grant, x.Binding), *x.Sighting
	}
	v, err := h.Gate.Watch(ctx, p)
	if err == nil && v.Err() != nil {
		err = errRefused
	}
	return err
}

// bypass returns the rule for a refresh: a call without a context that the
// gateway sealed for this client, and not for another grant, did not pass it. A
// context that is too old counts as none. A backend need not pass, if the code
// exchange of its grant did: its calls are compared with nothing.
func (h *Hook) bypass(c call, g devices.Grant) devices.Bypass {
	x := c.Context
	passed := x != nil && !x.Foreign && (x.GrantID == "" || x.GrantID == g.ID)
	if passed || devices.BindingOf(g, devices.BindingObserved) == devices.BindingDeviceStatus {
		return devices.BypassAllowed
	}
	return h.Bypass
}

// holding returns the grant of a refresh. Where the gateway did not know the
// token, it will know the next.
func (h *Hook) holding(ctx context.Context, c call) (devices.Holding, error) {
	if mark := h.mark(c); mark != nil {
		return h.Chains.MarkedByRef(ctx, devices.IssuerHydra, c.Chain, mark, h.Now())
	}
	return h.Chains.HoldingByRef(ctx, devices.IssuerHydra, c.Chain)
}

// unknown is a refresh of a chain that is older than this hook, or whose code
// exchange it did not see. Refusing it is the operator's choice and revokes
// nothing: not to know is no finding.
func (h *Hook) unknown(ctx context.Context, c call) error {
	bypass := h.bypass(c, devices.Grant{})
	if h.RefuseUnknown || bypass == devices.BypassRefused {
		h.Log.InfoContext(ctx, "refused a refresh of an unknown chain", "client", c.ClientID, "past the gateway", bypass != devices.BypassAllowed)
		return errRefused
	}
	return h.open(ctx, c, func(g devices.Grant) []devices.Event {
		told := []devices.Event{h.Gate.Registry.EventOf(devices.EventGrantCreated, g, g.CreatedAt)}
		var reasons []devices.Reason
		if g.DeviceID == "" {
			reasons = append(reasons, devices.ReasonUnknownDevice)
		}
		if bypass == devices.BypassFlagged {
			reasons = append(reasons, devices.ReasonGatewayBypassed)
		}
		if len(reasons) > 0 {
			flag := h.Gate.Registry.EventOf(devices.EventDeviceFlagged, g, g.CreatedAt, reasons...)
			flag.Verdict, flag.PolicyVersion = devices.Flag.String(), h.Gate.Registry.Policy.Version
			told = append(told, flag)
		}
		return told
	})
}
