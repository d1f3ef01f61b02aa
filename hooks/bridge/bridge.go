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
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/ory"
)

// Hydra answers for its login, consent and logout requests.
type Hydra interface {
	LoginRequest(ctx context.Context, challenge string) (ory.Login, error)
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
	Sealer   Sealer
	// Secure says that browsers come by https.
	Secure bool
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

// login sends the browser on to Kratos. A browser that has no device cookie
// gets one first, so that Kratos shows it to its hooks where both are on one
// host; but only in a sign-in that was begun in this browser.
func (b *Bridge) login(w http.ResponseWriter, r *http.Request) {
	challenge := r.URL.Query().Get("login_challenge")
	if challenge == "" {
		redirect(w, b.UI)
		return
	}
	observe.AskForHints(w.Header())
	login, err := b.Hydra.LoginRequest(r.Context(), challenge)
	switch {
	case errors.Is(err, ory.ErrChallenge): // Kratos has a page for it
	case err != nil:
		b.fail(w, r, err)
		return
	case b.began(r, login.Request).IsZero():
		if b.repeated(w, r, login.Request, b.bare(r) && !prompts(login.Request, "none")) {
			return
		}
	case !login.Skip:
		if err := b.note(w, r, login.SID); err != nil {
			b.fail(w, r, err)
			return
		}
		b.giveCookie(w, r)
	}
	redirect(w, b.Kratos+"/self-service/login/browser?"+url.Values{"login_challenge": {challenge}}.Encode())
}

// giveCookie gives the browser a device cookie, or renews the one it has.
func (b *Bridge) giveCookie(w http.ResponseWriter, r *http.Request) {
	var fresh []byte
	if b.bare(r) {
		fresh = randomSecret()
	}
	b.Observer.SetDeviceCookie(w, r, fresh)
}

// bare reports whether the browser holds no device cookie. It parses no
// User-Agent, because anyone gets a login challenge.
func (b *Bridge) bare(r *http.Request) bool {
	return len(b.Observer.Keep(r).Cookies) == 0
}

// Why a consent request is not answered yet.
var (
	// errElsewhere: the browser is no device that is known, and the sign-in was
	// not begun in it.
	errElsewhere = errors.New("the sign-in was not begun in this browser")
	// errUnproven: the browser is no device that is known, and only sessions
	// at Hydra and Kratos speak for it, which may be copies.
	errUnproven = errors.New("nobody proved in this browser who they are")
)

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
	begun := b.began(r, q.Request)
	met, err := b.meet(r, q, begun)
	switch {
	case errors.Is(err, errElsewhere):
		if !b.repeated(w, r, q.Request, !prompts(q.Request, "none")) {
			b.reject(w, r, q, "interaction_required", "the browser kept no cookie of this sign-in")
		}
		return
	case errors.Is(err, errUnproven):
		b.demandLogin(w, r, q)
		return
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
	if !begun.IsZero() {
		b.Observer.SetDeviceCookie(w, r, met.Secret)
	}
	redirect(w, to)
}

// demandLogin has the browser repeat the request with a demand for a sign-in.
// It rejects the request if the client wants no page shown, or if this browser
// has repeated it so already: Hydra's login does not lead through the bridge
// then, and Kratos' hook reports no sign-ins, or the demand was taken back in
// the body of the request, which comes before its URL.
func (b *Bridge) demandLogin(w http.ResponseWriter, r *http.Request, q ory.Consent) {
	if prompts(q.Request, "login") {
		b.Log.WarnContext(r.Context(), "no sign-in was seen for a consent request that demands one: "+
			"urls.login of Hydra is not the bridge's, or the request is a forged one", "client", q.ClientID)
	} else if !prompts(q.Request, "none") && b.repeated(w, r, q.Request, true) {
		return
	}
	b.reject(w, r, q, "login_required", "sign in again in this browser")
}

// meet returns the device: the one whose cookie the browser holds, else, if the
// person signed in for this request in this browser, the one that Kratos' hook
// tied to the login session, else a new one. Otherwise it is errElsewhere or
// errUnproven, and changes nothing. The request was marked for this browser at
// begun, which is zero if it was not.
func (b *Bridge) meet(r *http.Request, q ory.Consent, begun time.Time) (devices.Enrolment, error) {
	ctx := r.Context()
	seen := b.Observer.Observe(r, devices.EntranceKratos)
	held, err := b.holds(ctx, q.Subject, seen)
	switch {
	case err != nil:
		return devices.Enrolment{}, err
	case !held && begun.IsZero():
		return devices.Enrolment{}, errElsewhere
	}
	var met devices.Enrolment
	if !held {
		if met, err = b.tied(r, q, begun); err != nil {
			return met, err
		}
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

// holds reports whether the browser holds the cookie of a device of the
// subject; that of one which was ended is devices.ErrRevoked.
func (b *Bridge) holds(ctx context.Context, subject string, seen devices.Sighting) (bool, error) {
	d, err := b.Registry.Recognise(ctx, subject, seen)
	switch {
	case err != nil, d == nil, !seen.Proof.HasCookie(d.CookieHash):
		return false, err
	case !d.Live():
		return false, devices.ErrRevoked
	}
	return true, nil
}

// tied returns the device that Kratos' hook tied to the login session, with the
// secret for its cookie, if it has none yet. It returns no device if the login
// session is new here.
//
// Hydra makes a new login session for each sign-in. The error is errUnproven if
// nobody signed in to this one after the request was marked for this browser:
// neither the bridge's login page saw that begin here, nor did the hook tie it
// since. It is errUnproven, too, if the login session belongs to another
// browser's device already, or to an ended one: it is a copy or outlived that.
// The prompt in the request's URL proves nothing.
func (b *Bridge) tied(r *http.Request, q ory.Consent, begun time.Time) (devices.Enrolment, error) {
	ctx := r.Context()
	tied, err := b.Ties.Tie(ctx, devices.TieHydraLogin, q.SID)
	if err != nil && !errors.Is(err, devices.ErrNotFound) {
		return devices.Enrolment{}, err
	}
	known := err == nil && tied.Subject == q.Subject
	switch {
	case !b.noted(r, q.SID) && (!known || tied.At.Before(begun)):
		return devices.Enrolment{}, errUnproven
	case !known:
		return devices.Enrolment{}, nil
	}
	given, err := b.Registry.GiveCookie(ctx, q.Subject, tied.DeviceID, randomSecret())
	switch {
	case errors.Is(err, devices.ErrNotFound), err == nil && given == nil:
		return devices.Enrolment{}, errUnproven
	case err != nil:
		return devices.Enrolment{}, err
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
		http.Error(w, "This sign-in has expired or was not started here. Go back to the app and start again.", http.StatusBadRequest)
		return
	}
	b.Log.ErrorContext(r.Context(), "bridge", "err", err)
	w.Header().Set("Retry-After", "5")
	http.Error(w, "Sign-in is not available right now. Try again in a moment.", http.StatusServiceUnavailable)
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
