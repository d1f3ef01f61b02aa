package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// demoCmd tells the product's story against a real server.
type demoCmd struct {
	Exit bool `help:"End after the story instead of staying up."`
}

// The people and things of the story.
const (
	demoUser     = "ada@example.com"
	demoPassword = "a lanyard around every key"
	demoClient   = "notes"
	demoRedirect = "http://127.0.0.1/notes/callback"
)

// Run serves a throw-away SQLite on loopback and plays the story against it
// over HTTP. It returns an error if a step did not go as told.
func (d *demoCmd) Run(a *app) error {
	dir, err := os.MkdirTemp("", "lanyard-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is in the temporary directory
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()

	s := &stage{ahead: new(atomic.Int64), real: a.now}
	address, admin, done, err := s.raise(ctx, dir)
	if err != nil {
		return err
	}
	out := &narrator{out: a.stdout}
	err = s.play(ctx, out, "http://"+address)
	if err == nil && !d.Exit {
		out.say("\nThe server stays up until Ctrl-C.")
		out.say("  Issuer    http://%s", address)
		out.say("  Devices   http://%s/devices", address)
		out.say("  Name      %s", demoUser)
		out.say("  Password  %s", demoPassword)
		out.say("  Operators http://%s/pages (no token needed on this machine)", admin)
		<-ctx.Done()
	}
	cancel()
	return errors.Join(err, <-done)
}

// stage is a server whose clock the story can move.
type stage struct {
	ahead *atomic.Int64 // nanoseconds
	real  func() time.Time
}

func (s *stage) now() time.Time { return s.real().Add(time.Duration(s.ahead.Load())) }

func (s *stage) wait(d time.Duration) { s.ahead.Add(int64(d)) }

// raise starts the server, with one user and one client. It returns where it
// listens; the channel tells when it has ended, and how.
func (s *stage) raise(ctx context.Context, dir string) (public, admin string, ended <-chan error, err error) {
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", nil, err
	}
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", nil, errors.Join(err, front.Close())
	}
	server, err := s.furnish(ctx, dir, "http://"+front.Addr().String())
	if err != nil {
		return "", "", nil, errors.Join(err, front.Close(), back.Close())
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(server.run(ctx, front, back), server.close()) }()
	return front.Addr().String(), back.Addr().String(), done, nil
}

func (s *stage) furnish(ctx context.Context, dir, issuer string) (*server, error) {
	c, err := Source{Dir: dir, Dev: true, Environ: []string{
		"LANYARD_ISSUER=" + issuer, "LANYARD_DATABASE_URL=sqlite:" + filepath.Join(dir, "lanyard.db"),
	}}.Load()
	if err != nil {
		return nil, err
	}
	server, err := assemble(ctx, c, s.now, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	hash, err := local.HashPassword(demoPassword)
	if err == nil {
		now := s.now()
		err = server.store.CreateUser(ctx, oauth.User{
			Subject: newID(), Identifier: demoUser, PasswordHash: hash, CreatedAt: now, UpdatedAt: now,
			Claims: map[string]any{"name": "Ada", "email": demoUser, "email_verified": true},
		})
	}
	if err == nil {
		_, err = provider.CreateClient(ctx, server.store, provider.CompleteClient(oauth.Client{
			ID: demoClient, Name: "Notes", AuthMethod: "none", SkipConsent: true,
			GrantTypes:   []string{"authorization_code", "refresh_token"},
			RedirectURIs: []string{demoRedirect}, Scope: "openid offline_access devices",
			Binding: devices.BindingObserved,
		}, newID), s.now())
	}
	if err != nil {
		return nil, errors.Join(err, server.close())
	}
	return server, nil
}

// play tells the story, step by step. It stops where a step does not go as
// told.
func (s *stage) play(ctx context.Context, out *narrator, issuer string) error {
	laptop := newHand(ctx, out, issuer, "laptop", demoLaptop())
	phone := newHand(ctx, out, issuer, "phone", demoPhone())
	thief := newHand(ctx, out, issuer, "thief", demoThief())
	steps := []func() error{
		func() error {
			out.chapter("Ada signs in on her laptop and goes on working.")
			return errors.Join(laptop.signIn(), laptop.refresh(200), laptop.refresh(200))
		},
		func() error {
			out.chapter("A thief has copied her refresh token, and uses it on another machine.")
			thief.token = laptop.token
			return errors.Join(thief.refresh(400), laptop.refresh(400))
		},
		func() error {
			out.chapter("The grant has ended for both. Ada signs in again: the laptop is recognised.")
			return errors.Join(laptop.signIn(), laptop.sameDevice())
		},
		func() error {
			out.chapter("An answer gets lost. Ada's client asks again, at once and a minute later.")
			before := laptop.token
			err := laptop.refresh(200)
			lost := laptop.token
			laptop.token = before
			err = errors.Join(err, laptop.refresh(200), laptop.sameToken(lost))
			s.wait(time.Minute)
			laptop.token = before
			return errors.Join(err, laptop.refresh(200))
		},
		func() error {
			out.chapter("A copy of an older token turns up later, with the same looks: the whole grant ends.")
			spent := laptop.token
			err := errors.Join(laptop.refresh(200), laptop.refresh(200))
			current := laptop.token
			s.wait(time.Minute)
			laptop.token = spent
			err = errors.Join(err, laptop.refresh(400))
			laptop.token = current
			return errors.Join(err, laptop.refresh(400))
		},
		func() error {
			out.chapter("Ada signs in on laptop and phone.")
			return errors.Join(laptop.signIn(), phone.signIn())
		},
		func() error {
			out.chapter("The laptop is lost. Ada ends it from her phone.")
			return errors.Join(
				phone.call("DELETE", "/api/v1/devices/"+laptop.device, "", 204),
				laptop.refresh(400),
				laptop.call("GET", "/api/v1/devices", "", 401),
				phone.refresh(200))
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("the story did not go as told: %w", err)
		}
	}
	out.say("\nEvery step went as told.")
	return nil
}
