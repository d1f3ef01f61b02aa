package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lanyard-id/lanyard/e2e/ory"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

const hookKey = "a key for measuring"

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
	alone, beside *ory.Stack
	lanyard       *exec.Cmd
	public        string
	gateway       string
	watch         *sql.DB
}

func (f *fixture) stop() error {
	var err error
	for _, s := range []*ory.Stack{f.alone, f.beside} {
		if s != nil {
			err = errors.Join(err, s.Stop())
		}
	}
	if f.lanyard != nil {
		err = errors.Join(err, f.lanyard.Process.Signal(syscall.SIGTERM), f.lanyard.Wait())
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
	at, err := addresses(7)
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
		url, err := pg.Create(ctx, "")
		return ory.Plan{
			Dir: folder, HydraPublic: public, HydraAdmin: admin, HydraDatabase: url, Issuer: "http://" + public,
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
	if err := f.serve(ctx, dir, database, at[1], with); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	if f.alone, err = ory.Start(ctx, binaries, without); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	if f.beside, err = ory.Start(ctx, binaries, with); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

// serve builds and starts lanyard.
func (f *fixture) serve(ctx context.Context, dir, database, admin string, with ory.Plan) error {
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
		"LANYARD_HOOKS_KEYS="+hookKey, "LANYARD_HOOKS_DEADLINE=2s",
		"LANYARD_GATEWAY_LISTEN="+f.gateway, "LANYARD_GATEWAY_UPSTREAM=http://"+with.HydraPublic)
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
	fmt.Printf("signing in %d times …\n", 2*p.grants)
	alone, err := chains(f.alone, "http://"+f.alone.HydraPublic, p.grants)
	if err != nil {
		return err
	}
	beside, err := chains(f.beside, "http://"+f.gateway, p.grants)
	if err != nil {
		return err
	}
	for _, workers := range []int{1, 4} {
		results, err := measure(ctx, p, f.watch, []contestant{
			refreshed("Hydra alone", alone), refreshed("with hook and gateway", beside),
		}, workers)
		if err != nil {
			return err
		}
		report(workers, results)
	}
	ask, err := f.hook(ctx)
	if err != nil {
		return err
	}
	results, err := measure(ctx, p, f.watch, []contestant{ask}, 16)
	if err != nil {
		return err
	}
	report(16, results)
	return nil
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

// hook is the token hook asked about refreshes, without Hydra around it.
func (f *fixture) hook(ctx context.Context) (contestant, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	post := func(ctx context.Context, kind string, n int) error {
		body := fmt.Sprintf(`{"session":{"id_token":{"subject":"hook-%d"},"extra":{},"consent_challenge":"hook-%d"},`+
			`"request":{"client_id":"hook","requested_scopes":["offline_access"],"grant_types":["%s"],"payload":{}}}`, n, n, kind)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.public+"/hooks/hydra/token", bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		r.Header = http.Header{"X-Hook-Key": {hookKey}, "Content-Type": {"application/json"}}
		a, err := client.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, a.Body)
		_ = a.Body.Close() // it was read
		if err == nil && a.StatusCode != http.StatusNoContent {
			err = fmt.Errorf("hook: %d", a.StatusCode)
		}
		return err
	}
	for n := range 64 {
		if err := post(ctx, "authorization_code", n); err != nil {
			return contestant{}, err
		}
	}
	return contestant{"the hook alone, refresh", func(n int) (func(context.Context) error, error) {
		i := 0
		return func(ctx context.Context) error {
			i++
			return post(ctx, "refresh_token", (n+16*i)%64)
		}, nil
	}}, nil
}
