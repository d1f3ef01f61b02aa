package webui

import (
	"cmp"
	"slices"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// alert is the latest unusual activity on a flagged device, with what has been
// done about it.
type alert struct {
	Text   string // which app, from where, and whether it was blocked
	When   Stamp
	Done   string
	App    string // whose access can be ended from here
	Grant  string // that access; empty if there is none
	Secure bool   // the account can be secured from here
}

// alert returns what a flagged device's page says first. History is newest first.
func (u *UI) alert(v *visit, d devices.Device, history []devices.Judgment, grants []records.Grant) alert {
	a := alert{Secure: u.maySecure(v) == nil}
	i := slices.IndexFunc(history, func(j devices.Judgment) bool { return j.Verdict.Doubt() != "" })
	if i < 0 {
		return a
	}
	j := history[i]
	client, live := "", false
	for _, g := range grants {
		if g.ID == j.GrantID {
			client, live = Cut(cmp.Or(g.ClientName, g.ClientID), 60), g.Live(v.now)
		}
	}
	client = cmp.Or(client, Cut(j.ClientID, 60))
	refused := j.Verdict.Err() != nil
	a.Text, a.When = v.alertText(j, isolated(client), refused), v.Stamp(j.Sighting.At, v.now)
	if live && d.Live() && (d.ID == v.me.ID || v.me.CanDeleteOthers) {
		a.App, a.Grant = client, j.GrantID
	}
	a.Done = v.alertDone(isolated(client), j.GrantID != "", live, refused)
	return a
}

// alertText says which app was used, from which browser, system and place, and
// whether that was blocked.
func (l *Locale) alertText(j devices.Judgment, client string, refused bool) string {
	from := l.Looks(j.Sighting.Fingerprint)
	if place := l.where(j.Sighting.Network); place != "" {
		from += " (" + place + ")"
	}
	from = isolated(from)
	switch {
	case j.GrantID == "" && refused:
		return l.T("An attempt to use this device’s sign-in from %s was blocked.", from)
	case j.GrantID == "":
		return l.T("Unusual sign-in from %s. It was not blocked.", from)
	case refused:
		return l.T("An attempt to use %[1]s from %[2]s was blocked.", client, from)
	default:
		return l.T("Unusual use of %[1]s from %[2]s. It was not blocked.", client, from)
	}
}

// alertDone says what the server has done by itself.
func (l *Locale) alertDone(client string, ofApp, live, refused bool) string {
	switch {
	case ofApp && !live:
		return l.T("The access of %s on this device has ended, so copies of it do not work any more.", client)
	case refused:
		return l.T("Nothing was given out. Your own access continues.")
	default:
		return l.T("Nothing has been signed out.")
	}
}
