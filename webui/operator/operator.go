package operator

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/records"
)

//go:embed templates assets locales
var files embed.FS

// Files returns the templates, assets and texts of these pages, for
// [webui.NewPages].
func Files() fs.FS { return files }

// Finder reads what operators look for, over all subjects.
type Finder interface {
	// DeviceByID returns a device of any subject, or devices.ErrNotFound.
	DeviceByID(ctx context.Context, id string) (devices.Device, error)
	// FindDevices returns devices, newest first.
	FindDevices(ctx context.Context, q devices.DeviceQuery) ([]devices.Device, error)
	// DeviceGrants returns the grants on a device, newest first.
	DeviceGrants(ctx context.Context, subject, deviceID string, p devices.Page) ([]records.Grant, error)
	// FindEvents returns told facts, newest first.
	FindEvents(ctx context.Context, q records.EventQuery) ([]devices.Event, error)
	// Tallies returns the judgments since a time, counted by day and decision.
	Tallies(ctx context.Context, since time.Time) ([]records.Tally, error)
	// Answers returns which of the judgments since a time that were no plain
	// allow were answered, counted by their day and by the outcome.
	Answers(ctx context.Context, since time.Time) ([]records.Answer, error)
}

// Config is what the operator's pages are made of.
type Config struct {
	Registry *devices.Registry
	Finder   Finder
	Subjects Subjects
	// SubjectOf returns whom somebody means who signs in with a name or address,
	// or devices.ErrNotFound. Nil where people are not kept here: operators then
	// look for subjects only.
	SubjectOf func(ctx context.Context, identifier string) (string, error)
	// Identifiers returns what subjects sign in with, by subject; one that is no
	// user here is left out. Nil where people are not kept here.
	Identifiers func(ctx context.Context, subjects []string) (map[string]string, error)
	// Tokens verifies the tokens that operators type. Nil, or none: only
	// browsers on this machine, at a loopback name.
	Tokens *accesskey.Guard
	// ProxyHeader is the header in which the operator's proxies name the client.
	// A request with it does not come from this machine.
	ProxyHeader string
	Pages       *webui.Pages // made with [Files]
	Now         func() time.Time
	Log         *slog.Logger
}

// Operator serves the operator's pages. They belong on a listener of its own.
type Operator struct {
	Config
	guard *http.CrossOriginProtection
	// key signs the cookie and forms. Other tokens have another key.
	key [sha256.Size]byte
}

// New returns the operator's pages.
func New(c Config) *Operator {
	o := &Operator{Config: c, guard: http.NewCrossOriginProtection()}
	if c.Tokens.Any() {
		o.key = c.Tokens.Derive("lanyard operator pages")
	} else {
		_, _ = rand.Read(o.key[:]) // never fails (crypto/rand)
	}
	o.guard.SetDenyHandler(http.HandlerFunc(o.failForeign))
	return o
}

// Mount names every route of the operator's pages.
func (o *Operator) Mount(mux *http.ServeMux) {
	mux.Handle("GET /pages", o.let(o.search))
	mux.Handle("GET /pages/devices/{id}", o.let(o.device))
	mux.Handle("POST /pages/devices/{id}/permissions", o.guard.Handler(o.let(o.bound(o.permit, o.device))))
	mux.Handle("GET /pages/devices/{id}/permissions", o.let(o.backToDevice))
	mux.Handle("GET /pages/subject", o.let(o.subject))
	mux.Handle("POST /pages/subject", o.guard.Handler(o.let(o.bound(o.disable, o.subjectAgain))))
	mux.Handle("GET /pages/events", o.let(o.events))
	mux.Handle("GET /pages/events/stream", o.let(o.stream))
	mux.Handle("GET /pages/apps", o.let(o.apps))
	mux.Handle("POST /pages/apps", o.guard.Handler(o.let(o.bound(o.withdraw, o.withdrawAgain))))
	mux.Handle("GET /pages/revoke", o.let(o.preview))
	mux.Handle("POST /pages/revoke", o.guard.Handler(o.let(o.bound(o.revoke, o.previewAgain))))
	mux.Handle("POST /pages/signin", o.guard.Handler(http.HandlerFunc(o.signIn)))
	mux.Handle("POST /pages/signout", o.guard.Handler(o.let(o.bound(o.signOut, o.search))))
	mux.Handle("GET /pages/", o.let(func(http.ResponseWriter, *http.Request) error { return errNoPage }))
}

// frame surrounds the pages of an operator. An operator who came without a token
// has nothing to sign out of.
func (o *Operator) frame(r *http.Request) webui.Frame {
	notice, _ := r.Context().Value(noticeKey{}).(string)
	return webui.Frame{In: true, Leaves: o.Tokens.Any(), Form: o.bind(r), Notice: notice}
}
