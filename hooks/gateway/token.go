package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/carry"
)

// passage is what is known of a token request on its way.
type passage struct {
	context carry.Context
	refresh bool
	from    devices.TokenHash // what the answer's token descends from
	held    *devices.Holding
	look    func() devices.Sighting // parses a User-Agent at its first call
	binding devices.Binding
	source  string // the network that asks
}

type passageKey struct{}

// token looks at a token request, judges a refresh whose token is known, and
// lets it pass with what the token hook must know of it.
func (g *Gateway) token(w http.ResponseWriter, r *http.Request) {
	// 1. What is asked?
	form, err := tokenForm(w, r)
	if err != nil {
		badRequest(w, err)
		return
	}
	kind := grantType(form)
	if ownGrant(kind) {
		put(r, form)
		g.streams.ServeHTTP(w, r)
		return
	}
	// 2. Who asks?
	client, binding := caller(r, form)
	p := &passage{
		context: carry.Context{ClientID: client, Binding: binding},
		refresh: kind == "refresh_token", binding: binding,
		look:   sync.OnceValue(func() devices.Sighting { return g.Observer.Observe(r, devices.EntranceGateway) }),
		source: devices.Network{Addr: g.Observer.ClientAddr(r)}.Prefix().String(),
	}
	// 3. Whose token is it, and is it in their hands?
	if p.refresh {
		refused, err := g.judge(r, p, form.Get("refresh_token"))
		var wait waitError
		switch {
		case errors.As(err, &wait):
			slowDown(w, time.Duration(wait), newAgentsBody)
			return
		case err != nil:
			g.Log.ErrorContext(r.Context(), "gateway", "client", client, "err", err)
			unavailable(w)
			return
		case refused:
			refuse(w)
			return
		}
	}
	// 4. Has this network sent many tokens that nobody knows?
	if p.refresh && p.held == nil {
		if wait := g.unknown.Wait(p.source, g.Now()); wait > 0 {
			slowDown(w, wait, unknownTokensBody)
			return
		}
	}
	// 5. On to Hydra, with word for the hook in place of what the client wrote
	// there.
	if p.context.GrantID == "" {
		g.show(p, r)
	}
	sealed, sent := g.Sealer.Seal(p.context)
	if p.context.GrantID == "" && p.held == nil {
		p.from = devices.TokenHash{Signature: g.Sealer.Hash(sent.ID)}
	}
	form.Set(carry.Field, sealed)
	put(r, form)
	r.Header.Del("Accept-Encoding") // the answer is read here
	g.tokens.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), passageKey{}, p)))
}

// show puts into the context what the request looks like: read if that costs
// nothing, and unread otherwise. Hydra asks the hook only about real codes and
// tokens, so that a stranger's User-Agent is not parsed for nothing.
func (g *Gateway) show(p *passage, r *http.Request) {
	if !g.Observer.Known(r) {
		kept := g.Observer.Keep(r)
		p.context.Request = &kept
		return
	}
	seen := p.look()
	p.context.Sighting = &seen
}

// judge reports whether a refresh is refused. A token that did not pass by
// before is the hook's to judge: it knows the chain. A waitError says how long
// a request has to wait, about which nothing is decided yet.
func (g *Gateway) judge(r *http.Request, p *passage, token string) (bool, error) {
	ctx, cancel := context.WithTimeout(r.Context(), g.Deadline)
	defer cancel()
	hash := g.Sealer.Token(token)
	held, whole, err := g.Tokens.HoldingByToken(ctx, hash)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case p.context.ClientID == "":
		p.context.ClientID = held.Grant.ClientID // its credentials say who it is; Hydra reads them
	case held.Grant.ClientID != p.context.ClientID:
		// Another client's token. Hydra would refuse it too, and end the chain
		// if the token is spent: that is not for a stranger to do.
		return true, nil
	}
	p.from, p.held, p.binding = hash, &held, devices.BindingOf(held.Grant, p.binding)
	if !whole {
		// Half of a token is no token: nobody is judged by it. Hydra refuses it,
		// but ends the chain if the token is spent.
		return false, nil
	}
	if !held.Grant.RevokedAt.IsZero() {
		return true, nil // whatever the client looks like: nothing is parsed
	}
	if wait := g.newAgents.wait(g.Observer, r, held.Grant.ID, g.Now()); wait > 0 {
		return false, waitError(wait)
	}
	p.context.GrantID, p.context.Chain = held.Grant.ID, held.Grant.ExternalRef
	v, err := g.Gate.Watch(ctx, p.presented())
	return err == nil && v.Err() != nil, err
}

func (p *passage) presented() devices.Presented {
	return devices.Presented{Holding: *p.held, Binding: p.binding, Sighting: p.look()}
}
