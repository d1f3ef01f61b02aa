package operator

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// revokePage is the data of the page "operator-revoke".
type revokePage struct {
	webui.Frame
	Query    query
	Rows     []deviceRow
	Count    int
	Exactly  string // a name for just these devices
	More     int
	Done     bool
	Changed  bool // since the preview
	Complete bool // false: there are more than one run ends
}

const (
	// perRun is how many devices one run ends, at most.
	perRun = 400
	// previewed is how many of them the preview names.
	previewed = 20
)

// hit is the live devices that a run would end.
type hit struct {
	query    query
	devices  []devices.Device
	complete bool
}

func (o *Operator) hit(r *http.Request, v url.Values) (hit, error) {
	q, err := o.meant(r.Context(), readQuery(o.Pages.Locale(r), v))
	h := hit{query: q, complete: true}
	if err != nil {
		return h, err
	}
	if !h.query.any() || h.query.Wrong != "" {
		return h, nil // never everything by accident
	}
	h.devices, h.complete, err = o.findLive(r.Context(), h.query, perRun)
	return h, err
}

// name returns a name for just these devices: another preview has another.
func (h hit) name() string {
	sum := sha256.New()
	for _, d := range h.devices {
		fmt.Fprintf(sum, "%q", d.ID)
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12])
}

// preview is GET /pages/revoke.
func (o *Operator) preview(w http.ResponseWriter, r *http.Request) error {
	h, err := o.hit(r, r.URL.Query())
	if err != nil {
		return err
	}
	return o.show(w, r, h, false)
}

func (o *Operator) show(w http.ResponseWriter, r *http.Request, h hit, changed bool) error {
	named := h.devices[:min(len(h.devices), previewed)]
	rows, err := o.rows(r.Context(), o.Pages.Locale(r), named)
	if err != nil {
		return err
	}
	o.Pages.Render(w, r, http.StatusOK, "operator-revoke", revokePage{
		Frame: o.frame(r), Query: h.query, Count: len(h.devices), Exactly: h.name(), Changed: changed,
		Complete: h.complete, Rows: rows, More: len(h.devices) - len(named),
	})
	return nil
}

// previewAgain shows the preview that a form was on.
func (o *Operator) previewAgain(w http.ResponseWriter, r *http.Request) error {
	h, err := o.hit(r, r.PostForm)
	if err != nil {
		return err
	}
	return o.show(w, r, h, false)
}

// revoke is POST /pages/revoke. It runs only on the devices that the preview
// counted.
func (o *Operator) revoke(w http.ResponseWriter, r *http.Request) error {
	h, err := o.hit(r, r.PostForm)
	if err != nil {
		return err
	}
	if len(h.devices) == 0 || r.PostForm.Get("count") != strconv.Itoa(len(h.devices)) ||
		r.PostForm.Get("exactly") != h.name() {
		return o.show(w, r, h, true)
	}
	for _, d := range h.devices {
		err := o.Registry.RevokeByOperator(r.Context(), d.Subject, d.ID)
		if err != nil && !errors.Is(err, devices.ErrNotFound) {
			return err
		}
	}
	o.Log.InfoContext(r.Context(), "devices revoked by query", "count", len(h.devices))
	o.Pages.Render(w, r, http.StatusOK, "operator-revoke", revokePage{
		Frame: o.frame(r), Query: h.query, Count: len(h.devices), Done: true, Complete: h.complete,
	})
	return nil
}
