package webui

import "github.com/lanyard-id/lanyard/devices"

// Sample is a page of the owner with sample data, for the tests outside.
type Sample struct {
	Page string
	Data any
}

// Samples returns the owner's pages, full and as empty as they get, with a
// text of the test's in every place that somebody else can fill.
func Samples(text string) []Sample {
	in := Frame{In: true, Owner: text, Form: text, Notice: text}
	at := Stamp{Text: "5 minutes ago", Aside: "23 Nov, 13:05 UTC", Exact: "2026-11-23 13:05:00 UTC", ISO: "2026-11-23T13:05:00Z", Relative: true}
	full := card{
		ID: "d-1", Name: text, Looks: text, Where: text, Named: true, Kind: devices.ClassPhone, KindWord: "Phone",
		Seen: at, Current: true, Flagged: true, Why: text,
		Alike: true, First: at, Naming: "/devices/d-1#naming", Clients: []string{text, text}, More: 3,
	}
	ended := card{ID: "d-2", Name: text, Looks: text, Kind: devices.Class(text), Seen: at, Ended: true, Why: text}
	others := []card{full, ended}
	for _, class := range []devices.Class{"desktop", "phone", "tablet", "tv", "bot", "app", "other"} {
		others = append(others, card{ID: "d-" + string(class), Name: text, Kind: class, Seen: at})
	}
	trees := []Tree{{Client: text, Scopes: text, Live: true}, {Client: text}}
	for i, shape := range []string{"root", "run", "lost", "doubt", "fork", "live", "end"} {
		trees[0].Nodes = append(trees[0].Nodes, Node{Shape: shape, Text: text, When: at, First: i == 0, Last: i == 6})
		if shape == "live" {
			trees[0].Nodes[i].Until, trees[0].Nodes[i].Rest = at, text
		}
	}
	return []Sample{
		{"devices", listPage{
			Frame: in, Live: 4, Flagged: 1, Ended: 2, Cards: others, CanEndOthers: true, Page: 2, Pages: 3, Before: 1, After: 3,
		}},
		{"devices", listPage{Frame: in, ShowEnded: true, Page: 1, Pages: 1}},
		{"devices", listPage{Frame: in, Live: 2, Cards: others[:1], Page: 1, Pages: 1, Powerless: text, Password: true}},
		{"device", devicePage{
			Frame: in, Card: full, Facts: []Fact{{Label: "Browser", Value: text}, {Label: "First seen", When: at}},
			Tier: text, TierMeans: text, Label: text, Error: text, CanRename: true, CanEnd: true, CanPermit: true, MayUpdate: true, CanAck: true,
			Trees: trees, Newest: true, MaxName: 255, Older: text, Change: "/.well-known/change-password",
			Alert: alert{Text: text, When: at, Done: text, App: text, Grant: "g-1", Secure: true},
			Lines: []line{
				{ID: text, Tone: toneBad, Word: text, Text: text, New: text, Where: text, When: at, NotMe: true,
					Details: []detail{{text, text, text}, {What: text}}},
				{ID: "j", Tone: toneGood, Word: "Allowed", Text: text, When: at},
			},
		}},
		{"device", devicePage{Frame: in, Card: ended, Newest: true}},
		{"confirm", confirmPage{
			Frame: in, Title: text, Name: text, Text: text, Button: text, Action: "/devices/d-1/end", Back: "/devices/d-1",
			Cards: []card{full, ended}, More: 2, Kept: tooNew{[]kept{{text, at}}, 1}, Self: true, NotMe: true, Password: true,
		}},
		{"confirm", confirmPage{Frame: in, Title: "Sign out all other devices?", Back: "/devices"}},
		{"receipt", receiptPage{
			Frame: in, Title: text, Cards: []card{ended}, More: 1, Kept: tooNew{[]kept{{text, at}}, 1}, Ended: []string{text},
			Living: []living{{text, at}}, Legs: []leg{{text, text, at}, {What: text}}, Waiting: true, NotMe: true, Password: true,
		}},
		{"receipt", receiptPage{Frame: in, Title: "No device was signed out", Over: true}},
		{"secure", securePage{Frame: in, Password: true, Fresh: true}},
		{"secure", securePage{Frame: in}},
		{"receipt", receiptPage{Frame: in, Title: text, Apps: true, Living: []living{{text, at}}}},
		{"apps", appsPage{Frame: in, CanWithdraw: true, Powerless: text, Password: true, Apps: []app{
			{
				Name: text, To: "/devices/apps/notes/end", Scopes: []string{text, text}, Since: at, Used: at,
				Devices: []appDevice{{"d-1", text}, {"d-2", text}}, More: 2, Asks: true,
			},
			{Name: text, To: "/devices/apps/shop/end", Since: at},
		}}},
		{"apps", appsPage{Frame: in}},
		{"withdraw", withdrawPage{
			Frame: in, Action: "/devices/apps/notes/end",
			App: app{Name: text, Scopes: []string{text}, Devices: []appDevice{{"d-1", text}}, More: 1, Asks: true},
		}},
		{"withdraw", withdrawPage{Frame: in, Action: "/devices/apps/shop/end"}},
		{"password", passwordPage{Frame: in, Identifier: text, Error: text, Least: 12}},
		{"password", passwordPage{Frame: in, Done: true}},
		{"problem", problemPage{Frame: in, Title: text, Text: text, Link: "/devices", LinkText: text}},
		{"problem", problemPage{Title: "This device was signed out", Text: "Sign in again.", Link: "/x", LinkText: "Sign in"}},
		{"bounce", bouncePage{To: "/devices"}},
		{"bounce", bouncePage{To: "https://id.example/out", Away: true}},
	}
}
