package cmd

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks"
	"github.com/lanyard-id/lanyard/hooks/carry"
	"github.com/lanyard-id/lanyard/hooks/gateway"
	"github.com/lanyard-id/lanyard/hooks/hydra"
)

// beside is the entrance beside an existing Ory: everything in it is nil or
// empty where it is not configured.
type beside struct {
	hooks   http.Handler // under /hooks/
	gateway http.Handler // on a listener of its own
}

// wireBeside puts the entrance beside an existing Ory together.
func (s *server) wireBeside(c Config, looks *observe.Observer) error {
	if len(c.Hooks.Keys) == 0 && c.Gateway.Listen == "" {
		return nil
	}
	sealer, err := carry.New(reveal(c.Secrets.System), s.now)
	if err != nil {
		return err
	}
	gate := &devices.Gatekeeper{Registry: s.registry, Grants: s.store, Grace: c.Tokens.Grace}
	if len(c.Hooks.Keys) > 0 {
		s.beside.hooks = s.hooksDoor(c, gate, sealer)
	}
	if c.Gateway.Listen == "" {
		return nil
	}
	upstream, err := url.Parse(c.Gateway.Upstream)
	if err != nil {
		return fmt.Errorf("gateway.upstream: %w", err)
	}
	s.beside.gateway = gateway.New(gateway.Config{
		Upstream: upstream, Tokens: s.store, Gate: gate, Observer: looks, Sealer: sealer,
		Deadline: c.Hooks.Deadline, Now: s.now, Log: s.log,
	})
	return nil
}

// hooksDoor is what Ory calls. Who lacks the key learns not even which of the
// hooks there are.
func (s *server) hooksDoor(c Config, gate *devices.Gatekeeper, sealer *carry.Sealer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/hydra/token", &hydra.Hook{
		Chains: s.store, Gate: gate, Sealer: sealer, Deadline: c.Hooks.Deadline,
		RefuseUnknown: c.Hooks.UnknownGrant == "refuse", Now: s.now, Log: s.log,
	})
	return hooks.NewKeys(reveal(c.Hooks.Keys)...).Guard(mux)
}
