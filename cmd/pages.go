package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/webui"
)

// pagesClient is the client of the owner's pages at this server.
const pagesClient = "lanyard-pages"

// wireOwner makes the owner's pages, which sign in at this server like any
// client.
func (s *server) wireOwner(ctx context.Context, c Config, pages *webui.Pages, looks *observe.Observer) error {
	if err := s.registerPages(ctx, c); err != nil {
		return err
	}
	var err error
	s.owner, err = webui.New(webui.Config{
		Issuer: c.Issuer, Registry: s.registry, Observer: looks, Sessions: s.store, Holdings: s.store,
		Passwords: passwords{s}, Client: webui.Client{Issuer: c.Issuer, ID: pagesClient},
		AccessTTL: c.Tokens.AccessTTL, Pages: pages, Now: s.now, Log: s.log,
	})
	return err
}

// registerPages makes the client of the pages as it must be, on a new database
// and where the issuer has moved. It is a public client with PKCE: a secret
// made at start would lock out the replicas that started before, and one that
// is kept would protect a code that only this server's own cookie can redeem.
// Its tokens are read once and thrown away, so it may not refresh.
func (s *server) registerPages(ctx context.Context, c Config) error {
	want := provider.CompleteClient(oauth.Client{
		ID: pagesClient, Name: "Lanyard", AuthMethod: "none", SkipConsent: true, Owner: "lanyard",
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
	case err == nil && !slices.Equal(known.RedirectURIs, want.RedirectURIs):
		want.Version, want.UpdatedAt = known.Version, s.now()
		_, err = s.store.UpdateClient(ctx, want)
	}
	if err != nil {
		return fmt.Errorf("register the pages: %w", err)
	}
	return nil
}

// passwords changes the passwords that are kept here.
type passwords struct{ server *server }

// ChangePassword replaces a subject's password and ends what they have
// elsewhere than on the device.
func (p passwords) ChangePassword(ctx context.Context, subject, device, password string) error {
	hash, err := local.HashPassword(password)
	if err != nil {
		return errors.Join(devices.ErrInvalid, err)
	}
	return p.server.store.SetPassword(ctx, subject, hash, device, p.server.now())
}
