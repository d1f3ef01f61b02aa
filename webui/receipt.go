package webui

import (
	"cmp"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// receiptPage is the data of the page "receipt": what was ended, and what
// lives on until when.
type receiptPage struct {
	Frame
	Title    string
	Cards    []card
	More     int // devices beyond those
	Kept     tooNew
	Ended    []string // clients that lost their access
	Living   []living
	Legs     []leg
	Waiting  bool // something elsewhere is not confirmed yet
	Over     bool // nothing is left, here or elsewhere
	NotMe    bool
	Apps     bool // it is about an app, not a device
	Password bool // a new password can be had here
}

// kept is a device that is too young for another one to sign it out.
type kept struct {
	Name  string
	Until Stamp // when another one may
}

// tooNew is the devices that stay signed in for their age.
type tooNew struct {
	Devices []kept
	More    int // devices beyond those
}

// tooNew returns the other devices that stay signed in for their age.
func (u *UI) tooNew(v *visit) tooNew {
	var found tooNew
	for _, d := range v.all {
		until := u.Registry.EndableFrom(d)
		switch {
		case !d.Live() || d.ID == v.me.ID || !v.now.Before(until):
		case len(found.Devices) == perPage:
			found.More++
		default:
			found.Devices = append(found.Devices, kept{u.card(v, d, nil).Name, v.Until(until, v.now)})
		}
	}
	return found
}

// living is an access token that nobody can call back.
type living struct {
	Client string
	Until  Stamp
}

// receipt is GET /devices/{id}/ended.
func (u *UI) receipt(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, err := v.device(r)
	switch {
	case err != nil:
		return err
	case d.Live():
		u.redirect(w, u.url("/devices/"+d.ID))
		return nil
	}
	page := receiptPage{
		Title: v.T("The device was signed out"), NotMe: r.URL.Query().Get("not-me") != "", Password: u.Passwords != nil,
	}
	return u.hand(w, r, v, page, []devices.Device{d})
}

// receiptOthers is GET /devices/others/ended: what the device at hand has ended
// since a time.
func (u *UI) receiptOthers(w http.ResponseWriter, r *http.Request, v *visit) error {
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err != nil || v.now.Sub(since) > 24*time.Hour {
		u.redirect(w, u.url("/devices"))
		return nil
	}
	var gone []devices.Device
	for _, d := range v.all {
		if d.RevokedBy == v.me.ID && !d.RevokedAt.Before(since.Truncate(time.Microsecond)) {
			gone = append(gone, d)
		}
	}
	return u.hand(w, r, v, receiptPage{
		Title: v.T("%d devices were signed out", len(gone)), Kept: u.tooNew(v),
		NotMe: r.URL.Query().Get("not-me") != "", Password: u.Passwords != nil,
	}, gone)
}

// hand fills in a receipt and shows it.
func (u *UI) hand(w http.ResponseWriter, r *http.Request, v *visit, page receiptPage, gone []devices.Device) error {
	page.Frame, page.Over = u.frame(v), true
	for _, d := range gone {
		if len(page.Cards) == perPage {
			page.More++
			continue
		}
		page.Cards = append(page.Cards, u.card(v, d, nil))
		if err := u.elsewhere(r.Context(), v, d, &page); err != nil {
			return err
		}
		grants, err := u.Holdings.DeviceGrants(r.Context(), d.Subject, d.ID, devices.Page{Limit: 100})
		if err != nil {
			return err
		}
		for _, g := range grants {
			if g.ClientID == u.Client.ID || !g.RevokedAt.Equal(d.RevokedAt) {
				continue
			}
			client := Cut(cmp.Or(g.ClientName, g.ClientID), 60)
			page.Ended = append(page.Ended, client)
			if until := u.outlives(g); until.After(v.now) {
				page.Living = append(page.Living, living{client, v.Until(until, v.now)})
			}
		}
	}
	page.Over = page.Over && !page.Waiting && len(page.Living) == 0 && len(page.Kept.Devices) == 0
	u.Pages.Render(w, r, http.StatusOK, "receipt", page)
	return nil
}

// outlives returns until when an access token of an ended grant may go on
// working at resource servers that do not ask here. Zero where none does.
func (u *UI) outlives(g records.Grant) time.Time {
	if g.Verifiable == 0 {
		return time.Time{}
	}
	ttl := g.Verifiable
	if ttl < 0 {
		ttl = u.AccessTTL
	}
	last := g.CreatedAt
	if g.RotatedAt.After(last) {
		last = g.RotatedAt
	}
	return last.Add(ttl)
}
