package webui

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// securePage is the data of the page "secure".
type securePage struct {
	Frame
	Password bool // a new one is chosen here, as the last step
	Fresh    bool // the owner signs in again before it is done
}

// maySecure reports why the account cannot be secured from here: neither signing
// out others nor a new password is possible.
func (u *UI) maySecure(v *visit) error {
	if u.Passwords == nil && !v.me.CanDeleteOthers {
		return devices.ErrNoDeletePermission
	}
	return nil
}

// askSecure is GET /devices/secure.
func (u *UI) askSecure(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := u.maySecure(v); err != nil {
		return err
	}
	u.Pages.Render(w, r, http.StatusOK, "secure", securePage{
		Frame: u.frame(v), Password: u.Passwords != nil, Fresh: v.now.Sub(v.session.AuthTime) > freshFor,
	})
	return nil
}

// secureAccount is POST /devices/secure. After a fresh sign-in it ends every other
// device and the apps on this one, and leads to a new password. A device that may
// not end others leaves that to the new password, which ends them too.
func (u *UI) secureAccount(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := u.maySecure(v); err != nil {
		return err
	}
	if v.now.Sub(v.session.AuthTime) > freshFor {
		return devices.ErrStepUpRequired
	}
	all := false // of the others are signed out by now
	if v.me.CanDeleteOthers {
		_, kept, err := u.Registry.RevokeOthers(r.Context(), v.actor())
		if err != nil {
			return err
		}
		all = len(kept) == 0
	}
	grants, err := u.Holdings.DeviceGrants(r.Context(), v.me.Subject, v.me.ID, devices.Page{Limit: 500})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if !g.Live(v.now) || g.ClientID == u.Client.ID {
			continue
		}
		if err := u.Registry.EndGrant(r.Context(), v.actor(), v.me.ID, g.ID); err != nil && !errors.Is(err, devices.ErrNotFound) {
			return err
		}
	}
	switch {
	case u.Passwords != nil && all:
		u.redirect(w, u.url("/devices/password?secured=1"))
		return nil
	case u.Passwords != nil:
		u.redirect(w, u.url("/devices/password")) // which signs out the rest
		return nil
	}
	query := url.Values{"since": {v.now.Format(time.RFC3339Nano)}, "not-me": {"1"}}
	u.redirect(w, u.url("/devices/others/ended?"+query.Encode()))
	return nil
}

// endGrant is POST /devices/{id}/app: the access of one app on a device ends.
func (u *UI) endGrant(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, err := v.device(r)
	if err != nil {
		return err
	}
	err = u.Registry.EndGrant(r.Context(), v.actor(), d.ID, r.PostForm.Get("grant"))
	if err != nil && !errors.Is(err, devices.ErrNotFound) { // it has ended already: the page says so
		return err
	}
	u.redirect(w, u.url("/devices/"+d.ID))
	return nil
}
