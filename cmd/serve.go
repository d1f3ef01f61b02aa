package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"golang.org/x/sync/errgroup"
)

// serveCmd runs the server.
type serveCmd struct{}

// Run serves until the process is told to end.
func (*serveCmd) Run(a *app) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if complaints := c.Complete(); len(complaints) > 0 {
		return &ConfigError{Complaints: complaints}
	}
	public, err := listen(c.Public.Listen, "public.listen")
	if err != nil {
		return err
	}
	admin, err := listen(c.Admin.Listen, "admin.listen")
	if err != nil {
		return errors.Join(err, public.Close())
	}
	listeners := []net.Listener{public, admin}
	if c.Gateway.Listen != "" {
		gateway, err := listen(c.Gateway.Listen, "gateway.listen")
		if err != nil {
			return errors.Join(err, public.Close(), admin.Close())
		}
		listeners = append(listeners, gateway)
	}
	log := newLog(c.Log, a.stderr)
	limitMemory(a.getenv, memlimit.FromCgroup, log)
	s, err := assemble(a.ctx, c, a.now, log)
	if err != nil {
		for _, l := range listeners {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	s.warnOfSkew(a.ctx, log)
	told := []any{"issuer", c.Issuer, "public", public.Addr().String(), "admin", admin.Addr().String()}
	if len(listeners) > 2 {
		told = append(told, "gateway", listeners[2].Addr().String())
	}
	log.Info("ready", told...)
	log.Info("pages", c.pagesAt(admin.Addr().String())...)
	context.AfterFunc(a.ctx, func() { log.Info("ending", "within", drain.String()) })
	err = errors.Join(s.run(a.ctx, listeners...), s.close())
	log.Info("ended")
	return err
}

// pagesAt says where the pages are and how to sign in there, as log attributes.
func (c Config) pagesAt(admin string) []any {
	owners := map[string]string{
		"provider": "as a user (lanyard users create)", "oidc": "at " + c.WebUI.Issuer, "kratos": "at Kratos",
	}[c.WebUI.SignIn]
	operators := "one of admin.tokens"
	if len(c.Admin.Tokens) == 0 {
		operators = "none needed on this machine"
	}
	return []any{
		"owners", strings.TrimRight(c.Issuer, "/") + "/devices", "owners_sign_in", owners,
		"operators", "http://" + dialable(admin) + "/pages", "operators_token", operators,
	}
}

func listen(address, key string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; is another server running?", key, err)
	}
	return l, nil
}

// newLog returns the log that the configuration asks for.
func newLog(c Log, w interface{ Write([]byte) (int, error) }) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // Load has checked it; info otherwise
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: oneLine}
	if c.Format == "json" {
		return slog.New(hungUp{slog.NewJSONHandler(plainJSON{w}, options)})
	}
	return slog.New(hungUp{slog.NewTextHandler(w, options)})
}

// oneLine logs an error as it reads, without the stack that some carry.
func oneLine(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.StringValue(err.Error())
	}
	return a
}

// drain is how long requests in flight may take when the server ends.
const drain = 10 * time.Second

// run serves on the listeners (public, admin and, where there is one, the
// gateway's), and does what goes on behind them, until ctx ends or one of them
// fails. It closes the listeners.
func (s *server) run(ctx context.Context, listeners ...net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	handlers := []http.Handler{s.public, s.admin, s.beside.gateway}
	for i, at := range listeners {
		h := newHTTPServer(handlers[i], s.log)
		group.Go(func() error {
			if err := h.Serve(at); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
			defer cancel()
			if err := h.Shutdown(ending); err != nil {
				return errors.Join(err, h.Close())
			}
			return nil
		})
	}
	group.Go(func() error { s.keys.Run(ctx, keysEvery); return nil })
	group.Go(func() error { s.sweep(ctx); return nil })
	if s.places != nil {
		group.Go(func() error { s.places.Run(ctx, placesEvery); return nil })
	}
	for _, work := range s.beside.work {
		group.Go(func() error { work(ctx); return nil })
	}
	return group.Wait()
}

const (
	keysEvery  = 30 * time.Second
	sweepEvery = 10 * time.Minute
)

// sweep forgets what is past its time, every now and then.
func (s *server) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.store.Sweep(ctx, s.now(), s.retention); err != nil && ctx.Err() == nil {
				s.log.Warn("sweep failed; trying again later", "err", err)
			}
		}
	}
}

// newHTTPServer bounds what a stranger may hold open or send.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
