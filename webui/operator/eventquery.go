package operator

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/records"
)

// eventQuery is which events an operator looks for, as the form has it.
type eventQuery struct {
	Type, Subject, Device, Client, From, To string

	Wrong string // what cannot be read of it, in words
	Types []choice

	events records.EventQuery
}

func readEventQuery(l *webui.Locale, v url.Values) eventQuery {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	q := eventQuery{
		Type: get("type"), Subject: get("subject"), Device: get("device"), Client: get("client"), From: get("from"), To: get("to"),
	}
	for _, kind := range devices.EventTypes() {
		q.Types = append(q.Types, choice{string(kind), string(kind), string(kind) == q.Type})
	}
	q.events = records.EventQuery{
		Type: devices.EventType(q.Type), Subject: q.Subject, DeviceID: q.Device, ClientID: q.Client, Limit: shown + 1,
	}
	var fromOK, toOK bool
	q.events.From, fromOK = readTime(q.From)
	q.events.To, toOK = readTime(q.To)
	if !fromOK || !toOK {
		q.Wrong = l.T("Enter a time, such as 2026-11-23 or 2026-11-23T13:05.")
	}
	if micros, id, has := strings.Cut(get("after"), "."); has {
		n, _ := strconv.ParseInt(micros, 10, 64) // what is no number has no older events
		q.events.Before = devices.Event{ID: id, At: time.UnixMicro(n)}
	}
	return q
}

// readTime reads a day or a minute (UTC). Nothing is the zero time.
func readTime(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// after returns how a link names an event after which a page begins.
func after(e devices.Event) string { return strconv.FormatInt(e.At.UnixMicro(), 10) + "." + e.ID }

// Still, Follow, Stream and Older return the addresses of pages about these
// events: as they are, as they come, the news of them, and those before one.
func (q eventQuery) Still() *url.URL             { return q.link("/pages/events", "", "") }
func (q eventQuery) Follow() *url.URL            { return q.link("/pages/events", "follow", "1") }
func (q eventQuery) Stream(seen string) *url.URL { return q.link("/pages/events/stream", "seen", seen) }
func (q eventQuery) Older(last string) *url.URL  { return q.link("/pages/events", "after", last) }

func (q eventQuery) link(path, name, value string) *url.URL {
	v := url.Values{}
	for name, value := range map[string]string{
		"type": q.Type, "subject": q.Subject, "device": q.Device, "client": q.Client, "from": q.From, "to": q.To, name: value,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return &url.URL{Path: path, RawQuery: v.Encode()}
}
