package operator

import (
	"net/http"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// Sample is a page with sample data, for the tests outside.
type Sample struct {
	Page string
	Data any
}

// Samples returns the pages, full and as empty as they get, with a text of the
// test's in every place that somebody else can fill.
func Samples(text string) []Sample {
	at := webui.Stamp{Text: "5 minutes ago", Aside: "23 Nov, 13:05 UTC", Exact: "2026-11-23 13:05:00 UTC", ISO: "2026-11-23T13:05:00Z", Relative: true}
	asked := query{
		Subject: text, Device: text, Address: text, ASN: text, OS: text, State: text, Wrong: text,
		States: []choice{{text, text, true}},
	}
	rows := []deviceRow{{ID: text, Subject: text, Identifier: text, Name: text, Looks: text, Where: text, State: "active", StateWord: text, Seen: at}}
	drawn := chart{
		ID: "verdicts", Title: text, Bars: []bar{{0, 1, 16, 2, "refuse"}}, Totals: []total{{"refuse", text, 3}},
		Days: []row{{text, []int{3}}}, First: text, Last: text, Width: 10, Height: 10,
	}
	other := drawn
	other.ID = "alarms"
	nobody := &http.Request{}
	trees := []webui.Tree{{Client: text, Scopes: text, Live: true, Nodes: []webui.Node{{Shape: "root", Text: text, When: at}}}}
	return []Sample{
		{"operator-signin", signInPage{Wrong: true}},
		{"operator-signin", signInPage{TooMany: true}},
		{"operator-signin", signInPage{Closed: true}},
		{"operator", searchPage{
			Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Query: asked, Asked: true, Rows: rows, After: text, Charts: []chart{drawn, other}, Rate: text,
		}},
		{"operator", searchPage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody)}},
		{"operator-device", devicePage{
			Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), ID: text, Subject: text, Identifier: text, Label: text, State: text, Reason: text, Live: true, Grants: trees, Older: text,
			Facts: []webui.Fact{{Label: "Browser", Value: text}, {Label: "First seen", When: at}},
			Lines: []verdictLine{{
				Decision: "allow", Word: text, Would: text, Policy: text, Client: text, Grant: text, Entrance: text,
				Seen: text, Where: text, When: at, RevokeGrant: true,
				Evidence: []devices.Evidence{{Reason: devices.Reason(text), Before: text, After: text, Final: true}},
			}, {Decision: "refuse", Word: text}},
		}},
		{"operator-device", devicePage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Label: text}},
		{"operator-subject", subjectPage{Frame: webui.Frame{In: true}, Subject: text, Identifier: text}},
		{"operator-subject", subjectPage{Frame: webui.Frame{In: true}, Subject: text, Disabled: true}},
		{"operator-events", eventsPage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Listens: true, Seen: text, After: text, Query: eventQuery{Type: text, Subject: text, Device: text, Client: text, From: text, To: text, Wrong: text, Types: []choice{{text, text, true}}}, Events: []eventLine{{devices.Event{
			ID: text, Type: devices.EventType(text), Subject: text, DeviceID: text, ClientID: text, Reasons: []devices.Reason{devices.Reason(text)},
		}, text, at, text, ""}, {When: at, Cause: text}}}},
		{"operator-events", eventsPage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody)}},
		{"operator-apps", appsPage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Subject: text, Identifier: text, Client: text, Rows: []appRow{{
			ClientID: text, Name: text, Scopes: text, Asked: true, Devices: []string{text}, Since: at, Used: at,
		}, {ClientID: text, Since: at}}}},
		{"operator-apps", appsPage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Subject: text, Rows: []appRow{{ClientID: text, Since: at}}}},
		{"operator-apps", appsPage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Subject: text, Client: text, Withdrawn: true}},
		{"operator-revoke", revokePage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Query: asked, Rows: rows, Count: 3, Exactly: text, More: 2, Changed: true}},
		{"operator-revoke", revokePage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Query: asked, Count: 3, Done: true}},
		{"operator-revoke", revokePage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody)}},
		{"operator-problem", problemPage{Frame: (&Operator{Config: Config{Tokens: accesskey.New(accesskey.Config{Keys: []string{text}})}}).frame(nobody), Title: text, Text: text, Link: "/pages", LinkText: text}},
	}
}
