package webui

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// How long a session of the pages lasts. The provider's own sign-in lasts
// longer: who comes back is let in again without a password.
const (
	sessionIdle     = 30 * time.Minute
	sessionAbsolute = 12 * time.Hour
)

// Sessions keeps who is signed in to the pages.
type Sessions interface {
	// OpenWebSession adds a session if its device and subject are good at
	// that moment, and reports whether they were.
	OpenWebSession(ctx context.Context, s records.Session) (bool, error)
	// WebSession returns a session, or devices.ErrNotFound. It tells whether
	// the sign-in of this server that it hangs on has ended.
	WebSession(ctx context.Context, id string) (records.Session, error)
	// ExtendWebSession moves the idle end of a session.
	ExtendWebSession(ctx context.Context, id string, idleUntil time.Time) error
	// EndWebSession ends a session, also one that has ended.
	EndWebSession(ctx context.Context, id string) error
	// EndSignIn ends a sign-in of this server, or devices.ErrNotFound.
	EndSignIn(ctx context.Context, sid string, at time.Time) error
	// UseAttempt records that a sign-in was completed, until it expires, or
	// returns devices.ErrExists if it was before.
	UseAttempt(ctx context.Context, state string, expires time.Time) error
}

// cookieName returns the name of a cookie of the pages; see the provider's
// cookies for the prefix.
func (u *UI) cookieName(name string) string {
	if u.secure {
		return "__Host-lanyard_" + name
	}
	return "lanyard_" + name
}

// setCookie sets a cookie of the pages. A negative age removes it.
func (u *UI) setCookie(w http.ResponseWriter, name, value string, age time.Duration, site http.SameSite) {
	http.SetCookie(w, &http.Cookie{
		Name: u.cookieName(name), Value: value, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, Secure: u.secure, SameSite: site,
	})
}

// session returns the session that a request comes with, which need not be
// live, or devices.ErrNotFound. A cookie that is malformed, doubled or wrong is
// none.
func (u *UI) session(r *http.Request) (records.Session, error) {
	cookies := r.CookiesNamed(u.cookieName("pages"))
	if len(cookies) != 1 {
		return records.Session{}, devices.ErrNotFound
	}
	id, encoded, _ := strings.Cut(cookies[0].Value, ".")
	secret, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(secret) != 32 || len(id) > 64 {
		return records.Session{}, devices.ErrNotFound
	}
	s, err := u.Sessions.WebSession(r.Context(), id)
	if err != nil {
		return records.Session{}, err
	}
	hash := sha256.Sum256(secret)
	if subtle.ConstantTimeCompare(hash[:], s.SecretHash) != 1 {
		return records.Session{}, devices.ErrNotFound
	}
	return s, nil
}

// ErrNoSession: nobody is signed in.
var ErrNoSession = errors.New("not signed in")

// signedIn returns the live session that a request comes with, ErrNoSession, or
// devices.ErrRevoked where it ended with its device.
func (u *UI) signedIn(r *http.Request) (records.Session, error) {
	s, err := u.session(r)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return s, ErrNoSession
	case err != nil:
		return s, err
	case !s.Live(u.Now()):
		return s, u.over(r, s)
	case s.Issuer != u.way.issuer():
		return s, ErrNoSession // of an earlier configuration
	}
	s, err = u.way.still(r, s)
	if errors.Is(err, ErrNoSession) {
		if over := u.over(r, s); errors.Is(over, devices.ErrRevoked) {
			return s, over
		}
		return s, errors.Join(err, u.Sessions.EndWebSession(r.Context(), s.ID))
	}
	return s, err
}

// over returns why a session is over: devices.ErrRevoked if its device was
// ended, else ErrNoSession. After a new password, signing in is all that is
// left to do.
func (u *UI) over(r *http.Request, s records.Session) error {
	d, err := u.Registry.Current(r.Context(), actorOf(s))
	if errors.Is(err, devices.ErrRevoked) && d.RevokedReason != devices.ReasonPasswordChanged {
		return err
	}
	return ErrNoSession
}

// Actor returns who calls with a session of the pages, through which of their
// devices: everything that holds for the pages holds for the caller. The error
// is ErrNoSession where there is no session, one of the devices' own where the
// device is not good, devices.ErrRefused for a copied session, or trouble.
func (u *UI) Actor(r *http.Request) (devices.Actor, error) {
	s, err := u.signedIn(r)
	if err != nil {
		return devices.Actor{}, err
	}
	_, _, err = u.Registry.Visit(r.Context(), actorOf(s), u.Observer.Observe(r, devices.EntranceAPI))
	if err != nil {
		return devices.Actor{}, err
	}
	u.extend(r.Context(), s)
	return actorOf(s), nil
}

// Carries reports whether a request comes with a cookie of the pages, good or
// not.
func (u *UI) Carries(r *http.Request) bool { return len(r.CookiesNamed(u.cookieName("pages"))) > 0 }

// extend moves the idle end, at most once a minute. It may fail: the session
// then ends a little earlier.
func (u *UI) extend(ctx context.Context, s records.Session) {
	next := u.Now().Add(sessionIdle)
	if next.Sub(s.IdleUntil) < time.Minute {
		return
	}
	if err := u.Sessions.ExtendWebSession(ctx, s.ID, next); err != nil {
		u.Log.WarnContext(ctx, "web session not extended", "err", err)
	}
}

// open signs an owner in, with a new id and a new secret, whatever the browser
// came with: nobody can have prepared them. The session before ends.
func (u *UI) open(w http.ResponseWriter, r *http.Request, s *records.Session) (bool, error) {
	if before, err := u.session(r); err == nil {
		err = u.Sessions.EndWebSession(r.Context(), before.ID)
		if err != nil {
			return false, err
		}
	} else if !errors.Is(err, devices.ErrNotFound) {
		return false, err
	}
	secret, now := make([]byte, 32), u.Now()
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	hash := sha256.Sum256(secret)
	s.ID, s.SecretHash, s.CreatedAt = rand.Text(), hash[:], now
	s.IdleUntil, s.NotAfter = now.Add(sessionIdle), now.Add(sessionAbsolute)
	good, err := u.Sessions.OpenWebSession(r.Context(), *s)
	if err != nil || !good {
		return false, err
	}
	value := s.ID + "." + base64.RawURLEncoding.EncodeToString(secret)
	u.setCookie(w, "pages", value, sessionAbsolute, http.SameSiteStrictMode)
	return true, nil
}

// forget takes the session's cookies back.
func (u *UI) forget(w http.ResponseWriter) {
	u.setCookie(w, "pages", "", -time.Second, http.SameSiteStrictMode)
	u.dropHint(w)
}
