package operator

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// Subjects finds subjects, and decides whether they may sign in.
type Subjects interface {
	// FindSubjects returns who goes by a name, a subject of that ID among them.
	FindSubjects(ctx context.Context, name string) ([]devices.Subject, error)
	// SetUserDisabled lets a subject sign in again or no more; that ends its
	// grants and sign-ins, and its devices stay. A subject that was never met is
	// devices.ErrNotFound.
	SetUserDisabled(ctx context.Context, subject string, off bool, at time.Time) error
}

// subjectPage is the data of the page "operator-subject".
type subjectPage struct {
	webui.Frame
	Subject, Identifier string
	Disabled            bool
}

// subject is GET /pages/subject.
func (o *Operator) subject(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("subject")
	found, err := o.Subjects.FindSubjects(r.Context(), id)
	if err != nil {
		return err
	}
	for _, s := range found {
		if s.ID != id {
			continue
		}
		page := subjectPage{Frame: o.frame(r), Subject: s.ID, Disabled: s.Disabled}
		if s.Identifier != s.ID {
			page.Identifier = webui.Cut(s.Identifier, 60)
		}
		o.Pages.Render(w, r, http.StatusOK, "operator-subject", page)
		return nil
	}
	return errNoSubject
}

// subjectAgain shows the page that a form was on.
func (o *Operator) subjectAgain(w http.ResponseWriter, r *http.Request) error {
	again := r.Clone(r.Context())
	again.URL.RawQuery = url.Values{"subject": r.PostForm["subject"]}.Encode()
	return o.subject(w, again)
}

// disable is POST /pages/subject: a subject may sign in no more, or again.
func (o *Operator) disable(w http.ResponseWriter, r *http.Request) error {
	id, disabled := r.PostForm.Get("subject"), r.PostForm.Get("disabled")
	if disabled != "yes" && disabled != "no" {
		return devices.ErrInvalid
	}
	err := o.Subjects.SetUserDisabled(r.Context(), id, disabled == "yes", o.Now())
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return errNoSubject
	case err != nil:
		return err
	}
	o.Log.InfoContext(r.Context(), "subject changed by an operator", "subject", id, "disabled", disabled)
	webui.Redirect(w, "/pages/subject?"+url.Values{"subject": {id}}.Encode())
	return nil
}

// permit is POST /pages/devices/{id}/permissions. A box that is not ticked is
// not sent, so both permissions are always set.
func (o *Operator) permit(w http.ResponseWriter, r *http.Request) error {
	d, err := o.Finder.DeviceByID(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	update, remove := r.PostForm.Get("update") != "", r.PostForm.Get("delete") != ""
	_, err = o.Registry.EditByOperator(r.Context(), d.Subject, d.ID, devices.Edit{CanUpdateOthers: &update, CanDeleteOthers: &remove})
	if err != nil && !errors.Is(err, devices.ErrEditingDisabled) { // it has ended since: its page says so
		return err
	}
	return o.backToDevice(w, r)
}

// backToDevice is GET /pages/devices/{id}/permissions: a form was sent there.
func (o *Operator) backToDevice(w http.ResponseWriter, r *http.Request) error {
	webui.Redirect(w, "/pages/devices/"+url.PathEscape(r.PathValue("id")))
	return nil
}
