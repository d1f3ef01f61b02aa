package operator

import (
	"cmp"
	"net/http"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/records"
)

// verdictLine is a judgment with everything that it rests on.
type verdictLine struct {
	Decision, Word string
	Would          string // enforcing, where that is something else
	Policy         string
	Client, Grant  string
	Entrance       string
	Seen, Where    string
	Weight         int
	Evidence       []devices.Evidence
	RevokeGrant    bool
	When           webui.Stamp
}

// devicePage is the data of the page "operator-device".
type devicePage struct {
	webui.Frame
	ID, Subject, Label, State, Reason string
	Identifier                        string // what the subject signs in with; may be empty
	Live                              bool
	MayUpdate, MayDelete              bool // the device's permissions
	Facts                             []webui.Fact
	Lines                             []verdictLine
	Grants                            []webui.Tree
	Older                             string
}

const (
	// linesPerPage is how many judgments a page has.
	linesPerPage = 25
	grantsShown  = 20
)

// device is GET /pages/devices/{id}.
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
	grants, err := o.Finder.DeviceGrants(r.Context(), d.Subject, d.ID, devices.Page{Limit: grantsShown})
	if err != nil {
		return err
	}
	known, err := o.people(r.Context(), []string{d.Subject})
	if err != nil {
		return err
	}
	l := o.Pages.Locale(r)
	page := devicePage{
		Frame: o.frame(r), ID: d.ID, Subject: d.Subject, Identifier: known.of(d.Subject), Label: l.Label(d), State: stateWord(l, d.State), Live: d.Live(),
		Facts: l.Facts(d, o.Now()), Reason: string(cmp.Or(d.RevokedReason, d.FlaggedReason)),
		MayUpdate: d.CanUpdateOthers, MayDelete: d.CanDeleteOthers,
	}
	for _, g := range grants {
		page.Grants = append(page.Grants, o.tree(l, g, history))
	}
	if len(history) > linesPerPage {
		history = history[:linesPerPage]
		page.Older = history[linesPerPage-1].ID
	}
	for _, j := range history {
		page.Lines = append(page.Lines, o.line(l, j))
	}
	o.Pages.Render(w, r, http.StatusOK, "operator-device", page)
	return nil
}

// tree is the grant as its owner sees it, told to somebody else.
func (o *Operator) tree(l *webui.Locale, g records.Grant, history []devices.Judgment) webui.Tree {
	t := l.Tree(g, history, o.Now())
	for i, n := range t.Nodes {
		if n.Shape == "end" && g.RevokedReason != "" {
			t.Nodes[i].Text = l.T("Access ended: %s", string(g.RevokedReason))
		}
	}
	return t
}

func (o *Operator) line(l *webui.Locale, j devices.Judgment) verdictLine {
	v := j.Verdict
	line := verdictLine{
		Decision: v.Decision.String(), Word: decisionWord(l, v.Decision.String()), Policy: v.PolicyVersion,
		Client: j.ClientID, Grant: j.GrantID, Entrance: string(j.Sighting.Entrance),
		Seen: l.Looks(j.Sighting.Fingerprint), Where: l.Place(j.Sighting.Network), Weight: v.Weight,
		Evidence: v.Evidence, RevokeGrant: v.RevokeGrant, When: l.Stamp(j.Sighting.At, o.Now()),
	}
	if v.Would != v.Decision {
		line.Would = decisionWord(l, v.Would.String())
	}
	return line
}
