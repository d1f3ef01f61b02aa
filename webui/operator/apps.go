package operator

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// appRow is a client that has access to what is a subject's.
type appRow struct {
	ClientID, Name, Scopes string
	Asked                  bool // the subject consented
	Grants                 int
	Devices                []string
	Since, Used            webui.Stamp // Used has no text without live grants
}

// appsPage is the data of the page "operator-apps". With a client it asks about
// withdrawing that one's access.
type appsPage struct {
	webui.Frame
	Subject, Identifier string
	Rows                []appRow
	Client              string
	Withdrawn           bool // it has no access any more
}

// apps is GET /pages/apps: the clients with access to what is a subject's, or
// the one that the query names.
func (o *Operator) apps(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	subject, client := strings.TrimSpace(query.Get("subject")), query.Get("client")
	if subject == "" {
		return errNoPage
	}
	found, err := o.Registry.Consents.Accesses(r.Context(), subject, o.Now())
	if err != nil {
		return err
	}
	known, err := o.people(r.Context(), []string{subject})
	if err != nil {
		return err
	}
	l := o.Pages.Locale(r)
	page := appsPage{Frame: o.frame(r), Subject: subject, Identifier: known.of(subject), Client: client, Withdrawn: client != ""}
	for _, a := range found {
		if client == "" || a.ClientID == client {
			page.Withdrawn = false
			page.Rows = append(page.Rows, o.app(l, a))
		}
	}
	o.Pages.Render(w, r, http.StatusOK, "operator-apps", page)
	return nil
}

func (o *Operator) app(l *webui.Locale, a devices.Access) appRow {
	row := appRow{
		ClientID: a.ClientID, Name: webui.Cut(a.ClientName, 60), Scopes: webui.Cut(strings.Join(a.Scopes, " "), 300),
		Asked: a.Consented, Grants: a.Grants, Devices: a.DeviceIDs, Since: l.Stamp(a.Since, o.Now()),
	}
	if a.Grants > 0 {
		row.Used = l.Stamp(a.LastUsed, o.Now())
	}
	return row
}

// withdrawAgain shows the page that a form was on.
func (o *Operator) withdrawAgain(w http.ResponseWriter, r *http.Request) error {
	again := r.Clone(r.Context())
	again.URL.RawQuery = url.Values{"subject": r.PostForm["subject"], "client": r.PostForm["client"]}.Encode()
	return o.apps(w, again)
}

// withdraw is POST /pages/apps. What was withdrawn before stays withdrawn.
func (o *Operator) withdraw(w http.ResponseWriter, r *http.Request) error {
	subject, client := r.PostForm.Get("subject"), r.PostForm.Get("client")
	err := o.Registry.WithdrawConsentByOperator(r.Context(), subject, client)
	switch {
	case err == nil:
		o.Log.InfoContext(r.Context(), "consent withdrawn", "subject", subject, "client", client)
	case !errors.Is(err, devices.ErrNotFound):
		return err
	}
	webui.Redirect(w, "/pages/apps?"+url.Values{"subject": {subject}, "client": {client}}.Encode())
	return nil
}
