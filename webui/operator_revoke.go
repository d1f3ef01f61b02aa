package webui

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/lanyard-id/lanyard/devices"
)

// revokePage is the data of the page "operator-revoke".
type revokePage struct {
	Frame
	Query    query
	Rows     []operatorRow
	Count    int
	More     int
	Done     bool
	Changed  bool // since the preview
	Complete bool // false: there are more than one run ends
}

// perRun is how many devices one run ends.
const perRun = 500

// hit returns the live devices that a run would end.
func (o *Operator) hit(r *http.Request, v url.Values) (query, []devices.Device, bool, error) {
	q, d := readQuery(v)
	if !q.any() || q.Wrong != "" {
		return q, nil, true, nil // never everything by accident
	}
	found, err := o.find(r, q, d, perRun)
	full := len(found) < perRun
	found = slices.DeleteFunc(found, func(d devices.Device) bool { return !d.Live() })
	return q, found, full, err
}

func (o *Operator) preview(w http.ResponseWriter, r *http.Request) error {
	return o.previewOf(w, r, r.URL.Query(), false)
}

func (o *Operator) previewOf(w http.ResponseWriter, r *http.Request, v url.Values, changed bool) error {
	q, found, full, err := o.hit(r, v)
	if err != nil {
		return err
	}
	page := revokePage{Frame: o.frame(), Query: q, Count: len(found), Changed: changed, Complete: full}
	shown := found[:min(len(found), perPage)]
	page.Rows, page.More = o.rows(r, shown), len(found)-len(shown)
	o.Pages.Render(w, r, http.StatusOK, "operator-revoke", page)
	return nil
}

// revoke is POST /pages/revoke. It runs only on as many devices as the preview
// showed.
func (o *Operator) revoke(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errors.Join(devices.ErrInvalid, err)
	}
	q, found, full, err := o.hit(r, r.PostForm)
	if err != nil {
		return err
	}
	if r.PostForm.Get("count") != strconv.Itoa(len(found)) || len(found) == 0 {
		return o.previewOf(w, r, r.PostForm, true)
	}
	for _, d := range found {
		err := o.Registry.RevokeByOperator(r.Context(), d.Subject, d.ID)
		if err != nil && !errors.Is(err, devices.ErrNotFound) {
			return err
		}
	}
	o.Log.InfoContext(r.Context(), "devices revoked by query", "count", len(found))
	o.Pages.Render(w, r, http.StatusOK, "operator-revoke", revokePage{
		Frame: o.frame(), Query: q, Count: len(found), Done: true, Complete: full,
	})
	return nil
}
