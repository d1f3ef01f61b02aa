package ory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Plan says where everything is to be.
type Plan struct {
	Dir string // for configuration and logs
	// Addresses to listen on.
	HydraPublic, HydraAdmin, KratosPublic, KratosAdmin string
	// URLs of empty PostgreSQL databases, over TCP.
	HydraDatabase, KratosDatabase string
	// Lanyard is the URL of lanyard's public listener, HookKey what it accepts.
	// Without a key the hooks are left out.
	Lanyard, HookKey string
	// Issuer is Hydra's public URL as clients reach it: the gateway's.
	Issuer string
	// Login and Consent are where Hydra sends the browser; Login empty is
	// Kratos itself.
	Login, Consent string
	Grace          time.Duration // Hydra's rotation grace
	// JWT makes Hydra's access tokens JWTs.
	JWT           bool
	WithoutKratos bool
	// Mail is where Kratos sends mail, over SMTP; without it nothing that needs
	// mail is offered. RecoverBy is "code" or "link"; empty is a code.
	Mail, RecoverBy string
	// RevokeOthers ends every other device with each new password; without it
	// the one who changes it decides.
	RevokeOthers bool
}

// Stack is a running Hydra and Kratos.
type Stack struct {
	Plan
	Hydra, Kratos *Server
}

// Server is a running process.
type Server struct {
	args  []string
	log   string
	ready string
	cmd   *exec.Cmd
	done  chan error
}

// Start writes the configurations, migrates, starts both and waits until they
// are ready.
func Start(ctx context.Context, b Binaries, p Plan) (*Stack, error) {
	s := &Stack{Plan: p}
	hydra, err := write(p.Dir, "hydra.yml", p.HydraConfig())
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, p.Dir, b.Hydra, "migrate", "sql", "up", "-e", "--yes", "-c", hydra); err != nil {
		return nil, err
	}
	s.Hydra = &Server{
		args: []string{b.Hydra, "serve", "all", "--dev", "-c", hydra}, log: filepath.Join(p.Dir, "hydra.log"),
		// This makes Hydra generate its keys, which may take longer than the ten
		// seconds that it has for a sign-in.
		ready: "http://" + p.HydraPublic + "/.well-known/openid-configuration",
	}
	if err := s.Hydra.Start(ctx); err != nil {
		return s, err
	}
	if err := answers(ctx, "http://"+p.HydraPublic+"/.well-known/jwks.json"); err != nil || p.WithoutKratos {
		return s, err
	}
	if _, err := write(p.Dir, "identity.schema.json", identitySchema); err != nil {
		return nil, err
	}
	kratos, err := write(p.Dir, "kratos.yml", p.KratosConfig())
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, p.Dir, b.Kratos, "migrate", "sql", "-e", "--yes", "-c", kratos); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.Kratos = &Server{
		args: []string{b.Kratos, "serve", "--dev", "--watch-courier", "-c", kratos}, log: filepath.Join(p.Dir, "kratos.log"),
		ready: "http://" + p.KratosAdmin + "/admin/health/ready",
	}
	if err := s.Kratos.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// answers waits until an address answers 200. Hydra makes its keys when it is
// first asked for them, which on a busy machine takes longer than it gives its
// own answers.
func answers(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		a, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = a.Body.Close() // only the status counts
			if a.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer 200: %w", address, errors.Join(err, ctx.Err()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Rekratos writes Kratos' configuration anew and restarts it.
func (s *Stack) Rekratos(ctx context.Context, change func(*Plan)) error {
	change(&s.Plan)
	if err := s.Kratos.Stop(); err != nil {
		return err
	}
	if _, err := write(s.Dir, "kratos.yml", s.KratosConfig()); err != nil {
		return err
	}
	return s.Kratos.Start(ctx)
}

// Stop ends both.
func (s *Stack) Stop() error {
	err := s.Hydra.Stop()
	if s.Kratos != nil {
		err = errors.Join(err, s.Kratos.Stop())
	}
	return err
}

// write writes a configuration. JSON is YAML too.
func write(dir, name string, config map[string]any) (string, error) {
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, text, 0o600)
}

// DSN returns the URL of a database in the form that Ory's pop reads.
func DSN(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Query().Get("host") == "" {
		return address
	}
	q := u.Query()
	return fmt.Sprintf("postgres://%s@%s:%s%s?sslmode=disable&max_conns=20",
		q.Get("user"), q.Get("host"), q.Get("port"), u.Path)
}

func migrate(ctx context.Context, dir string, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = dir, quiet()
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, out)
	}
	return nil
}

func quiet() []string { return append(os.Environ(), "SQA_OPT_OUT=true", "LOG_LEVEL=info") }

// NewServer returns a server that is not started yet: it logs into the folder
// and is ready when that address answers 200.
func NewServer(dir, ready string, args ...string) *Server {
	return &Server{args: args, log: filepath.Join(dir, filepath.Base(args[0])+".log"), ready: ready}
}

// Start starts the process and waits until it is ready.
func (s *Server) Start(ctx context.Context) error {
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = filepath.Dir(s.log), quiet(), log, log
	s.cmd.SysProcAttr = withParent()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.done = make(chan error, 1)
	go func() { s.done <- s.cmd.Wait() }()
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-s.done:
			s.cmd = nil
			return fmt.Errorf("%s ended instead of starting: %w\n%s", s.args[0], err, output(s.log))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), s.Stop())
		default:
		}
		if answer, err := http.Get(s.ready); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return errors.Join(fmt.Errorf("%s did not get ready\n%s", s.args[0], output(s.log)), s.Stop())
}

// Stop ends the process and waits for it. One that does not run is stopped.
func (s *Server) Stop() error {
	if s.cmd == nil {
		return nil
	}
	defer func() { s.cmd = nil }()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		return ended(err)
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill() // it has had its time
		return ended(<-s.done)
	}
}

// ended forgives a process its exit status: it was told to end.
func ended(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// Log returns the last lines that the process printed.
func (s *Server) Log() string { return output(s.log) }
