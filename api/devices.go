package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard/devices"
)

// Config is what the device API needs.
type Config struct {
	Registry *devices.Registry
	Auth     Authenticator
	Outward  Outward
	// Source returns the network that a request comes from, as limits count
	// it. Nil counts all as one.
	Source func(*http.Request) string
	Now    func() time.Time
	Log    *slog.Logger // nil logs nothing
}

// New returns the device API, with every path under /api/: the routes of
// /api/v1/devices and their description at /api/openapi.json.
func New(c Config) http.Handler {
	a := &deviceAPI{
		door:     &door{log: logger(c.Log), realm: "lanyard", freshFor: freshSeconds(c.Registry.Rules)},
		registry: c.Registry, auth: c.Auth, outward: c.Outward, limits: newLimits(c.Source, c.Now),
	}
	mux := http.NewServeMux()
	api := a.door.newHuma(mux, "Lanyard device API",
		"Where an owner sees and ends the devices of their sign-ins.")
	api.UseMiddleware(a.authenticate)
	a.register(api)
	mux.Handle("GET /api/openapi.json", document(api))
	return a.door.handler(mux, func(*http.Request) error { return nil })
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// freshSeconds returns how long a sign-in is fresh, for those who ask for a
// new one.
func freshSeconds(r devices.Rules) int {
	if r.FreshFor == 0 {
		return int((5 * time.Minute).Seconds())
	}
	return int(r.FreshFor.Seconds())
}

// deviceAPI is the owners' door.
type deviceAPI struct {
	door     *door
	registry *devices.Registry
	auth     Authenticator
	limits   *limits
	outward  Outward
}

// register names every route of the device API, in one place.
func (a *deviceAPI) register(api huma.API) {
	const root = "/api/v1/devices"
	op := func(id, method, path, summary string, problems ...int) huma.Operation {
		problems = append(problems, http.StatusTooManyRequests)
		if method == http.MethodPost {
			problems = append(problems, http.StatusUnsupportedMediaType)
		}
		o := operation(deviceScheme, id, method, root+path, summary, problems...)
		o.Security = append(o.Security, map[string][]string{pagesScheme: {}})
		return o
	}
	serve(api, a.door, op("list-devices", "GET", "", "The caller's devices, oldest first"), a.list)
	serve(api, a.door, a.door.reads(op("edit-device", "PATCH", "/{id}", "Rename a device or change what it may do",
		404, 409, 413, 415), DeviceEdit{}), a.edit)
	serve(api, a.door, op("revoke-device", "DELETE", "/{id}", "End a device with all its grants and sessions",
		404, 409), a.revoke)
	serve(api, a.door, op("logout-device", "POST", "/logout", "End the calling device"), a.logout)
	serve(api, a.door, op("revoke-other-devices", "POST", "/revoke-all", "End every device but the calling one and those that are too young"),
		a.revokeOthers)
	serve(api, a.door, op("device-history", "GET", "/{id}/history", "Judgments on a device, newest first", 404),
		a.history)
	serve(api, a.door, op("device-receipt", "GET", "/{id}/receipt",
		"What became of an ended device at other servers", 404), a.receipt)
}

type listInput struct {
	State []string `query:"state" enum:"active,flagged,revoked" doc:"Only devices in these states, separated by commas."`
}

type listOutput struct {
	Body []Device `nullable:"false"`
}

func (a *deviceAPI) list(ctx context.Context, in *listInput) (*listOutput, error) {
	caller := actor(ctx)
	found, err := a.registry.List(ctx, caller)
	if err != nil {
		return nil, err
	}
	out := &listOutput{Body: make([]Device, 0, len(found))}
	for _, d := range found {
		if len(in.State) == 0 || slices.Contains(in.State, string(d.State)) {
			out.Body = append(out.Body, deviceOf(d, caller.DeviceID))
		}
	}
	return out, nil
}

type deviceOutput struct{ Body Device }

func (a *deviceAPI) edit(ctx context.Context, in *ByID) (*deviceOutput, error) {
	caller := actor(ctx)
	d, err := a.registry.Edit(ctx, caller, in.known(), sentEdit(ctx))
	if err != nil {
		return nil, err
	}
	return &deviceOutput{deviceOf(d, caller.DeviceID)}, nil
}

func (a *deviceAPI) revoke(ctx context.Context, in *ByID) (*struct{}, error) {
	return nil, a.registry.Revoke(ctx, actor(ctx), in.known())
}

func (a *deviceAPI) logout(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, a.registry.Logout(ctx, actor(ctx))
}

// Revoked is how many devices a request ended.
type Revoked struct {
	Revoked int `json:"revoked"`
}

type revokedOutput struct{ Body Revoked }

// RevokedOthers is what ending every other device did.
type RevokedOthers struct {
	Revoked int    `json:"revoked" doc:"How many devices it ended."`
	Kept    []Kept `json:"kept" nullable:"false" doc:"Devices that are too young for another one to end (devices.delete_delay)."`
}

// Kept is a device that stays signed in for its age.
type Kept struct {
	DeviceID string    `json:"device_id"`
	Until    time.Time `json:"until" doc:"When another device may end it."`
}

type revokedOthersOutput struct{ Body RevokedOthers }

func (a *deviceAPI) revokeOthers(ctx context.Context, _ *struct{}) (*revokedOthersOutput, error) {
	n, kept, err := a.registry.RevokeOthers(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := &revokedOthersOutput{RevokedOthers{Revoked: n, Kept: make([]Kept, 0, len(kept))}}
	for _, d := range kept {
		out.Body.Kept = append(out.Body.Kept, Kept{d.ID, a.registry.EndableFrom(d).UTC()})
	}
	return out, nil
}

func (a *deviceAPI) history(ctx context.Context, in *historyInput) (*historyOutput, error) {
	return history(ctx, in, func(ctx context.Context, p devices.Page) ([]devices.Judgment, error) {
		return a.registry.History(ctx, actor(ctx), in.known(), p)
	})
}
