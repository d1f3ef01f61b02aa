package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/geo"
	"github.com/lanyard-id/lanyard/hooks/kratos"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/seal"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/operator"
)

// server is everything wired up, not listening yet.
type server struct {
	public, admin http.Handler
	store         *store.Store
	keys          *keyring.Keyring
	provider      *provider.Provider
	hashing       *hashing.Pool
	observer      *observe.Observer
	registry      *devices.Registry
	sealer        *seal.Sealer
	owner         *webui.UI
	retention     store.Retention
	beside        beside
	places        *geo.Places
	metrics       *metrics
	now           func() time.Time
	log           *slog.Logger
}

// newID returns a UUID of version 7: unique, never reused, in order of time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// assemble wires the rooms together. In development it migrates by itself;
// otherwise it refuses a schema that is not this binary's.
func assemble(ctx context.Context, c Config, now func() time.Time, log *slog.Logger) (*server, error) {
	url := c.Database.URL.Reveal()
	if c.Dev {
		if _, err := store.MigrateUp(ctx, url); err != nil {
			return nil, fmt.Errorf("database.url: %w", err)
		}
	}
	db, err := store.Open(ctx, url, store.WithNow(now))
	if err != nil {
		return nil, fmt.Errorf("database.url: %w", err)
	}
	s := &server{store: db, now: now, log: log, metrics: newMetrics(), hashing: hashing.New(0), retention: store.Retention{
		Judgments: c.Retention.Sightings, Events: c.Retention.Events, Addresses: c.Retention.Addresses,
	}}
	if err := s.wire(ctx, c); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *server) wire(ctx context.Context, c Config) error {
	if err := s.store.Check(ctx); err != nil {
		return err
	}
	var err error
	system := reveal(c.Secrets.System)
	if s.keys, err = keyring.Open(ctx, c.keyring(s.store, s.now, s.log)); err != nil {
		return err
	}
	if s.sealer, err = seal.New(system); err != nil {
		return err
	}
	pages, err := webui.NewBrandedPages(webui.Brand(c.WebUI.Brand), operator.Files())
	if err != nil {
		return err
	}
	pages.Log = s.log
	if s.places, err = c.places(s.log); err != nil {
		return err
	}
	policy, err := c.policy()
	if err != nil {
		return err
	}
	s.registry = &devices.Registry{
		Store: s.store, Consents: s.store, Policy: policy, Rules: c.Devices.Rules(), Now: s.now, NewID: newID,
	}
	looks := observe.New(observe.Config{
		TrustedProxies: c.TrustedProxies, ProxyHeader: c.ProxyHeader, SecureCookies: c.secure(), Now: s.now, Places: placesOf(s.places),
	})
	s.observer = looks
	users := local.New(s.store, s.now)
	users.Hashing = s.hashing
	s.provider, err = provider.New(provider.Config{
		Issuer: c.Issuer, Lifetimes: c.Tokens.lifetimes(),
		Storage: provider.Storage{
			Clients: s.store, Codes: s.store, SignIns: s.store, Consents: s.store, Assertions: s.store,
		},
		Gate: &devices.Gatekeeper{
			Registry: s.registry, Grants: s.store, Grace: c.Tokens.Grace,
			Recent: devices.NewRecent(c.Database.RememberedGrants),
		},
		Observer: looks, Identity: provider.LocalIdentity(users), Keys: s.keys, Sealer: s.sealer,
		Hashing: s.hashing, Pages: pages, Now: s.now, NewID: newID, Log: s.log,
	})
	if err != nil {
		return err
	}
	if err := s.wireBeside(c, looks, s.sealer); err != nil {
		return err
	}
	if err := s.wireOwner(ctx, c, pages, looks); err != nil {
		return err
	}
	s.public = s.publicDoor(pages, mirror{reveal(c.Secrets.System), looks.ClientAddr, s.now})
	s.admin = s.adminDoor(c, pages)
	return nil
}

