package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// devicePage is the data of the page "device".
type devicePage struct {
	Frame
	Card      card
	Facts     []Fact
	Tier      string // what protects it, in a few words
	TierMeans string
	Label     string // the name as it was given, to edit
	Error     string
	CanRename bool
	CanEnd    bool
	CanPermit bool
	MayUpdate bool // the device's own permissions
	MayDelete bool
	CanAck    bool
	Until     int64 // when it was flagged last, in microseconds; 0 if not known
	Alert     alert // of a flagged device
	Trees     []Tree
	Lines     []line
	Older     string // where the history goes on; empty at its end
	Newest    bool   // the history is shown from its beginning
	MaxName   int
	Powerless string // why it cannot be ended from here, where it cannot
	Password  bool   // a new password can be had here
	Change    string // where the password is changed; empty if not known
}

// Fact is one thing that is known of a device.
type Fact struct {
	Label, Value string
	When         Stamp
}

// linesPerPage is how many judgments a page has.
const linesPerPage = 25

// show is GET /devices/{id}.
func (u *UI) show(w http.ResponseWriter, r *http.Request, v *visit) error {
	d, err := v.device(r)
	if err != nil {
		return err
	}
	return u.render(w, r, v, d, http.StatusOK, "")
}

// render shows a device, with what is wrong with the form that was sent.
func (u *UI) render(
	w http.ResponseWriter, r *http.Request, v *visit, d devices.Device, status int, wrong string,
) error {
	after := r.URL.Query().Get("after")
	history, err := u.Registry.History(r.Context(), v.actor(), d.ID, devices.Page{After: after, Limit: linesPerPage + 1})
	if err != nil {
		return err
	}
	grants, err := u.Holdings.DeviceGrants(r.Context(), d.Subject, d.ID, devices.Page{Limit: 20})
	if err != nil {
		return err
	}
	self := d.ID == v.me.ID
	page := devicePage{
		Frame: u.frame(v), Card: u.card(v, d, nil), Facts: v.Facts(d, v.now), Label: d.Name, Error: wrong,
		CanRename: d.Live() && (self || v.me.CanUpdateOthers), CanEnd: d.Live() && (self || v.me.CanDeleteOthers),
		CanPermit: d.Live() && v.me.CanUpdateOthers, MayUpdate: d.CanUpdateOthers, MayDelete: d.CanDeleteOthers,
		CanAck: d.State == devices.StateFlagged && v.me.CanUpdateOthers,
		Until:  max(0, d.DoubtedAt.UnixMicro()),
		Newest: after == "", MaxName: devices.MaxNameLength,
	}
	page.Tier, page.TierMeans = v.tier(d.Tier)
	if u.Passwords != nil || u.Kratos != nil {
		page.Change = u.base + "/.well-known/change-password"
	}
	if d.Live() && !page.CanEnd {
		page.Powerless, page.Password = u.powerless(v.Locale), u.Passwords != nil
	}
	if d.State == devices.StateFlagged {
		latest := history
		if !page.Newest {
			latest = nil
		}
		page.Alert = u.alert(v, d, latest, grants)
	}
	page.Lines, page.Older = v.lines(d, history, grants)
	for _, g := range grants {
		if g.ClientID != u.Client.ID && page.Newest {
			page.Trees = append(page.Trees, v.Tree(g, history, v.now))
		}
	}
	u.Pages.Render(w, r, status, "device", page)
	return nil
}

// lines returns a page of the history in words, and where it goes on.
func (v *visit) lines(
	d devices.Device, history []devices.Judgment, grants []records.Grant,
) (lines []line, older string) {
	if len(history) > linesPerPage {
		history = history[:linesPerPage]
		older = history[linesPerPage-1].ID
	}
	for _, j := range history {
		about := told{client: j.ClientID, first: j.Sighting.At.Equal(d.CreatedAt)}
		for _, g := range grants {
			if g.ClientID == j.ClientID && g.ClientName != "" {
				about.client = g.ClientName
			}
			if g.ID == j.GrantID && g.Baseline != nil {
				about.known = g.Baseline.Fingerprint
			}
		}
		about.client = Cut(about.client, 60)
		l := v.explain(j, about)
		l.When, l.NotMe = v.Stamp(j.Sighting.At, v.now), d.Live()
		lines = append(lines, l)
	}
	return lines, older
}

// Facts are what was observed, which no name replaces.
func (l *Locale) Facts(d devices.Device, now time.Time) []Fact {
	f := d.Fingerprint
	pair := func(name, version devices.Signal) string {
		if f[version] == "" {
			return f[name]
		}
		return f[name] + " " + f[version]
	}
	model := f[devices.SignalModel]
	if brand := f[devices.SignalBrand]; brand != "" && model != "" && brand != model {
		model = brand + " " + model
	}
	all := []Fact{
		{Label: l.T("Browser"), Value: pair(devices.SignalBrowser, devices.SignalBrowserVersion)},
		{Label: l.T("Operating system"), Value: pair(devices.SignalOS, devices.SignalOSVersion)},
		{Label: l.T("Model"), Value: model},
		{Label: l.T("First seen"), When: l.Stamp(d.CreatedAt, now)},
		{Label: l.T("from"), Value: l.Place(d.First)},
		{Label: l.T("Last seen"), When: l.Stamp(d.LastSeen, now)},
		{Label: l.T("from"), Value: l.Place(d.Last)},
	}
	var known []Fact
	for _, one := range all {
		if one.Value != "" || one.When.Text != "" {
			known = append(known, one)
		}
	}
	return known
}

// Place returns everything that is known of a network: the place first, then
// the address and the number of the network.
func (l *Locale) Place(n devices.Network) string {
	parts := []string{l.where(n)}
	for _, more := range []string{address(n), asn(n)} {
		if more != "" && more != parts[0] {
			parts = append(parts, more)
		}
	}
	return strings.Join(parts, " · ")
}
