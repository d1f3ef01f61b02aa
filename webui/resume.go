package webui

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// pendingAction is a form that an owner sent, and that needs a fresh sign-in
// first. The attempt carries it, sealed, and it is carried out once the same
// subject has signed in on the same device.
type pendingAction struct {
	Path    string     `json:"p"`
	Form    url.Values `json:"f,omitempty"`
	Subject string     `json:"u"`
	Device  string     `json:"d"` // the acting one
	Session string     `json:"i"` // the one that sent the form
}

// maxPending is the longest form that is carried, in bytes: a cookie holds it.
const maxPending = 1500

// errNotResumed: an action was not carried out after the sign-in.
var errNotResumed = errors.New("the sign-in is not that of the owner who sent the form")

// pending returns the action that a request asks for, or nil if it is not one
// that can be carried through a sign-in. A password is never carried.
func (u *UI) pending(r *http.Request, v *visit) *pendingAction {
	if v == nil || v.notice != "" || r.Method != http.MethodPost || r.ParseForm() != nil {
		return nil
	}
	if _, pattern := u.actions.Handler(r); pattern == "" || len(r.PostForm.Encode()) > maxPending {
		return nil
	}
	return &pendingAction{
		Path: r.URL.EscapedPath(), Form: r.PostForm,
		Subject: v.session.Subject, Device: v.session.DeviceID, Session: v.session.ID,
	}
}

// due reports whether an action is of the owner who has just signed in, on the
// device where they were, and the session that sent it was not signed out since.
// A sign-in may replace the one that this session hangs on, so that is not asked.
func (u *UI) due(ctx context.Context, a *pendingAction, now records.Session) (bool, error) {
	if a == nil || a.Subject != now.Subject || a.Device != now.DeviceID {
		return false, nil
	}
	sent, err := u.Sessions.WebSession(ctx, a.Session)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	return sent.Subject == a.Subject && sent.DeviceID == a.Device && u.Now().Before(sent.NotAfter), nil
}

// resumable is an action as it is carried out after a sign-in. The visit is
// that of the new session.
func (u *UI) resumable(do step) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, _ := r.Context().Value(visitKey{}).(*visit)
		if err := do(w, r, v); err != nil {
			u.fail(w, r, v, err)
		}
	}
}

type visitKey struct{}

// resume carries an action out at a session that has just been opened, and ends
// the one that sent it.
func (u *UI) resume(w http.ResponseWriter, r *http.Request, s records.Session, a pendingAction) {
	to, err := url.Parse(a.Path)
	if err == nil {
		err = u.Sessions.EndWebSession(r.Context(), a.Session)
	}
	var v *visit
	if err == nil {
		v, err = u.visitBy(r, s)
	}
	if err != nil {
		u.fail(w, r, nil, err)
		return
	}
	again := r.Clone(context.WithValue(r.Context(), visitKey{}, v))
	again.Method, again.URL, again.RequestURI, again.Body = http.MethodPost, to, "", http.NoBody
	again.Form, again.PostForm = a.Form, a.Form
	if again.PostForm == nil {
		again.Form, again.PostForm = url.Values{}, url.Values{}
	}
	u.actions.ServeHTTP(w, again)
}