// publicDoor is what everybody may reach.
func (s *server) publicDoor(pages *webui.Pages, doctors mirror) http.Handler {
	mux := http.NewServeMux()
	s.provider.Mount(mux)
	pages.Mount(mux)
	s.owner.Mount(mux)
	mux.Handle("/api/", api.New(api.Config{
		Registry: s.registry, Auth: callers{bearer{s.provider}, s.owner}, Outward: s.store,
		Source: s.source, Now: s.now, Log: s.log,
	}))
	mux.Handle("/health/", api.Health(s.ready))
	mux.Handle("GET "+mirrorPath, doctors)
	if s.beside.bridge != nil {
		s.beside.bridge.Mount(mux)
	}
	if s.beside.hooks != nil {
		mux.HandleFunc("GET /hooks/kratos/device.jsonnet", kratos.ServeJsonnet)
		mux.Handle("/hooks/", s.beside.hooks)
	}
	return s.hardened(newBrake().handler(timely(mux)))
}

func (s *server) adminDoor(c Config, pages *webui.Pages) http.Handler {
	operators := s.guard(c.Admin.Tokens)
	admin := api.NewAdmin(api.AdminConfig{
		Registry: s.registry, Finder: s.store, Subjects: s.store, Tokens: operators, ProxyHeader: c.ProxyHeader, Metrics: s.metrics.handler(), Ready: s.ready, Log: s.log,
	})
	s.provider.RegisterAdmin(admin.Huma())
	mux := http.NewServeMux()
	pages.Mount(mux)
	operator.New(operator.Config{
		Registry: s.registry, Finder: s.store, Subjects: s.store, SubjectOf: s.subjectOf, Identifiers: s.store.Identifiers, Tokens: operators, ProxyHeader: c.ProxyHeader, Pages: pages, Now: s.now, Log: s.log,
	}).Mount(mux)
	mux.Handle("/", admin.Handler())
	return s.hardened(timelyAdmin(mux))
}

// source returns the network that a request comes from, as limits count it.
func (s *server) source(r *http.Request) string {
	return devices.Network{Addr: s.observer.ClientAddr(r)}.Prefix().String()
}

// ready returns why the server cannot serve now.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return errors.Join(s.store.Ping(ctx), s.store.Check(ctx))
}

func (s *server) close() error { return s.store.Close() }

// bearer lets the device API's callers in with access tokens.
type bearer struct{ provider *provider.Provider }

// Actor returns who calls, in the words of the api room.
func (b bearer) Actor(r *http.Request) (devices.Actor, error) {
	if len(r.Header.Values("Authorization")) > 1 {
		return devices.Actor{}, api.ErrInvalidToken // which of them is meant, nobody knows
	}
	access, err := b.provider.Present(r, r.URL.Path)
	switch {
	case errors.Is(err, provider.ErrNoToken):
		return devices.Actor{}, api.ErrNoToken
	case errors.Is(err, devices.ErrRevoked):
		return devices.Actor{}, devices.ErrRevoked
	case errors.Is(err, provider.ErrToken):
		return devices.Actor{}, api.ErrInvalidToken
	case err != nil:
		return devices.Actor{}, err
	case len(access.Audience) > 0 && !slices.Contains(access.Audience, b.provider.Issuer):
		return devices.Actor{}, api.ErrInvalidToken // it is for another server, which may not act here
	case !slices.Contains(access.Scopes, api.Scope):
		return devices.Actor{}, api.ErrInsufficientScope
	}
	return access.Actor(), nil
}

func reveal(secrets []Secret) [][]byte {
	out := make([][]byte, len(secrets))
	for i, s := range secrets {
		out[i] = []byte(s.Reveal())
	}
	return out
}

// lifetimes returns the token lifetimes as the provider takes them.
func (t Tokens) lifetimes() provider.Lifetimes {
	l := provider.DefaultLifetimes()
	l.Access, l.ID, l.Code = t.AccessTTL, t.IDTTL, t.CodeTTL
	l.RefreshIdle, l.RefreshAbsolute = t.RefreshIdle, t.RefreshAbsolute
	return l
}
