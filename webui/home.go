package webui

import "net/http"

// home is GET /: what this server is, to somebody who came by its name.
func (u *UI) home(w http.ResponseWriter, r *http.Request) {
	l := u.Pages.locales.choose(r, "")
	u.Pages.Render(w, r, http.StatusOK, "notice", noticePage{
		Title: l.T("You sign in here"),
		Text:  l.T("Apps send you here to sign in. You can also see the devices where you are signed in, and sign out a lost one."),
		Link:  u.base + "/devices", LinkText: l.T("Your devices"),
	})
}

// changePassword is GET /.well-known/change-password, where password managers
// look (W3C, A Well-Known URL for Changing Passwords). Where no passwords are
// kept and nobody is known who does, there is nothing.
func (u *UI) changePassword(w http.ResponseWriter, r *http.Request) {
	switch {
	case u.Passwords != nil:
		u.redirect(w, u.url("/devices/password"))
	case u.Kratos != nil:
		u.redirect(w, u.way.(*kratosWay).public+"/self-service/settings/browser")
	default:
		http.NotFound(w, r)
	}
}

// back is GET where a form is posted: a browser whose form was answered with a
// page stands there, and comes again when that is loaded anew or wanted in
// another language. The form is on the page before.
func (u *UI) back(w http.ResponseWriter, r *http.Request, _ *visit) error {
	u.redirect(w, u.url(backFrom(&http.Request{Method: http.MethodPost, URL: r.URL})))
	return nil
}
