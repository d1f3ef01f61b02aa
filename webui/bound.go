package webui

import (
	"errors"
	"net/http"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// formField is the hidden field that binds a form to the session of the pages
// that it was rendered for. The partial "bound" writes it, from [Frame].
const formField = "form"

// bind returns the value of the field for a session, which names a subject and
// one sign-in. It is empty, and binds to nothing, if it cannot be sealed.
func (u *UI) bind(s records.Session) string {
	text, err := u.Sealer.Seal(formPurpose, nil, []byte(s.ID))
	if err != nil {
		u.Log.Error("seal a form", "err", err)
	}
	return text
}

// bound carries out a form only for the session that it was rendered for. For
// another one, it shows the page again and changes nothing: somebody may press a
// button on a page that another person opened, in a browser where that person or
// a third one has signed in since.
func (u *UI) bound(do, again step) step {
	return func(w http.ResponseWriter, r *http.Request, v *visit) error {
		if err := r.ParseForm(); err != nil {
			return errors.Join(devices.ErrInvalid, err)
		}
		_, err := u.Sealer.Open(formPurpose, r.PostForm.Get(formField), []byte(v.session.ID))
		if err != nil {
			v.notice = v.T(SignInChanged)
			return again(w, r, v)
		}
		return do(w, r, v)
	}
}

// SignInChanged is what a page says that is shown again because its form was
// rendered for another sign-in.
const SignInChanged = "Someone has signed in again since this page was opened. Nothing was changed. Check the page and try again."
