package webui

import (
	"errors"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// passwordPage is the data of the page "password".
type passwordPage struct {
	Frame
	Identifier string // what the owner signs in with, for password managers
	Error      string
	Done       bool
	Secured    bool   // everything else has been signed out just before
	Ended      string // the page of what was signed out; empty if there is none
	Least      int
}

// freshFor is how recent the last sign-in must be to change the password.
const freshFor = 5 * time.Minute

// askPassword is GET /devices/password.
func (u *UI) askPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := u.mayChange(v); err != nil {
		return err
	}
	page, err := u.passwordPage(r, v)
	if err != nil {
		return err
	}
	page.Done, page.Secured = r.URL.Query().Get("done") != "", r.URL.Query().Get("secured") != ""
	if since := r.URL.Query().Get("since"); since != "" {
		page.Ended = u.base + link("/devices/others/ended", "since", since).String()
	}
	u.Pages.Render(w, r, http.StatusOK, "password", page)
	return nil
}

func (u *UI) passwordPage(r *http.Request, v *visit) (passwordPage, error) {
	identifier, err := u.Passwords.Identifier(r.Context(), v.session.Subject)
	return passwordPage{Frame: u.frame(v), Least: u.MinPassword, Identifier: identifier}, err
}

// mayChange reports why the password cannot be changed now: whoever sits at an
// old session may have found it open.
func (u *UI) mayChange(v *visit) error {
	switch {
	case u.Passwords == nil:
		return devices.ErrNotFound
	case v.now.Sub(v.session.AuthTime) > freshFor:
		return devices.ErrStepUpRequired
	}
	return nil
}

// setPassword is POST /devices/password.
func (u *UI) setPassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := u.mayChange(v); err != nil {
		return err
	}
	chosen := r.PostForm.Get("password")
	page, err := u.passwordPage(r, v)
	if err != nil {
		return err
	}
	switch {
	case len([]rune(chosen)) < u.MinPassword:
		page.Error = v.T("Use at least %d characters.", u.MinPassword)
	case chosen != r.PostForm.Get("again"):
		page.Error = v.T("The passwords do not match.")
	}
	if page.Error == "" {
		err := u.Passwords.ChangePassword(r.Context(), v.actor(), chosen)
		switch {
		case errors.Is(err, devices.ErrInvalid):
			page.Error = v.T("This password cannot be used. Choose another one.")
		case err != nil:
			return err
		}
	}
	if page.Error != "" {
		u.Pages.Render(w, r, http.StatusUnprocessableEntity, "password", page)
		return nil
	}
	u.redirect(w, u.url("/devices/password?done=1&since="+v.now.UTC().Format(time.RFC3339Nano)))
	return nil
}
