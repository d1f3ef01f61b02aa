package webui

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// app is a client that has access to what is the owner's.
type app struct {
	Name    string
	To      string // the page that asks about withdrawing, without the base path
	Scopes  []string
	Since   Stamp
	Used    Stamp // no text if it is signed in nowhere
	Devices []appDevice
	More    int // devices beyond those
	Asks    bool
}

// appDevice is a device on which an app is signed in.
type appDevice struct{ ID, Name string }

// appsPage is the data of the page "apps".
type appsPage struct {
	Frame
	Apps        []app
	CanWithdraw bool
	Powerless   string // what to do if nothing can be withdrawn from here
	Password    bool   // a new password can be had here
}

// apps is GET /devices/apps.
func (u *UI) apps(w http.ResponseWriter, r *http.Request, v *visit) error {
	found, err := u.accesses(r, v)
	if err != nil {
		return err
	}
	page := appsPage{Frame: u.frame(v), CanWithdraw: v.me.CanDeleteOthers}
	if !page.CanWithdraw && len(found) > 0 {
		page.Powerless, page.Password = u.powerless(v.Locale), u.Passwords != nil
	}
	for _, a := range found {
		page.Apps = append(page.Apps, v.app(a))
	}
	u.Pages.Render(w, r, http.StatusOK, "apps", page)
	return nil
}

// accesses returns the clients that have access to what is the owner's. These
// pages are not among them: an owner signs out of them.
func (u *UI) accesses(r *http.Request, v *visit) ([]devices.Access, error) {
	found, err := u.Registry.Consents.Accesses(r.Context(), v.session.Subject, v.now)
	return slices.DeleteFunc(found, func(a devices.Access) bool { return a.ClientID == u.Client.ID }), err
}

// app returns a client in words.
func (v *visit) app(a devices.Access) app {
	shown := app{
		Name: Cut(cmp.Or(a.ClientName, a.ClientID), 60), To: "/devices/apps/" + url.PathEscape(a.ClientID) + "/end",
		Since: v.Stamp(a.Since, v.now), Asks: a.Consented,
	}
	if a.Grants > 0 {
		shown.Used = v.Stamp(a.LastUsed, v.now)
	}
	for _, scope := range a.Scopes {
		shown.Scopes = append(shown.Scopes, v.Scope(scope))
	}
	for _, id := range a.DeviceIDs {
		d, err := v.byID(id)
		switch {
		case err != nil:
		case len(shown.Devices) == most:
			shown.More++
		default:
			shown.Devices = append(shown.Devices, appDevice{d.ID, Cut(v.Label(d), 60)})
		}
	}
	return shown
}

// withdrawPage is the data of the page "withdraw".
type withdrawPage struct {
	Frame
	App    app
	Action string
}

// askWithdraw is GET /devices/apps/{client}/end.
func (u *UI) askWithdraw(w http.ResponseWriter, r *http.Request, v *visit) error {
	found, err := u.accesses(r, v)
	at := slices.IndexFunc(found, func(a devices.Access) bool { return a.ClientID == r.PathValue("client") })
	switch {
	case err != nil:
		return err
	case at < 0:
		u.redirect(w, u.url("/devices/apps"))
		return nil
	case !v.me.CanDeleteOthers:
		return devices.ErrNoDeletePermission
	}
	shown := v.app(found[at])
	u.Pages.Render(w, r, http.StatusOK, "withdraw", withdrawPage{Frame: u.frame(v), App: shown, Action: u.base + shown.To})
	return nil
}

// withdraw is POST /devices/apps/{client}/end.
func (u *UI) withdraw(w http.ResponseWriter, r *http.Request, v *visit) error {
	client, since := r.PathValue("client"), v.now
	err := devices.ErrNotFound
	if client != u.Client.ID {
		err = u.Registry.WithdrawConsent(r.Context(), v.actor(), client)
	}
	switch {
	case errors.Is(err, devices.ErrNotFound): // it is withdrawn already
		u.redirect(w, u.url("/devices/apps"))
		return nil
	case err != nil:
		return err
	}
	query := url.Values{"since": {since.Format(time.RFC3339Nano)}}
	u.redirect(w, u.url("/devices/apps/"+url.PathEscape(client)+"/ended?"+query.Encode()))
	return nil
}

// receiptApp is GET /devices/apps/{client}/ended: what was withdrawn from a
// client since a time.
func (u *UI) receiptApp(w http.ResponseWriter, r *http.Request, v *visit) error {
	client := r.PathValue("client")
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err != nil || v.now.Sub(since) > 24*time.Hour {
		u.redirect(w, u.url("/devices/apps"))
		return nil
	}
	since = since.Truncate(time.Microsecond)
	grants, err := u.Holdings.ClientGrants(r.Context(), v.session.Subject, client, devices.Page{Limit: 100})
	if err != nil {
		return err
	}
	page, name := receiptPage{Frame: u.frame(v), Apps: true, Over: true}, client
	if len(grants) > 0 {
		name = cmp.Or(grants[0].ClientName, client)
	}
	grants = slices.DeleteFunc(grants, func(g records.Grant) bool {
		return g.RevokedReason != devices.ReasonConsentWithdrawn || g.RevokedAt.Before(since)
	})
	for _, g := range grants {
		if until := u.outlives(g); until.After(v.now) {
			page.Living = append(page.Living, living{Cut(name, 60), v.Until(until, v.now)})
		}
	}
	if err := u.withdrawnElsewhere(r.Context(), v, client, since, grants, &page); err != nil {
		return err
	}
	page.Title = v.T("%s no longer has access", isolated(Cut(name, 60)))
	page.Over = page.Over && !page.Waiting && len(page.Living) == 0
	u.Pages.Render(w, r, http.StatusOK, "receipt", page)
	return nil
}
