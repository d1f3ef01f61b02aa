package webui

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

// query is what an operator looks for, as the form has it.
type query struct {
	Subject, Device, Address, ASN, OS, State string
	Wrong                                    string
	States                                   []string
}

func (q query) any() bool { return q.Subject+q.Device+q.Address+q.ASN+q.OS+q.State != "" }

// Encode returns the query for an address.
func (q query) Encode() string {
	v := url.Values{}
	for name, value := range map[string]string{
		"subject": q.Subject, "device": q.Device, "address": q.Address, "asn": q.ASN, "os": q.OS, "state": q.State,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v.Encode()
}

func readQuery(v url.Values) (query, devices.DeviceQuery) {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	q := query{
		Subject: get("subject"), Device: get("device"), Address: get("address"), ASN: get("asn"), OS: get("os"),
		State: get("state"), States: []string{"active", "flagged", "revoked"},
	}
	d := devices.DeviceQuery{Subject: q.Subject, OS: q.OS, State: devices.State(q.State)}
	if q.Address != "" {
		prefix, err := netip.ParsePrefix(q.Address)
		if addr, single := netip.ParseAddr(q.Address); single == nil {
			prefix, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		if err != nil {
			q.Wrong = "An address is like 203.0.113.7, a network like 203.0.113.0/24."
		}
		d.Addr = prefix
	}
	if q.ASN != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(q.ASN), "AS"), 10, 32)
		if err != nil {
			q.Wrong = "A network’s number is like AS64500."
		}
		d.ASN = uint32(n)
	}
	return q, d
}

// find returns the devices that a query is about.
func (o *Operator) find(r *http.Request, q query, d devices.DeviceQuery, limit int) ([]devices.Device, error) {
	if q.Wrong != "" {
		return nil, nil
	}
	if q.Device != "" {
		one, err := o.Finder.DeviceByID(r.Context(), q.Device)
		if errors.Is(err, devices.ErrNotFound) {
			return nil, nil
		}
		return []devices.Device{one}, err
	}
	d.Page = devices.Page{After: r.URL.Query().Get("after"), Limit: limit}
	return o.Finder.FindDevices(r.Context(), d)
}

// operatorRow is a device in the operator's list.
type operatorRow struct {
	ID, Subject, Name, Looks, Where, State string
	Seen                                   Stamp
}

// operatorPage is the data of the page "operator".
type operatorPage struct {
	Frame
	Query query
	Asked bool // for something; everything is not ended by accident
	Rows  []operatorRow
	After string
	Chart chart
}

// rowsPerPage is how many devices an operator's page has.
const rowsPerPage = 50

func (o *Operator) frame() Frame { return Frame{In: true, Operator: true} }

func (o *Operator) search(w http.ResponseWriter, r *http.Request) error {
	q, d := readQuery(r.URL.Query())
	found, err := o.find(r, q, d, rowsPerPage+1)
	if err != nil {
		return err
	}
	tallies, err := o.Finder.Tallies(r.Context(), o.Now().Add(-chartDays*day))
	if err != nil {
		return err
	}
	page := operatorPage{Frame: o.frame(), Query: q, Asked: q.any(), Chart: newChart(tallies, o.Now())}
	if len(found) > rowsPerPage {
		found = found[:rowsPerPage]
		page.After = found[rowsPerPage-1].ID
	}
	page.Rows = o.rows(r, found)
	o.Pages.Render(w, r, http.StatusOK, "operator", page)
	return nil
}

func (o *Operator) rows(r *http.Request, found []devices.Device) []operatorRow {
	l := o.Pages.locales.choose(r, "")
	rows := make([]operatorRow, len(found))
	for i, d := range found {
		rows[i] = operatorRow{
			ID: d.ID, Subject: Cut(d.Subject, 60), Name: Cut(d.Name, 60), Looks: l.Looks(d.Fingerprint),
			Where: l.Place(d.Last), State: string(d.State), Seen: l.Stamp(d.LastSeen, o.Now()),
		}
	}
	return rows
}

