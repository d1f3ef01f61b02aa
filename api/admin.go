package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
)

// Finder reads what operators ask for, over all subjects.
type Finder interface {
	// FindDevices returns devices, newest first.
	FindDevices(ctx context.Context, q devices.DeviceQuery) ([]devices.Device, error)
	// DeviceByID returns a device of any subject, or devices.ErrNotFound.
	DeviceByID(ctx context.Context, id string) (devices.Device, error)
	// FindGrants returns grants, newest first.
	FindGrants(ctx context.Context, q devices.GrantQuery) ([]devices.Grant, error)
	// Holding returns a grant with its device and subject, or
	// devices.ErrNotFound.
	Holding(ctx context.Context, grantID string) (devices.Holding, error)
	// EventsAfter returns up to limit events after the cursor, in order; the
	// empty cursor is before the first. A cursor that it never gave is
	// devices.ErrInvalid or finds nothing.
	EventsAfter(ctx context.Context, cursor string, limit int) (devices.EventPage, error)
	Outward
}

// AdminConfig is what the admin API needs.
type AdminConfig struct {
	Registry *devices.Registry
	Finder   Finder
	Subjects SubjectFinder
	// Tokens verifies the bearer tokens of operators. Nil, or none: only
	// requests from this machine, to a loopback name, that no foreign web page
	// made.
	Tokens *accesskey.Guard
	// ProxyHeader is the header in which the operator's proxies name the client.
	// A request with it does not come from this machine.
	ProxyHeader string
	// Metrics serves /metrics/prometheus. Nil leaves it out.
	Metrics http.Handler
	// Ready returns why the server cannot serve now. Nil is always ready.
	Ready func(ctx context.Context) error
	Log   *slog.Logger // nil logs nothing
}

// Admin is the operators' API. It belongs on a listener of its own.
type Admin struct {
	door     *door
	registry *devices.Registry
	finder   Finder
	subjects SubjectFinder
	mux      *http.ServeMux
	huma     huma.API
	guard    guard
}

// NewAdmin returns the admin API with its own routes. Other rooms add theirs
// through Huma or Handle before the first request.
func NewAdmin(c AdminConfig) *Admin {
	a := &Admin{
		door:     &door{log: logger(c.Log), realm: "lanyard-admin", freshFor: freshSeconds(c.Registry.Rules)},
		registry: c.Registry, finder: c.Finder, subjects: c.Subjects, mux: http.NewServeMux(), guard: guard{c.Tokens, c.ProxyHeader},
	}
	a.huma = a.door.newHuma(a.mux, "Lanyard",
		"The operators' API on the admin listener, and the owners' device API on the public one.")
	a.huma.OpenAPI().Components.SecuritySchemes[adminScheme] = &huma.SecurityScheme{
		Type: "http", Scheme: "bearer",
		Description: "One of the configured admin tokens. Without any, only this machine may call.",
	}
	owners := &deviceAPI{door: a.door}
	owners.register(documented{a.huma})
	a.register()
	a.Handle("GET /openapi.json", document(a.huma))
	a.Handle("GET "+healthAlive, Health(c.Ready))
	a.Handle("GET "+healthReady, Health(c.Ready))
	if c.Metrics != nil {
		a.Handle("GET /metrics/prometheus", c.Metrics)
	}
	return a
}

// Huma returns the API to register further admin operations with. They are
// behind the same guard and in the same document, and huma's errors become
// problems.
func (a *Admin) Huma() huma.API { return a.huma }

// Handle mounts a plain handler behind the same guard.
func (a *Admin) Handle(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// Handler returns what to serve on the admin listener.
func (a *Admin) Handler() http.Handler { return a.door.handler(a.mux, a.guard.check) }

// register names every route of this room, in one place.
func (a *Admin) register() {
	op := func(id, method, path, summary string, problems ...int) huma.Operation {
		o := operation(adminScheme, id, method, "/admin"+path, summary, problems...)
		o.RejectUnknownQueryParameters = true // a misspelt filter must not find everything
		return o
	}
	serve(a.huma, a.door, op("find-devices", "GET", "/devices", "Devices of all subjects, newest first"), a.findDevices)
	serve(a.huma, a.door, op("show-device", "GET", "/devices/{id}", "A device", 404), a.showDevice)
	serve(a.huma, a.door, a.door.reads(op("name-device", "PATCH", "/devices/{id}", "Rename a device, or change its permissions",
		404, 409, 413, 415), OperatorEdit{}), a.editDevice)
	serve(a.huma, a.door, op("end-device", "DELETE", "/devices/{id}", "End a device with all its grants and sessions",
		404), a.endDevice)
	serve(a.huma, a.door, op("end-other-devices", "POST", "/devices/{id}/revoke-others",
		"Sign out every other device of a device's subject", 404), a.endOthers)
	serve(a.huma, a.door, op("show-device-history", "GET", "/devices/{id}/history",
		"Judgments on a device, newest first", 404), a.history)
	serve(a.huma, a.door, op("show-device-receipt", "GET", "/devices/{id}/receipt",
		"What became of an ended device at other servers", 404), a.receipt)
	serve(a.huma, a.door, op("find-subjects", "GET", "/subjects", "Who goes by a name"), a.findSubjects)
	serve(a.huma, a.door, op("subject-devices", "GET", "/subjects/{sub}/devices",
		"All devices of a subject, oldest first"), a.subjectDevices)
	serve(a.huma, a.door, op("end-subject", "POST", "/subjects/{sub}/revoke-all",
		"End every device, grant and session of a subject"), a.endSubject)
	serve(a.huma, a.door, op("subject-consents", "GET", "/subjects/{sub}/consents",
		"The clients that have access to what is a subject's, by name"), a.subjectConsents)
	serve(a.huma, a.door, op("withdraw-consent", "DELETE", "/subjects/{sub}/consents/{client}",
		"Withdraw a client's access on all devices, so that it must ask again; the devices stay", 404), a.withdrawConsent)
	serve(a.huma, a.door, op("disable-subject", "POST", "/subjects/{sub}/disable",
		"Let a subject sign in no more: ends all grants and sign-ins, the devices stay", 404), a.disableSubject)
	serve(a.huma, a.door, op("enable-subject", "POST", "/subjects/{sub}/enable",
		"Let a disabled subject sign in again", 404), a.enableSubject)
	serve(a.huma, a.door, op("find-grants", "GET", "/grants", "Grants of all subjects, newest first"), a.findGrants)
	serve(a.huma, a.door, op("end-grant", "DELETE", "/grants/{id}", "End a grant; its device stays", 404), a.endGrant)
	events := op("list-events", "GET", "/events", "What happened, in order")
	events.Middlewares = huma.Middlewares{unhurried}
	serve(a.huma, a.door, events, a.events)
}

const (
	healthAlive = "/health/alive"
	healthReady = "/health/ready"
)

// Health serves /health/alive and /health/ready. Ready returns why the server
// cannot serve now; nil is always ready. The answers say nothing else, so they
// may be given to anybody.
func Health(ready func(ctx context.Context) error) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"status":"` + body + `"}` + "\n"))
	}
	mux.HandleFunc("GET "+healthAlive, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET "+healthReady, func(w http.ResponseWriter, r *http.Request) {
		if ready != nil && ready(r.Context()) != nil {
			w.Header().Set("Retry-After", retryAfter)
			answer(w, http.StatusServiceUnavailable, "unavailable")
			return
		}
		answer(w, http.StatusOK, "ok")
	})
	return mux
}
