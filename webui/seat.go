package webui

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Ties keeps which session elsewhere belongs to which device.
type Ties interface {
	// Tie returns what a session is tied to, or devices.ErrNotFound.
	Tie(ctx context.Context, kind devices.TieKind, ref string) (devices.Tie, error)
	// PutTie ties a session, also one that is tied already.
	PutTie(ctx context.Context, t devices.Tie) error
}

// errMoved: a sign-in elsewhere belongs to a device that this browser is not.
var errMoved = errors.New("the sign-in belongs to another device")

// seat returns the device that the owner sits at where another server signed
// them in: the one that it names or that its session is tied to, if this
// browser is that one, else the one whose cookie the browser holds, else a new
// one. A new device needs a sign-in within this attempt: a session from before
// may be a copy. If the other server does not say when the owner signed in, a
// session that belongs to no device may begin on a new one.
//
// A session that was tied within this attempt was so by the sign-in: on that
// device, and not in another browser that has a copy of the session.
func (u *UI) seat(w http.ResponseWriter, r *http.Request, p proof, a attempt) (string, error) {
	seen, proven := u.Observer.Observe(r, devices.EntranceWebUI), a.proven(p)
	said, err := u.tied(r.Context(), &p)
	if err != nil {
		return "", err
	}
	id, err := u.returned(w, r, said, seen, proven, a.At)
	if err == nil && id == "" {
		id, err = u.enroll(w, r, p.session.Subject, seen, proven || p.undated && said.DeviceID == "")
	}
	if err != nil {
		return "", err
	}
	return id, u.tie(r.Context(), p, id)
}

// tied returns the device that a sign-in names, or is tied to and since when, as
// far as one is told; of the ties it leaves the lasting one and those that there
// are.
func (u *UI) tied(ctx context.Context, p *proof) (devices.Tie, error) {
	if u.Ties == nil {
		p.ties = nil
	}
	said := devices.Tie{Subject: p.session.Subject, DeviceID: p.session.DeviceID}
	kept := p.ties[:min(len(p.ties), 1)]
	for i, name := range p.ties {
		t, err := u.Ties.Tie(ctx, name.Kind, name.Ref)
		switch {
		case errors.Is(err, devices.ErrNotFound):
			continue
		case err != nil:
			return said, err
		}
		if i > 0 {
			kept = append(kept, name)
		}
		if said.DeviceID == "" && t.Subject == said.Subject {
			said = t
		}
	}
	p.ties = kept
	return said, nil
}

// tie has the session elsewhere end with the device, and found again.
func (u *UI) tie(ctx context.Context, p proof, device string) error {
	for _, t := range p.ties {
		t.Subject, t.DeviceID, t.At = p.session.Subject, device, u.Now()
		if err := u.Ties.PutTie(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// returned returns the device that a sign-in is tied to if this browser is it, ""
// where it has to be found otherwise. It is errMoved where the browser must prove
// itself, also if the tie was made since the attempt began to the holder of a
// cookie that this browser does not hold: what is proven then was proven there.
// It is devices.ErrRevoked where the device was ended.
func (u *UI) returned(
	w http.ResponseWriter, r *http.Request, said devices.Tie, seen devices.Sighting, proven bool, begun time.Time,
) (string, error) {
	subject, id := said.Subject, said.DeviceID
	if id == "" {
		return "", nil
	}
	d, err := u.Registry.Store.Device(r.Context(), subject, id)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case !d.Live():
		if proven || d.MayReturn() {
			return "", nil
		}
		return "", devices.ErrRevoked
	}
	v, err := u.Registry.Revisit(r.Context(), subject, id, seen)
	switch {
	case err != nil:
		return "", err
	case v.Err() != nil && proven && (said.At.Before(begun) || len(d.CookieHash) == 0 || seen.Proof.HasCookie(d.CookieHash)):
		return "", nil
	case v.Err() != nil:
		return "", errMoved
	case len(d.CookieHash) > 0:
		u.Observer.SetDeviceCookie(w, r, nil)
		return id, nil
	}
	return u.named(w, r, d, seen)
}

// named gives a device that is known by its looks a cookie, so that it is this
// browser from now on. A browser that is another of the owner's devices already
// stays that one.
func (u *UI) named(w http.ResponseWriter, r *http.Request, d devices.Device, seen devices.Sighting) (string, error) {
	other, err := u.Registry.Recognise(r.Context(), d.Subject, seen)
	if err != nil || other != nil && other.Live() && seen.Proof.HasCookie(other.CookieHash) {
		return "", err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	given, err := u.Registry.GiveCookie(r.Context(), d.Subject, d.ID, secret)
	switch {
	case errors.Is(err, devices.ErrNotFound), err == nil && given == nil:
		return "", nil // it has ended meanwhile, or another browser was faster
	case err != nil:
		return "", err
	}
	u.Observer.SetDeviceCookie(w, r, given)
	return d.ID, nil
}

// enroll returns the device whose cookie the browser holds, else a new one if
// that may be, else errMoved.
func (u *UI) enroll(
	w http.ResponseWriter, r *http.Request, subject string, seen devices.Sighting, anew bool,
) (string, error) {
	if !anew {
		d, err := u.Registry.Recognise(r.Context(), subject, seen)
		switch {
		case err != nil:
			return "", err
		case d == nil || !d.Live() || !seen.Proof.HasCookie(d.CookieHash):
			return "", errMoved
		}
	}
	met, err := u.Registry.Enroll(r.Context(), subject, seen)
	if err != nil {
		return "", err
	}
	u.Observer.SetDeviceCookie(w, r, met.Secret)
	return met.Device.ID, nil
}
