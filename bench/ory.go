package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lanyard-id/lanyard/e2e/ory"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

const hookKey = "a-key-for-measuring-of-32-characters"

// besideOry measures what the hook and the gateway cost Hydra: the same
// refreshes at a Hydra without them and at one with them, in turns, on one
// PostgreSQL; and the hook alone.
func besideOry(ctx context.Context, p plan) error {
	pg, err := pgtest.Launch(ctx, pgtest.Options{TCP: true, Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Close() }() // it is thrown away
	dir, err := os.MkdirTemp("", "lanyard-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is in the temporary directory
	f, err := furnish(ctx, pg, dir)
	if err != nil {
		return err
	}
	err = f.race(ctx, p)
	return errors.Join(err, f.stop())
}

// fixture is everything that runs.
type fixture struct {
	alone, empty, beside *ory.Stack
	nothing              *http.Server // a hook that allows whatever it is asked
	lanyard              *exec.Cmd
	public               string
	gateway              string
	watch                *sql.DB
}

func (f *fixture) stop() error {
	var err error
	for _, s := range []*ory.Stack{f.alone, f.empty, f.beside} {
		if s != nil {
			err = errors.Join(err, s.Stop())
		}
	}
	if f.lanyard != nil {
		err = errors.Join(err, f.lanyard.Process.Signal(syscall.SIGTERM), f.lanyard.Wait())
	}
	if f.nothing != nil {
		err = errors.Join(err, f.nothing.Close())
	}
	if f.watch != nil {
		err = errors.Join(err, f.watch.Close())
	}
	return err
}

func furnish(ctx context.Context, pg *pgtest.Server, dir string) (*fixture, error) {
	binaries, err := ory.Build(ctx, os.Stdout)
	if err != nil {
		return nil, err
	}
	f := &fixture{}
	at, err := addresses(9)
	if err != nil {
		return nil, err
	}
	f.public, f.gateway = at[0], at[2]
	database, err := pg.Migrated(ctx)
	if err != nil {
		return nil, err
	}
	if f.watch, err = sql.Open("pgx", database); err != nil {
		return nil, err
	}
	plan := func(name, public, admin string) (ory.Plan, error) {
		folder := filepath.Join(dir, name)
		database, err := pg.Create(ctx, "")
		return ory.Plan{
			Dir: folder, HydraPublic: public, HydraAdmin: admin, HydraDatabase: kept(database), Issuer: "http://" + public,
			Login: ory.NoLogin, Consent: ory.NoConsent, WithoutKratos: true,
		}, errors.Join(err, os.Mkdir(folder, 0o700))
	}
	without, err := plan("alone", at[3], at[4])
	if err != nil {
		return nil, err
	}
	with, err := plan("beside", at[5], at[6])
	if err != nil {
		return nil, err
	}
	with.Lanyard, with.HookKey, with.Issuer = "http://"+f.public, hookKey, "http://"+f.gateway
	between, err := plan("empty", at[7], at[8])
	if err != nil {
		return nil, err
	}
	if between.Lanyard, err = f.allow(); err != nil {
		return nil, err
	}
	between.HookKey = hookKey
	if err := f.serve(ctx, dir, database, at[1], "http://"+with.HydraPublic); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	if f.alone, err = ory.Start(ctx, binaries, without); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	if f.empty, err = ory.Start(ctx, binaries, between); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	if f.beside, err = ory.Start(ctx, binaries, with); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

// kept returns the URL of a database for a Hydra that keeps its connections. It
// keeps one a processor otherwise, and four workers on two processors make it
// open others over and over, which is more work for PostgreSQL than a refresh.
func kept(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return database
	}
	q := u.Query()
	return fmt.Sprintf("postgres://%s@%s%s?sslmode=disable&max_conns=20&max_idle_conns=20",
		q.Get("user"), net.JoinHostPort(q.Get("host"), q.Get("port")), u.Path)
}

// serve builds and starts lanyard, with the gateway before a Hydra if there is
// one.
func (f *fixture) serve(ctx context.Context, dir, database, admin, upstream string) error {
	binary := filepath.Join(dir, "lanyard")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/lanyard-id/lanyard")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	f.lanyard = exec.Command(binary, "serve")
	f.lanyard.Env = append(os.Environ(),
		"LANYARD_ISSUER=http://"+f.public, "LANYARD_PUBLIC_LISTEN="+f.public, "LANYARD_ADMIN_LISTEN="+admin,
		"LANYARD_DATABASE_URL="+database, "LANYARD_SECRETS_SYSTEM="+strings.Repeat("bench ", 8),
		"LANYARD_HOOKS_KEYS="+hookKey, "LANYARD_HOOKS_DEADLINE=2s")
	if upstream != "" {
		f.lanyard.Env = append(f.lanyard.Env,
			"LANYARD_GATEWAY_LISTEN="+f.gateway, "LANYARD_GATEWAY_UPSTREAM="+upstream)
	}
	f.lanyard.Dir, f.lanyard.Stderr = dir, os.Stderr
	f.lanyard.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := f.lanyard.Start(); err != nil {
		return err
	}
	return (&server{address: f.public}).ready(ctx)
}

func addresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // all at once, so that none comes twice
		all = append(all, l.Addr().String())
	}
	return all, nil
}

func (f *fixture) race(ctx context.Context, p plan) error {
	fmt.Printf("signing in %d times …\n", 3*p.grants)
	alone, err := chains(f.alone, "http://"+f.alone.HydraPublic, p.grants)
	if err != nil {
		return err
	}
	empty, err := chains(f.empty, "http://"+f.empty.HydraPublic, p.grants)
	if err != nil {
		return err
	}
	beside, err := chains(f.beside, "http://"+f.gateway, p.grants)
	if err != nil {
		return err
	}
	contestants := []contestant{
		refreshed("Hydra alone", alone), refreshed("with a hook of nothing", empty),
		refreshed("with hook and gateway", beside),
	}
	for _, workers := range []int{1, 4} {
		if err := compare(ctx, p, f.watch, contestants, workers); err != nil {
			return err
		}
	}
	return f.raceHook(ctx, p)
}

func chains(s *ory.Stack, at string, n int) ([]*ory.Chain, error) {
	id, _, err := s.NewClient(true)
	if err != nil {
		return nil, err
	}
	list := make([]*ory.Chain, n)
	for i := range list {
		p := s.NewPerson(at, http.Header{"User-Agent": {benchLooks}, "Accept-Language": {"en"}})
		p.Subject = fmt.Sprintf("subject-%d", i)
		c, a, err := p.Authorize(id, "", "")
		if err != nil || a.Status != http.StatusOK {
			return nil, fmt.Errorf("sign in: %d %s: %w", a.Status, a.Body, err)
		}
		list[i] = c
	}
	return list, nil
}

// refreshed is a refresh of chains, which workers take in turns.
func refreshed(name string, list []*ory.Chain) contestant {
	return contestant{name, func(n int) (func(context.Context) error, error) {
		i := 0
		return func(context.Context) error {
			i++
			a, err := list[(n+16*i)%len(list)].Refresh()
			if err == nil && a.Status != http.StatusOK {
				err = fmt.Errorf("refresh: %d %s", a.Status, a.Body)
			}
			return err
		}, nil
	}}
}
