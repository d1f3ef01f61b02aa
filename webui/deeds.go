package webui

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// rename is POST /devices/{id}/name.
func (u *UI) rename(w http.ResponseWriter, r *http.Request, v *visit) error {
	name := strings.TrimSpace(r.PostForm.Get("name"))
	return u.edit(w, r, v, devices.Edit{Name: &name})
}

// permit is POST /devices/{id}/permissions. A box that is not ticked is not
// sent, so that both permissions are always told.
func (u *UI) permit(w http.ResponseWriter, r *http.Request, v *visit) error {
	update, remove := r.PostForm.Get("update") != "", r.PostForm.Get("delete") != ""
	return u.edit(w, r, v, devices.Edit{CanUpdateOthers: &update, CanDeleteOthers: &remove})
}

// acknowledge is POST /devices/{id}/seen: it was me. The form says until when
// the owner has seen what happened; what came later stays to be answered.
func (u *UI) acknowledge(w http.ResponseWriter, r *http.Request, v *visit) error {
	e := devices.Edit{Acknowledge: true}
	if until, err := strconv.ParseInt(r.PostForm.Get("until"), 10, 64); err == nil && until > 0 {
		e.Seen = time.UnixMicro(until)
	}
	return u.edit(w, r, v, e)
}

func (u *UI) edit(w http.ResponseWriter, r *http.Request, v *visit, e devices.Edit) error {
	d, err := v.device(r)
	if err != nil {
		return err
	}
	_, err = u.Registry.Edit(r.Context(), v.actor(), d.ID, e)
	switch {
	case errors.Is(err, devices.ErrInvalid):
		wrong := v.T("Use at most %d visible characters.", devices.MaxNameLength)
		return u.render(w, r, v, d, http.StatusUnprocessableEntity, wrong)
	case err != nil:
		return err
	}
	u.redirect(w, u.url("/devices/"+d.ID))
	return nil
}

// confirmPage is the data of the page "confirm".
type confirmPage struct {
	Frame
	Title, Text, Button string
	Name                string // of the device, where it is one
	Action, Back        string
	Cards               []card
	More                int // devices beyond those
	Kept                tooNew
	Self, NotMe         bool
	Password            bool // a new password can be had here
	Fresh               bool // the owner signs in again before it is done
}

// askEnd is GET /devices/{id}/end.
func (u *UI) askEnd(w http.ResponseWriter, r *http.Request, v *visit) error {
	return u.ask(w, r, v, "end", func(d devices.Device) (string, string) {
		return v.T("Sign out this device?"),
			v.T("All apps on this device are signed out immediately. To use it again, sign in on it.")
	})
}

// askNotMe is GET /devices/{id}/not-me.
func (u *UI) askNotMe(w http.ResponseWriter, r *http.Request, v *visit) error {
	return u.ask(w, r, v, "not-me", func(d devices.Device) (string, string) {
		return v.T("This wasn’t you?"),
			v.T("Someone else may have a copy of a sign-in, or your password. To sign out all of it, secure your account. If only this device is in the wrong hands, sign out just this device.")
	})
}

func (u *UI) ask(
	w http.ResponseWriter, r *http.Request, v *visit, verb string, words func(devices.Device) (string, string),
) error {
	d, err := v.device(r)
	if err != nil {
		return err
	}
	if !d.Live() {
		u.redirect(w, u.url("/devices/"+d.ID))
		return nil
	}
	if d.ID != v.me.ID && !v.me.CanDeleteOthers {
		if verb == "not-me" && u.Passwords != nil {
			u.redirect(w, u.url("/devices/secure")) // a new password signs it out
			return nil
		}
		return devices.ErrNoDeletePermission // nothing is offered that is refused then
	}
	holders, err := u.Holdings.Holders(r.Context(), v.session.Subject, v.now)
	if err != nil {
		return err
	}
	page := confirmPage{
		Frame: u.frame(v), Action: u.base + "/devices/" + d.ID + "/" + verb, Back: u.base + "/devices/" + d.ID,
		Cards: []card{u.card(v, d, holders)}, Self: d.ID == v.me.ID, NotMe: verb == "not-me",
		Button: v.T("Sign out this device"), Password: u.Passwords != nil,
		Fresh: d.ID != v.me.ID && u.Registry.NeedsSignIn(v.actor(), v.me),
	}
	page.Title, page.Text = words(d)
	page.Name = page.Cards[0].Name
	u.Pages.Render(w, r, http.StatusOK, "confirm", page)
	return nil
}

