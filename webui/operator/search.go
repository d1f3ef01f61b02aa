package operator

import (
	"context"
	"net/http"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// deviceRow is a device in a list.
type deviceRow struct {
	ID, Subject, Name, Looks, Where string
	Identifier                      string // what the subject signs in with; may be empty
	State, StateWord                string
	Seen                            webui.Stamp
}

// searchPage is the data of the page "operator".
type searchPage struct {
	webui.Frame
	Query  query
	Asked  bool // for something; everything is not ended by accident
	Rows   []deviceRow
	After  string
	Charts []chart
	Rate   string // of false alarms, in words
}

// rowsPerPage is how many devices a page has.
const rowsPerPage = 50

// search is GET /pages.
func (o *Operator) search(w http.ResponseWriter, r *http.Request) error {
	l, now := o.Pages.Locale(r), o.Now()
	q, err := o.meant(r.Context(), readQuery(l, r.URL.Query()))
	if err != nil {
		return err
	}
	found, err := o.find(r.Context(), q, devices.Page{After: r.URL.Query().Get("after"), Limit: rowsPerPage + 1})
	if err != nil {
		return err
	}
	tallies, err := o.Finder.Tallies(r.Context(), now.Add(-chartDays*day))
	if err != nil {
		return err
	}
	answers, err := o.Finder.Answers(r.Context(), now.Add(-chartDays*day))
	if err != nil {
		return err
	}
	alarms, rate := alarmChart(l, tallies, answers, now)
	page := searchPage{
		Frame: o.frame(r), Query: q, Asked: q.any(), Rate: rate,
		Charts: []chart{verdictChart(l, tallies, now), alarms},
	}
	if len(found) > rowsPerPage {
		found = found[:rowsPerPage]
		page.After = found[rowsPerPage-1].ID
	}
	if page.Rows, err = o.rows(r.Context(), l, found); err != nil {
		return err
	}
	o.Pages.Render(w, r, http.StatusOK, "operator", page)
	return nil
}

func (o *Operator) rows(ctx context.Context, l *webui.Locale, found []devices.Device) ([]deviceRow, error) {
	subjects := make([]string, len(found))
	for i, d := range found {
		subjects[i] = d.Subject
	}
	known, err := o.people(ctx, subjects)
	if err != nil {
		return nil, err
	}
	rows := make([]deviceRow, len(found))
	for i, d := range found {
		rows[i] = deviceRow{
			ID: d.ID, Subject: webui.Cut(d.Subject, 60), Name: webui.Cut(d.Name, 60), Looks: l.Looks(d.Fingerprint),
			Where: l.Place(d.Last), State: string(d.State), StateWord: stateWord(l, d.State),
			Seen: l.Stamp(d.LastSeen, o.Now()), Identifier: known.of(d.Subject),
		}
	}
	return rows, nil
}
