package cmd

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/events"
	"github.com/lanyard-id/lanyard/hooks"
	"github.com/lanyard-id/lanyard/hooks/bridge"
	"github.com/lanyard-id/lanyard/hooks/carry"
	"github.com/lanyard-id/lanyard/hooks/gateway"
	"github.com/lanyard-id/lanyard/hooks/hydra"
	"github.com/lanyard-id/lanyard/hooks/kratos"
	"github.com/lanyard-id/lanyard/hooks/ory"
)

// beside is the entrance beside an existing Ory: everything in it is nil or
// empty where it is not configured.
type beside struct {
	hooks   http.Handler // under /hooks/
	bridge  *bridge.Bridge
	gateway http.Handler // on a listener of its own
	work    []func(context.Context)
}

// wireBeside puts the entrance beside an existing Ory together.
func (s *server) wireBeside(c Config, looks *observe.Observer, opaque bridge.Sealer) error {
	bridged := c.Identity.Kind == "kratos"
	if len(c.Hooks.Keys) == 0 && c.Gateway.Listen == "" && !bridged && c.WebUI.SignIn != "kratos" {
		return nil
	}
	sealer, err := carry.New(reveal(c.Secrets.System), s.now)
	if err != nil {
		return err
	}
	gate := &devices.Gatekeeper{Registry: s.registry, Grants: s.store, Grace: c.Tokens.Grace}
	servers := s.wireOutward(c)
	if len(c.Hooks.Keys) > 0 {
		s.beside.hooks = s.hooksDoor(c, gate, sealer, looks, servers)
	}
	if bridged {
		s.beside.bridge = &bridge.Bridge{
			Hydra: servers, Ties: s.store, Registry: s.registry, Observer: looks, Sealer: opaque, Secure: c.secure(),
			Kratos: strings.TrimRight(c.Identity.PublicURL, "/"), UI: c.Identity.UIURL, Now: s.now, Log: s.log,
		}
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

// wireOutward has ended elsewhere what is ended here, and asks Kratos what
// became of its sessions.
func (s *server) wireOutward(c Config) *ory.Client {
	sessions := c.Hooks.Kratos.AdminURL
	if sessions == "" {
		sessions = c.Identity.AdminURL
	}
	servers := ory.New(ory.Config{
		HydraAdmin: c.Hooks.Hydra.AdminURL, KratosAdmin: sessions, Grants: s.store,
		AccessTTL: c.Hooks.Hydra.AccessTTL, HTTP: &http.Client{Timeout: 10 * time.Second}, Now: s.now,
	})
	outward := &events.Outward{
		Outbox: s.store, Legs: s.store, Book: s.store, Ender: servers, Now: s.now, NewID: newID, Log: s.log,
	}
	sweep := &ory.Reconciler{Client: servers, Ties: s.store, Registry: s.registry, Log: s.log}
	s.beside.work = append(s.beside.work, outward.Run, sweep.Run)
	return servers
}

// hooksDoor is what Ory calls. Who lacks the key learns not even which of the
// hooks there are.
func (s *server) hooksDoor(
	c Config, gate *devices.Gatekeeper, sealer *carry.Sealer, looks *observe.Observer, servers *ory.Client,
) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/hydra/token", &hydra.Hook{
		Chains: s.store, Gate: gate, Sealer: sealer, Observer: looks, Deadline: c.Hooks.Deadline,
		RefuseUnknown: c.Hooks.UnknownGrant == "refuse", Bypass: c.bypass(), Now: s.now, Log: s.log,
	})
	sessions := &kratos.Hooks{
		Registry: s.registry, Ties: s.store, Observer: looks, Deadline: c.Hooks.Deadline, Now: s.now, Log: s.log,
	}
	if c.Hooks.Hydra.AdminURL != "" {
		sessions.Logins = servers
	}
	sessions.Mount(mux)
	if c.Hooks.Hydra.AdminURL != "" || c.bypass() != devices.BypassAllowed {
		var check http.Handler = gateway.NoCheck(s.log)
		if c.bypass() == devices.BypassAllowed {
			check = s.check(c, gate, looks, servers)
		}
		mux.Handle(hooks.CheckPath, check)
		mux.Handle(hooks.CheckPath+"/", check) // Envoy puts the path behind it
	}
	return hooks.Guard(mux, s.guard(c.Hooks.Keys))
}

// check is what a proxy of the operator's own asks about token requests.
func (s *server) check(c Config, gate *devices.Gatekeeper, looks *observe.Observer, servers *ory.Client) http.Handler {
	return gateway.NewCheck(gateway.Check{
		Whose: func(ctx context.Context, token string) (string, string, string, error) {
			t, err := servers.Introspect(ctx, token)
			if err != nil || !t.Active {
				return "", "", "", err
			}
			return t.Subject, t.ClientID, t.DeviceID, nil
		},
		Find: s.store.FindGrants, Grants: s.store, Gate: gate, Observer: looks, Deadline: c.Hooks.Deadline, Now: s.now, Log: s.log,
	})
}
