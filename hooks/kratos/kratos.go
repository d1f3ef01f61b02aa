// Package kratos answers the webhooks of Ory Kratos: it meets the device at
// each sign-in, ties Kratos' session to it, and keeps out a device that was
// ended, in words that Kratos' pages show.
//
// A webhook cannot set a cookie. A browser holds the device cookie where
// lanyard's bridge set it on the same host before; an app sends a secret of its
// own. Without either a device is known by its looks alone.
package kratos

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// Ties keeps which session elsewhere belongs to which device.
type Ties interface {
	PutTie(ctx context.Context, t devices.Tie) error
}

// Logins knows Hydra's login requests.
type Logins interface {
	// LoginSession returns the ID (sid) of the login session that the subject
	// signs in to with a login challenge, "" if it is somebody else's.
	LoginSession(ctx context.Context, challenge, subject string) (string, error)
}

// Hooks answers Kratos. Its fields are set once.
type Hooks struct {
	Registry *devices.Registry
	Ties     Ties
	Logins   Logins // nil without a Hydra
	Observer *observe.Observer
	Deadline time.Duration
	Now      func() time.Time
	Log      *slog.Logger
}

// Mount adds the hooks to mux.
func (h *Hooks) Mount(mux *http.ServeMux) {
	mux.Handle("POST /hooks/kratos/login", h.answer(h.signIn))
	mux.Handle("POST /hooks/kratos/registration", h.answer(h.signIn))
	mux.Handle("POST /hooks/kratos/recovery", h.answer(h.signIn))
	mux.Handle("POST /hooks/kratos/settings", h.answer(h.settings))
	mux.Handle("POST /hooks/kratos/verification", h.answer(h.nothing))
}

// maxBody is more than any flow with its headers.
const maxBody = 256 << 10

// answer reads the body, asks fn, and answers as Kratos understands it: 200
// with an object lets the flow go on, 403 with messages ends it and shows them.
// Trouble is 503: Kratos tries again and then tells its user that something is
// wrong.
func (h *Hooks) answer(fn func(context.Context, *http.Request, *body) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), h.Deadline)
		defer cancel()
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var b body
		if err == nil {
			err = json.Unmarshal(raw, &b)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		err = fn(ctx, r, &b)
		said, blocks := message(err)
		switch {
		case err == nil:
			reply(w, http.StatusOK, struct{}{})
		case blocks:
			reply(w, http.StatusForbidden, said)
		case errors.Is(err, devices.ErrInvalid):
			w.WriteHeader(http.StatusBadRequest) // text that no database holds
		default:
			h.Log.ErrorContext(r.Context(), "kratos hook", "path", r.URL.Path, "err", err)
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

func reply(w http.ResponseWriter, status int, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what) // Kratos may be gone
}

// signIn meets the device and ties the session to it.
func (h *Hooks) signIn(ctx context.Context, _ *http.Request, b *body) error {
	if b.Identity == "" {
		return nil // a flow that signs nobody in
	}
	seen, held := b.sighting(h.Observer)
	met, err := h.Registry.EnrollHeld(ctx, b.Identity, seen, held)
	if err != nil {
		return err
	}
	if err := h.Ties.PutTie(ctx, b.tie(met.Device, h.Now())); err != nil {
		return err
	}
	h.tieLogin(ctx, b, met.Device)
	return nil
}

// tieLogin ties Hydra's login session. It may fail: the chain then shows its
// device by what the consent application put into the session.
func (h *Hooks) tieLogin(ctx context.Context, b *body, d devices.Device) {
	if h.Logins == nil || b.Flow.LoginChallenge == "" {
		return
	}
	sid, err := h.Logins.LoginSession(ctx, b.Flow.LoginChallenge, d.Subject)
	if err == nil && sid != "" {
		err = h.Ties.PutTie(ctx, devices.Tie{
			Kind: devices.TieHydraLogin, Ref: sid, Subject: d.Subject, DeviceID: d.ID, At: h.Now(),
		})
	}
	if err != nil {
		h.Log.WarnContext(ctx, "Hydra's login session is not tied to its device", "err", err)
	}
}

// settings is a change by somebody who is signed in. A device that was ended
// may not make one. Every other device ends where the person asks for that, or
// where the hook's own URL says ?revoke=others. They come back with the new
// password, as devices nobody knows.
func (h *Hooks) settings(ctx context.Context, r *http.Request, b *body) error {
	if b.Identity == "" {
		return nil
	}
	seen, _ := b.sighting(h.Observer)
	d, err := h.Registry.Recognise(ctx, b.Identity, seen)
	if err != nil {
		return err
	}
	keep := ""
	if d != nil {
		if !d.Live() {
			return devices.ErrRevoked
		}
		keep = d.ID
	}
	if b.Revoke != "others" && r.URL.Query().Get("revoke") != "others" {
		return nil
	}
	ended, err := h.Registry.RevokeAllBut(ctx, b.Identity, keep, devices.ReasonPasswordChanged)
	if err == nil && ended > 0 {
		h.Log.InfoContext(ctx, "other devices ended after a change of settings", "devices", ended)
	}
	return err
}

func (*Hooks) nothing(context.Context, *http.Request, *body) error { return nil }

// findings are the findings that end a flow.
var findings = []struct {
	err  error
	id   int
	code string
	text string
}{
	{devices.ErrRevoked, 4470001, "device_revoked", "This device was signed out. Remove this site's cookies, then sign in again."},
	{devices.ErrNewDeviceLimit, 4470004, "device_limit", "Too many sign-ins on new devices. Try again within the hour, or sign in on a device that you have used before."},
	{devices.ErrDeviceLimit, 4470002, "device_limit", "You are signed in on the maximum number of devices. Sign out on one of them first."},
	{devices.ErrDisabled, 4470003, "subject_disabled", "This account is disabled. Contact support."},
}

// messages is how Kratos wants it said (web_hook with response.parse).
type messages struct {
	Messages []place `json:"messages"`
}

type place struct {
	Pointer  string `json:"instance_ptr"`
	Messages []said `json:"messages"`
}

type said struct {
	ID      int            `json:"id"`
	Text    string         `json:"text"`
	Type    string         `json:"type"`
	Context map[string]any `json:"context"`
}

// message returns what to say of an error, and false where it is trouble.
func message(err error) (messages, bool) {
	for _, f := range findings {
		if !errors.Is(err, f.err) {
			continue
		}
		what := map[string]any{"code": f.code}
		if id := devices.RevokedDevice(err); id != "" {
			what["device_id"] = id
		}
		if at := devices.RetryAt(err); !at.IsZero() {
			what["retry_at"] = at.UTC().Format(time.RFC3339)
		}
		return messages{[]place{{"#/", []said{{f.id, f.text, "error", what}}}}}, true
	}
	return messages{}, false
}
