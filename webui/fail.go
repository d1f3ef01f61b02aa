package webui

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// problemPage is the data of the page "problem".
type problemPage struct {
	Frame
	Title, Text, Link, LinkText string
	RequestID                   string // as the log has it; empty if nothing was logged
}

// errForeign: another site sent a form.
var errForeign = errors.New("a form of another site")

// fail answers with what went wrong, in words for people. It is the only place
// that does. The visit is nil where nobody is known to be there.
func (u *UI) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	switch {
	case errors.Is(err, ErrNoSession), errors.Is(err, devices.ErrNoDevice), errors.Is(err, devices.ErrOutdated),
		errors.Is(err, devices.ErrNotRecognized), v == nil && errors.Is(err, devices.ErrRefused):
		u.welcome(w, r)
		return
	case errors.Is(err, devices.ErrStepUpRequired):
		u.begin(w, r, attempt{Back: local(backFrom(r)), Fresh: true, Action: u.pending(r, v)})
		return
	case v == nil && errors.Is(err, devices.ErrRevoked):
		u.forget(w)
	}
	id := rand.Text()[:12]
	status, page := u.explained(r, err, u.Log.With("request_id", id))
	if errors.Is(err, errAttempt) {
		id = "" // strangers can ask for that all day: it is not logged
	} else if status != http.StatusServiceUnavailable && status != http.StatusBadRequest { // those are logged already
		u.Log.InfoContext(r.Context(), "page refused", "request_id", id, "path", r.URL.Path, "status", status, "err", err)
	}
	page.RequestID = id
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	case http.StatusTooManyRequests:
		wait := max(time.Second, devices.RetryAt(err).Sub(u.Now()))
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	}
	if v != nil {
		page.Frame = u.frame(v)
	}
	u.Pages.Render(w, r, status, "problem", page)
}

func (u *UI) explained(r *http.Request, err error, log *slog.Logger) (int, problemPage) {
	l := u.Pages.locales.choose(r, "")
	say := func(title, text string) problemPage {
		return problemPage{
			Title: l.T(title), Text: l.T(text), Link: u.base + "/devices", LinkText: l.T("Your devices"),
		}
	}
	again := func(p problemPage) problemPage {
		p.Link, p.LinkText = u.base+"/devices/signin", l.T("Sign in again")
		return p
	}
	switch {
	case errors.Is(err, devices.ErrRevoked):
		if u.way.issuer() != "" {
			// Who signs in elsewhere may be signed in there still, on that device.
			again = func(p problemPage) problemPage {
				p.Link, p.LinkText = u.base+"/devices/signin?fresh=1", l.T("Sign in again")
				return p
			}
		}
		return http.StatusUnauthorized, again(say("This device was signed out",
			"It was signed out here or from another device. Sign in again to continue."))
	case errors.Is(err, devices.ErrNotFound):
		return http.StatusNotFound, say("Device not found", "It may have been deleted, or it belongs to another account.")
	case errors.Is(err, devices.ErrNoEditPermission):
		return http.StatusForbidden, say("This device cannot manage other devices",
			"Use a device that can, or give this device the permission there.")
	case errors.Is(err, devices.ErrNoDeletePermission):
		p := say("This device cannot sign out other devices", "")
		p.Text = u.powerless(l)
		if u.Passwords != nil {
			p.Link, p.LinkText = u.base+"/devices/password", l.T("Change password")
		}
		return http.StatusForbidden, p
	case errors.Is(err, devices.ErrEditingDisabled):
		return http.StatusConflict, say("This device cannot be changed now",
			"It was signed out, or it was added too recently to be changed.")
	case errors.Is(err, devices.ErrDeletionDisabled):
		return http.StatusConflict, say("This device cannot be signed out yet", "It was added too recently. Try again later.")
	case errors.Is(err, devices.ErrInvalid):
		return http.StatusUnprocessableEntity, say("Your changes could not be saved", "Check your input and try again.")
	case errors.Is(err, errNotResumed):
		return http.StatusForbidden, say("Nothing was changed",
			"Someone else signed in, or you signed in on another device. To do this, start again from here.")
	case errors.Is(err, errForeign):
		return http.StatusForbidden, say("Nothing was changed",
			"The form was sent from another website. If you meant to do this, do it from here.")
	case errors.Is(err, devices.ErrNewDeviceLimit):
		p := again(say("This device cannot be added", ""))
		p.Text = l.T("Too many sign-ins on new devices. Try again in %d minutes, or sign in on a device that you have used before.",
			int(devices.RetryAt(err).Sub(u.Now()).Minutes())+1)
		return http.StatusTooManyRequests, p
	case errors.Is(err, devices.ErrDeviceLimit):
		return http.StatusForbidden, again(say("This device cannot be added",
			"You are signed in on the maximum number of devices. Sign out on one of them first."))
	case errors.Is(err, devices.ErrDisabled):
		return http.StatusForbidden, again(say("You cannot sign in", "This account is disabled. Contact support."))
	case errors.Is(err, errAttempt), errors.Is(err, errDenied), errors.Is(err, errStale), errors.Is(err, errFactor):
		level := slog.LevelWarn
		if errors.Is(err, errAttempt) {
			level = slog.LevelDebug // strangers can ask for that all day
		}
		log.Log(r.Context(), level, "sign-in to the pages", "err", err)
		p := again(say("You are not signed in", "The sign-in was not completed in this browser, or it took too long."))
		if down := (turnedDown{}); errors.As(err, &down) {
			p.Text = l.T("Your sign-in provider refused the request: %s.", down.code)
		}
		return http.StatusBadRequest, p
	case errors.Is(err, errUnreachable):
		log.ErrorContext(r.Context(), "sign-in to the pages; is it up, and are its URL and the client right?", "err", err)
		return http.StatusServiceUnavailable, again(say("Sign-in is not available right now",
			"Your sign-in provider cannot be reached. Nothing was changed. Try again in a minute. If the problem persists, contact support."))
	default:
		log.ErrorContext(r.Context(), "page", "path", r.URL.Path, "err", err)
		p := say("Something went wrong", "The problem is on our side. Try again in a moment.")
		p.Link = u.base + (&url.URL{Path: "/devices"}).Path
		return http.StatusServiceUnavailable, p
	}
}

// powerless says what somebody can do whose device may not end others.
func (u *UI) powerless(l *Locale) string {
	text := l.T("This device cannot sign out other devices") + ". " + l.T("Use a device that can, or give this device the permission there.")
	if u.Passwords != nil {
		return text + " " + l.T("If that device is lost, change your password. This signs out all other devices.")
	}
	return text + " " + l.T("If that device is lost, contact support.")
}
