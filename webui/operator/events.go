package operator

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// eventsPage is the data of the page "operator-events".
type eventsPage struct {
	webui.Frame
	Query   eventQuery
	Events  []eventLine
	After   string // the last event shown, where there are older ones
	Listens bool   // new events are shown as they come
	Seen    string // what stream is told to have been shown
}

type eventLine struct {
	devices.Event
	Identifier string // what the subject signs in with; may be empty
	When       webui.Stamp
	By         string // the device that caused it
	Cause      string // who else did, in a word; empty if that is not known
}

// caused returns the device that caused an event, or who else did.
func caused(l *webui.Locale, actor string) (device, other string) {
	if id, is := strings.CutPrefix(actor, "device:"); is {
		return id, ""
	}
	words := map[string]string{
		devices.ActorOperator: "Operator", devices.ActorClient: "Client", devices.ActorSystem: "System", "": "",
	}
	if word, has := words[actor]; has {
		return "", l.T(word)
	}
	return "", actor
}

const (
	// shown is how many events the page has.
	shown = 100
	// lookEvery is how often a stream looks for events. They are told by every
	// replica, so the table is the only place to hear of them.
	lookEvery = time.Second
	// streamFor is how long a stream lasts before the browser opens the next:
	// less than a server that ends waits for its requests.
	streamFor = 8 * time.Second
)

// events is GET /pages/events: the newest first.
func (o *Operator) events(w http.ResponseWriter, r *http.Request) error {
	q, err := o.eventsMeant(r)
	if err != nil {
		return err
	}
	latest, seen, err := o.latest(r.Context(), q)
	if err != nil {
		return err
	}
	older := ""
	if len(latest) > shown {
		latest = latest[:shown]
		older = after(latest[shown-1])
	}
	subjects := make([]string, len(latest))
	for i, e := range latest {
		subjects[i] = e.Subject
	}
	known, err := o.people(r.Context(), subjects)
	if err != nil {
		return err
	}
	l := o.Pages.Locale(r)
	page := eventsPage{Frame: o.frame(r), Query: q, After: older, Listens: r.URL.Query().Get("follow") != "", Seen: seen}
	for _, e := range latest {
		page.Events = append(page.Events, line(l, e, known.of(e.Subject)))
	}
	o.Pages.Render(w, r, http.StatusOK, "operator-events", page)
	return nil
}

func line(l *webui.Locale, e devices.Event, identifier string) eventLine {
	by, other := caused(l, e.Actor)
	return eventLine{e, identifier, l.Absolute(e.At), by, other}
}

// eventsMeant reads a query, whose subject may be what somebody signs in with.
func (o *Operator) eventsMeant(r *http.Request) (eventQuery, error) {
	q := readEventQuery(o.Pages.Locale(r), r.URL.Query())
	meant, err := o.meant(r.Context(), query{Subject: q.Subject, devices: devices.DeviceQuery{Subject: q.Subject}})
	q.events.Subject = meant.devices.Subject
	return q, err
}

// latest returns the events that a query is about, and a name for just these.
func (o *Operator) latest(ctx context.Context, q eventQuery) ([]devices.Event, string, error) {
	if q.Wrong != "" {
		return nil, "", nil
	}
	latest, err := o.Finder.FindEvents(ctx, q.events)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	for _, e := range latest {
		fmt.Fprintf(sum, "%q", e.ID)
	}
	return latest, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]), nil
}

// stream is GET /pages/events/stream: server-sent events (WHATWG HTML §9.2),
// each of which only says that there is news. The page then asks for itself.
func (o *Operator) stream(w http.ResponseWriter, r *http.Request) error {
	seen := r.Header.Get("Last-Event-ID")
	if seen == "" {
		seen = r.URL.Query().Get("seen")
	}
	q, err := o.eventsMeant(r)
	if err != nil {
		return err
	}
	_, now, err := o.latest(r.Context(), q)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy that gathers answers would keep the news
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil {
		return nil //nolint:nilerr // the browser is gone
	}
	ctx, stop := context.WithTimeout(r.Context(), streamFor)
	defer stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if now != seen {
			fmt.Fprintf(w, "id: %s\ndata: news\n\n", now)
			seen = now
		}
		if http.NewResponseController(w).Flush() != nil {
			return nil // the browser is gone
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, now, err = o.latest(ctx, q); err != nil {
			return nil //nolint:nilerr // the browser asks again, and is told then
		}
	}
}
