// Package bridge is the login and consent application that Ory Kratos does not
// bring: Hydra sends the browser here on its way to Kratos and back. It gives
// the browser its device cookie, meets the device, and writes its ID into the
// session, for the operator's own clients.
//
// There is no consent page: a client that is not the operator's own is turned
// down.
package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/ory"
)

// Hydra is where consent is asked for and given, and where a logout is.
type Hydra interface {
	Consent(ctx context.Context, challenge string) (ory.Consent, error)
	Accept(ctx context.Context, c ory.Consent, deviceID string) (string, error)
	Reject(ctx context.Context, challenge, code, description string) (string, error)
	Logout(ctx context.Context, challenge string) (string, error)
}

// Ties keeps which login session belongs to which device.
type Ties interface {
	Tie(ctx context.Context, kind devices.TieKind, ref string) (devices.Tie, error)
	PutTie(ctx context.Context, t devices.Tie) error
}

// Bridge is the application. Its fields are set once.
type Bridge struct {
	Hydra    Hydra
	Ties     Ties
	Registry *devices.Registry
	Observer *observe.Observer
	// Kratos is Kratos' public URL, UI that of its pages.
	Kratos, UI string
	Now        func() time.Time
	Log        *slog.Logger
}

// Mount adds the pages to mux: urls.login, urls.consent and urls.logout of
// Hydra.
func (b *Bridge) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /bridge/login", b.login)
	mux.HandleFunc("GET /bridge/consent", b.consent)
	mux.HandleFunc("GET /bridge/logout", b.logout)
}

// login sends the browser on to Kratos, with a device cookie where it has
// none: Kratos shows it to its hooks where both are on one host.
func (b *Bridge) login(w http.ResponseWriter, r *http.Request) {
	challenge := r.URL.Query().Get("login_challenge")
	if challenge == "" {
		redirect(w, b.UI)
		return
	}
	observe.AskForHints(w.Header())
	seen := b.Observer.Observe(r, devices.EntranceKratos)
	var fresh []byte
	if len(seen.Proof.CookieHashes) == 0 {
		fresh = secret()
	}
	b.Observer.SetDeviceCookie(w, r, fresh)
	redirect(w, b.Kratos+"/self-service/login/browser?"+url.Values{"login_challenge": {challenge}}.Encode())
}

// consent gives the operator's own client what it asks for, on the device
// that this browser is.
func (b *Bridge) consent(w http.ResponseWriter, r *http.Request) {
	q, err := b.Hydra.Consent(r.Context(), r.URL.Query().Get("consent_challenge"))
	if err != nil {
		b.fail(w, r, err)
		return
	}
	if !q.FirstParty {
		b.reject(w, r, q, "consent_required", "this client is not the operator's own")
		return
	}
	met, err := b.meet(r, q)
	switch {
	case errors.Is(err, devices.ErrRevoked), errors.Is(err, devices.ErrDeviceLimit), errors.Is(err, devices.ErrDisabled):
		b.reject(w, r, q, "access_denied", "this device may not sign in")
		return
	case err != nil:
		b.fail(w, r, err)
		return
	}
	to, err := b.Hydra.Accept(r.Context(), q, met.Device.ID)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.Observer.SetDeviceCookie(w, r, met.Secret)
	redirect(w, to)
}

// meet returns the device: the one whose cookie the browser holds, else the
// one that Kratos' hook tied to the login session, else a new one.
func (b *Bridge) meet(r *http.Request, q ory.Consent) (devices.Enrolment, error) {
	ctx := r.Context()
	seen := b.Observer.Observe(r, devices.EntranceKratos)
	met, err := b.known(ctx, q, seen)
	if err != nil {
		return met, err
	}
	if met.Device.ID == "" {
		if met, err = b.Registry.Enroll(ctx, q.Subject, seen); err != nil {
			return met, err
		}
	}
	if q.SID == "" {
		return met, nil
	}
	return met, b.Ties.PutTie(ctx, devices.Tie{
		Kind: devices.TieHydraLogin, Ref: q.SID, Subject: q.Subject, DeviceID: met.Device.ID, At: b.Now(),
	})
}

// known returns a device that is met already, with the secret for its cookie
// where it had none.
func (b *Bridge) known(ctx context.Context, q ory.Consent, seen devices.Sighting) (devices.Enrolment, error) {
	d, err := b.Registry.Recognise(ctx, q.Subject, seen)
	if err != nil {
		return devices.Enrolment{}, err
	}
	if d != nil && seen.Proof.HasCookie(d.CookieHash) {
		if !d.Live() {
			return devices.Enrolment{}, devices.ErrRevoked
		}
		return devices.Enrolment{}, nil // Enroll recognises it, and judges
	}
	tied, err := b.Ties.Tie(ctx, devices.TieHydraLogin, q.SID)
	if errors.Is(err, devices.ErrNotFound) || err == nil && tied.Subject != q.Subject {
		return devices.Enrolment{}, nil
	} else if err != nil {
		return devices.Enrolment{}, err
	}
	given, err := b.Registry.GiveCookie(ctx, q.Subject, tied.DeviceID, secret())
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return devices.Enrolment{}, nil // it has ended meanwhile; whoever this is, is new
	case err != nil:
		return devices.Enrolment{}, err
	case given == nil:
		return devices.Enrolment{}, nil // it has a cookie, which this browser does not hold
	}
	return devices.Enrolment{Device: devices.Device{ID: tied.DeviceID, Subject: q.Subject}, Secret: given}, nil
}

func (b *Bridge) reject(w http.ResponseWriter, r *http.Request, q ory.Consent, code, description string) {
	to, err := b.Hydra.Reject(r.Context(), q.Challenge, code, description)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	redirect(w, to)
}

func (b *Bridge) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ory.ErrChallenge) {
		http.Error(w, "This sign-in has ended or was never begun. Go back to where you came from and start again.", http.StatusBadRequest)
		return
	}
	b.Log.ErrorContext(r.Context(), "bridge", "err", err)
	w.Header().Set("Retry-After", "5")
	http.Error(w, "Signing in does not work at the moment. Try again soon.", http.StatusServiceUnavailable)
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func secret() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}