// verdictLine is a judgment with everything that it rests on.
type verdictLine struct {
	Decision, Would, Policy, Client, Grant, Entrance, Seen, Where string
	Weight                                                        int
	Evidence                                                      []devices.Evidence
	When                                                          Stamp
}

// operatorDevice is the data of the page "operator-device".
type operatorDevice struct {
	Frame
	ID, Subject, Label, State, Reason string
	Facts                             []Fact
	Lines                             []verdictLine
	Grants                            []Tree
	Older                             string
}

func (o *Operator) device(w http.ResponseWriter, r *http.Request) error {
	d, err := o.Finder.DeviceByID(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	after := r.URL.Query().Get("after")
	history, err := o.Registry.Store.History(r.Context(), d.Subject, d.ID, devices.Page{After: after, Limit: linesPerPage + 1})
	if err != nil {
		return err
	}
	grants, err := o.Finder.DeviceGrants(r.Context(), d.Subject, d.ID, devices.Page{Limit: 20})
	if err != nil {
		return err
	}
	l := o.Pages.locales.choose(r, "")
	page := operatorDevice{
		Frame: o.frame(), ID: d.ID, Subject: d.Subject, Label: l.Label(d), State: string(d.State), Facts: l.Facts(d),
		Reason: string(cmp.Or(d.RevokedReason, d.FlaggedReason)),
	}
	for _, g := range grants {
		page.Grants = append(page.Grants, l.Tree(g, history, o.Now()))
	}
	if len(history) > linesPerPage {
		history = history[:linesPerPage]
		page.Older = history[linesPerPage-1].ID
	}
	for _, j := range history {
		page.Lines = append(page.Lines, verdictLine{
			Decision: j.Verdict.Decision.String(), Would: j.Verdict.Would.String(), Policy: j.Verdict.PolicyVersion,
			Client: j.ClientID, Grant: j.GrantID, Entrance: string(j.Sighting.Entrance),
			Seen: l.Looks(j.Sighting.Fingerprint), Where: l.Place(j.Sighting.Network), Weight: j.Verdict.Weight,
			Evidence: j.Verdict.Evidence, When: l.Stamp(j.Sighting.At, o.Now()),
		})
	}
	o.Pages.Render(w, r, http.StatusOK, "operator-device", page)
	return nil
}

// eventsPage is the data of the page "operator-events".
type eventsPage struct {
	Frame
	Events []eventLine
	Follow bool
}

type eventLine struct {
	devices.Event
	When Stamp
}

// events is GET /pages/events: the newest first, again and again if followed.
func (o *Operator) events(w http.ResponseWriter, r *http.Request) error {
	latest, err := o.Finder.LatestEvents(r.Context(), 100)
	if err != nil {
		return err
	}
	l := o.Pages.locales.choose(r, "")
	page := eventsPage{Frame: o.frame(), Follow: r.URL.Query().Get("follow") != ""}
	for _, e := range latest {
		page.Events = append(page.Events, eventLine{e, l.Absolute(e.At)})
	}
	if page.Follow {
		w.Header().Set("Refresh", "3")
	}
	o.Pages.Render(w, r, http.StatusOK, "operator-events", page)
	return nil
}

// fail answers an operator with what went wrong.
func (o *Operator) fail(w http.ResponseWriter, r *http.Request, err error) {
	page := problemPage{Frame: o.frame(), Title: "That did not work", Text: "Try again in a moment; the log tells more.",
		Link: "/pages", LinkText: "Back"}
	status := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, devices.ErrNotFound):
		status, page.Title, page.Text = http.StatusNotFound, "There is no such device", "Check its id."
	case errors.Is(err, devices.ErrInvalid):
		status, page.Title, page.Text = http.StatusUnprocessableEntity, "That cannot be read", "Check the form."
	default:
		o.Log.ErrorContext(r.Context(), "operator page", "path", r.URL.Path, "err", err)
	}
	o.Pages.Render(w, r, status, "problem", page)
}