// end is POST /devices/{id}/end, and /not-me.
func (u *UI) end(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, err := v.device(r)
	if err != nil {
		return err
	}
	revoke, query := u.Registry.Revoke, ""
	if strings.HasSuffix(r.URL.Path, "/not-me") {
		revoke, query = u.Registry.Disown, "?not-me=1"
	}
	if err := revoke(r.Context(), v.actor(), d.ID); err != nil {
		return err
	}
	if d.ID == v.me.ID {
		return u.leave(w, r, v, "/devices/goodbye"+query)
	}
	u.redirect(w, u.url("/devices/"+d.ID+"/ended"+query))
	return nil
}

// askOthers is GET /devices/others.
func (u *UI) askOthers(w http.ResponseWriter, r *http.Request, v *visit) error {
	if !v.me.CanDeleteOthers {
		return devices.ErrNoDeletePermission
	}
	holders, err := u.Holdings.Holders(r.Context(), v.session.Subject, v.now)
	if err != nil {
		return err
	}
	page := confirmPage{
		Frame: u.frame(v), Action: u.base + "/devices/others", Back: u.base + "/devices",
		Title: v.T("Sign out all other devices?"), Button: v.T("Sign out all other devices"),
		Text: v.T("All apps on these devices are signed out immediately. Only the device you are using now stays signed in."),
	}
	page.Kept, page.Fresh = u.tooNew(v), u.Registry.NeedsSignIn(v.actor(), v.me)
	for _, d := range v.all {
		switch {
		case !d.Live() || d.ID == v.me.ID || v.now.Before(u.Registry.EndableFrom(d)):
		case len(page.Cards) == perPage:
			page.More++
		default:
			page.Cards = append(page.Cards, u.card(v, d, holders))
		}
	}
	u.Pages.Render(w, r, http.StatusOK, "confirm", page)
	return nil
}

// endOthers is POST /devices/others.
func (u *UI) endOthers(w http.ResponseWriter, r *http.Request, v *visit) error {
	since := v.now.Format(time.RFC3339Nano)
	if _, _, err := u.Registry.RevokeOthers(r.Context(), v.actor()); err != nil {
		return err
	}
	u.redirect(w, u.url("/devices/others/ended?since="+since))
	return nil
}

// signOut is POST /devices/signout: out of these pages and of the sign-in
// behind them. The device stays.
func (u *UI) signOut(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.session.Issuer == "" {
		err := u.Sessions.EndSignIn(r.Context(), v.session.SID, v.now)
		if err != nil && !errors.Is(err, devices.ErrNotFound) {
			return err
		}
	}
	return u.leave(w, r, v, "/devices/goodbye")
}

// leave ends the session, and the one elsewhere that it hangs on, and says
// goodbye on a page of ours, unless that other server sends the browser on. The
// session here ends whatever happens elsewhere.
func (u *UI) leave(w http.ResponseWriter, r *http.Request, v *visit, goodbye string) error {
	if err := u.Sessions.EndWebSession(r.Context(), v.session.ID); err != nil {
		return err
	}
	to, err := u.way.leave(r, v.session, u.hint(r, v.session))
	if err != nil {
		u.Log.WarnContext(r.Context(), "the sign-in behind the pages is not ended", "issuer", v.session.Issuer, "err", err)
	}
	if to == "" {
		to = u.url(goodbye)
	}
	u.forget(w)
	w.Header().Set("Clear-Site-Data", `"cache"`)
	u.depart(w, r, to)
	return nil
}

// goodbye is GET /devices/goodbye.
func (u *UI) goodbye(w http.ResponseWriter, r *http.Request) {
	l := u.Pages.locales.choose(r, "")
	page := noticePage{
		Title: l.T("You are signed out"), Text: l.T("You can close this page."),
		Link: u.base + "/devices", LinkText: l.T("Sign in again"),
	}
	if r.URL.Query().Get("not-me") != "" {
		page.Title, page.Text = l.T("The device was signed out"), l.T("Does someone else know your password?")+" "
		if u.Passwords == nil {
			page.Text += l.T("Anyone who knows it can sign in again. Change it where you sign in.")
		} else {
			page.Text += l.T("Anyone who knows it can sign in again. Change it now.")
			page.Link, page.LinkText = u.base+"/devices/password", l.T("Change password")
		}
	}
	u.Pages.Render(w, r, http.StatusOK, "notice", page)
}

// noticePage is the data of the page "notice".
type noticePage struct{ Title, Text, Link, LinkText string }
