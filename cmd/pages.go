package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/whoami"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/hashing"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/records"
)

// pagesClient is the client of the owner's pages at this server.
const pagesClient = "lanyard-pages"

// wireOwner makes the owner's pages.
func (s *server) wireOwner(ctx context.Context, c Config, pages *webui.Pages, looks *observe.Observer) error {
	owners := webui.Config{
		Issuer: c.Issuer, Registry: s.registry, Observer: looks, Sessions: s.store, Holdings: s.store,
		AccessTTL: c.Tokens.AccessTTL, Pages: pages, Now: s.now, Log: s.log,
		Sealer: s.sealer,
	}
	if len(s.beside.work) > 0 {
		owners.Outward = s.store
	}
	if err := s.signingIn(ctx, c, &owners); err != nil {
		return err
	}
	var err error
	s.owner, err = webui.New(owners)
	return err
}

// signingIn decides how owners sign in to the pages: at this server like any
// client, at another one, or with a session of Kratos. Neither of the others
// has to be up yet.
func (s *server) signingIn(ctx context.Context, c Config, owners *webui.Config) error {
	switch w := c.WebUI; w.SignIn {
	case "oidc":
		owners.Client = webui.Client{Issuer: w.Issuer, ID: w.ClientID, Secret: w.ClientSecret.Reveal()}
		if c.Hooks.Hydra.AdminURL != "" {
			owners.Ties = s.store
		}
		s.log.InfoContext(ctx, "owners sign in elsewhere", "issuer", w.Issuer, "redirect_uri", webui.CallbackURL(c.Issuer))
		return nil
	case "kratos":
		asked, browsers := c.Hooks.Kratos.PublicURL, c.Identity.PublicURL
		asked, browsers = cmp.Or(asked, browsers), cmp.Or(browsers, asked)
		owners.Kratos, owners.KratosURL = kratosSessions{whoami.Client{
			URL: asked, HTTP: &http.Client{Timeout: 5 * time.Second},
		}}, browsers
		owners.Ties = s.store
		s.log.InfoContext(ctx, "owners sign in at Kratos", "url", browsers, "allowed_return_url", webui.CallbackURL(c.Issuer))
		return nil
	default:
		owners.Client = webui.Client{Issuer: c.Issuer, ID: pagesClient}
		owners.Passwords, owners.MinPassword = passwords{s}, local.MinPassword
		return s.registerPages(ctx, c)
	}
}

// kratosSessions tells the pages of sessions at Kratos, in their words.
type kratosSessions struct{ whoami.Client }

// Whoami returns the session of the browser that a request comes from.
func (k kratosSessions) Whoami(r *http.Request) (records.KratosSession, error) {
	s, err := k.Client.Whoami(r)
	return records.KratosSession(s), err
}

// Logout ends it.
func (k kratosSessions) Logout(r *http.Request) error { return k.Client.Logout(r) }

// callers lets the device API's callers in with access tokens or, where they
// send none, with a session of the pages.
type callers struct {
	bearer
	pages *webui.UI
}

// Actor returns who calls, in the words of the api room.
func (c callers) Actor(r *http.Request) (devices.Actor, error) {
	caller, err := c.bearer.Actor(r)
	if !errors.Is(err, api.ErrNoToken) || len(r.Header.Values("Authorization")) > 0 || !c.pages.Carries(r) {
		return caller, err
	}
	caller, err = c.pages.Actor(r)
	if errors.Is(err, webui.ErrNoSession) || errors.Is(err, devices.ErrRefused) {
		return devices.Actor{}, api.ErrInvalidSession
	}
	return caller, err
}

// registerPages makes the client of the pages as it must be, on a new database
// and if the issuer or the name of the service has changed. It is a public client with PKCE: a secret
// made at start would lock out the replicas that started before, and one that
// is kept would protect a code that only this server's own cookie can redeem.
// Its tokens are read once and thrown away, so it may not refresh.
func (s *server) registerPages(ctx context.Context, c Config) error {
	want := provider.CompleteClient(oauth.Client{
		ID: pagesClient, Name: cmp.Or(c.WebUI.Brand.Name, "Lanyard"), AuthMethod: "none", SkipConsent: true, Owner: "lanyard",
		GrantTypes: []string{"authorization_code"}, Scope: "openid profile",
		RedirectURIs: []string{webui.CallbackURL(c.Issuer)}, Binding: devices.BindingDeviceStatus,
	}, newID)
	known, err := s.store.Client(ctx, pagesClient)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		_, err = provider.CreateClient(ctx, s.store, want, s.now())
		if errors.Is(err, devices.ErrExists) {
			err = nil // another replica was faster
		}
	case err == nil && (known.Name != want.Name || !slices.Equal(known.RedirectURIs, want.RedirectURIs)):
		want.Version, want.UpdatedAt = known.Version, s.now()
		_, err = s.store.UpdateClient(ctx, want)
	}
	if err != nil {
		return fmt.Errorf("register the pages: %w", err)
	}
	return nil
}

// subjectOf returns the subject who signs in with an identifier here.
func (s *server) subjectOf(ctx context.Context, identifier string) (string, error) {
	user, err := s.store.UserByIdentifier(ctx, identifier)
	return user.Subject, err
}

// passwords changes the passwords that are kept here.
type passwords struct{ server *server }

// Identifier returns what a subject signs in with.
func (p passwords) Identifier(ctx context.Context, subject string) (string, error) {
	user, err := p.server.store.User(ctx, subject)
	return user.Identifier, err
}

// ChangePassword replaces a subject's password and ends what they have on
// other devices, if their session has not ended while the password was hashed.
func (p passwords) ChangePassword(ctx context.Context, by devices.Actor, password string) error {
	if err := local.CheckPassword(password); err != nil {
		return errors.Join(devices.ErrInvalid, err)
	}
	var hash string
	var err error
	if busy := p.server.hashing.Do(ctx, hashing.Known, func() { hash, err = local.HashPassword(password) }); busy != nil {
		return fmt.Errorf("hash a password: %w", busy)
	}
	if err != nil {
		return errors.Join(devices.ErrInvalid, err)
	}
	return p.server.store.SetPassword(ctx, by.Subject, hash, by.DeviceID, by.By, p.server.now())
}
