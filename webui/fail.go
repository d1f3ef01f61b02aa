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
		return http.StatusUnauthorized, again(say("This device was ended",
			"Somebody ended it from another of your devices, or it was signed out. Nothing here works with it any more."))
	case errors.Is(err, devices.ErrNotFound):
		return http.StatusNotFound, say("There is no such device", "It may have been removed, or it is not yours.")
	case errors.Is(err, devices.ErrNoEditPermission):
		return http.StatusForbidden, say("This device may not change others",
			"Use a device that may, or let this one from there.")
	case errors.Is(err, devices.ErrNoDeletePermission):
		p := say("This device may not end others", "")
		p.Text = u.powerless(l)
		if u.Passwords != nil {
			p.Link, p.LinkText = u.base+"/devices/password", l.T("New password")
		}
		return http.StatusForbidden, p
	case errors.Is(err, devices.ErrEditingDisabled):
		return http.StatusConflict, say("This device cannot be changed now",
			"It has been ended, or it is too new to be changed.")
	case errors.Is(err, devices.ErrDeletionDisabled):
		return http.StatusConflict, say("This device cannot be ended yet", "It is too new. Try again later.")
	case errors.Is(err, devices.ErrInvalid):
		return http.StatusUnprocessableEntity, say("That cannot be saved", "Check what you wrote and try again.")
	case errors.Is(err, errNotResumed):
		return http.StatusForbidden, say("Nothing was changed",
			"Someone else signed in, or on another device. If you meant it, do it once more from here.")
	case errors.Is(err, errForeign):
		return http.StatusForbidden, say("Nothing was changed",
			"The form came from another site. If you meant it, do it from here.")
	case errors.Is(err, devices.ErrNewDeviceLimit):
		p := again(say("This device cannot be added", ""))
		p.Text = l.T("There were sign-ins on too many new devices. Try again in %d minutes, or sign in on a device that you have used before.",
			int(devices.RetryAt(err).Sub(u.Now()).Minutes())+1)
		return http.StatusTooManyRequests, p
	case errors.Is(err, devices.ErrDeviceLimit):
		return http.StatusForbidden, again(say("This device cannot be added",
			"You are signed in on as many devices as you may be. Sign out on one of them first."))
	case errors.Is(err, devices.ErrDisabled):
		return http.StatusForbidden, again(say("You cannot sign in", "This account may not be used. Ask whoever runs this service."))
	case errors.Is(err, errAttempt), errors.Is(err, errDenied), errors.Is(err, errStale), errors.Is(err, errFactor):
		level := slog.LevelWarn
		if errors.Is(err, errAttempt) {
			level = slog.LevelDebug // strangers can ask for that all day
		}
		log.Log(r.Context(), level, "sign-in to the pages", "err", err)
		p := again(say("You are not signed in", "The sign-in was not completed here, or took too long."))
		if down := (turnedDown{}); errors.As(err, &down) {
			p.Text = l.T("Who signs you in turned it down: %s.", down.code)
		}
		return http.StatusBadRequest, p
	case errors.Is(err, errUnreachable):
		log.ErrorContext(r.Context(), "sign-in to the pages; is it up, and are its URL and the client right?", "err", err)
		return http.StatusServiceUnavailable, again(say("Signing in does not work right now",
			"The server that signs you in cannot be reached. Nothing was changed. Try again in a minute; if it lasts, tell whoever runs this service."))
	default:
		log.ErrorContext(r.Context(), "page", "path", r.URL.Path, "err", err)
		p := say("That did not work", "The trouble is ours, not yours, and nothing was changed. Try again in a moment.")
		p.Link = u.base + (&url.URL{Path: "/devices"}).Path
		return http.StatusServiceUnavailable, p
	}
}

// powerless says what somebody can do whose device may not end others.
func (u *UI) powerless(l *Locale) string {
	text := l.T("This device may not end others") + ". " + l.T("Use a device that may, or let this one from there.")
	if u.Passwords != nil {
		return text + " " + l.T("If that one is lost, choose a new password: everything else is signed out.")
	}
	return text + " " + l.T("If that one is lost, ask whoever runs this service.")
}
