package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lanyard-id/lanyard/bounded"
	"github.com/lanyard-id/lanyard/devices"
)

// Event is a told fact: ids and codes, never an address or a token.
type Event struct {
	ID            string    `json:"id"`
	Type          string    `json:"type" example:"device.revoked"`
	At            time.Time `json:"at"`
	Subject       string    `json:"subject"`
	DeviceID      string    `json:"device_id"`
	ClientID      string    `json:"client_id"`
	GrantID       string    `json:"grant_id"`
	Reasons       []string  `json:"reasons" nullable:"false"`
	Verdict       string    `json:"verdict" doc:"allow, flag, step_up, refuse or empty."`
	PolicyVersion string    `json:"policy_version"`
	Actor         string    `json:"actor" doc:"Who caused it: operator, client, system, or device: with the id of a device of the subject. Empty for events from before actors were kept."`
}

// Events is a part of what happened.
type Events struct {
	Events []Event `json:"events" nullable:"false"`
	Next   string  `json:"next" doc:"What to send as after for what comes next, now or later."`
}

func eventOf(e devices.Event) Event {
	return Event{
		ID: e.ID, Type: string(e.Type), At: e.At.UTC(), Subject: e.Subject, DeviceID: e.DeviceID,
		ClientID: e.ClientID, GrantID: e.GrantID, Reasons: codes(e.Reasons),
		Verdict: e.Verdict, PolicyVersion: e.PolicyVersion, Actor: e.Actor,
	}
}

type eventsInput struct {
	After string `query:"after" pattern:"^[0-9A-Za-z._-]{1,64}$" patternDescription:"cursor" doc:"The next of the part before, or the id of an event. Empty is the beginning."`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Wait  int    `query:"wait" minimum:"0" maximum:"60" default:"0" doc:"Seconds to wait for the first event, where there is none yet."`
}

type eventsOutput struct{ Body Events }

// EventsPath is the path at which a reader may wait for events, for a minute at
// most. Each of its reads has a deadline of its own.
const EventsPath = "/admin/events"

// lookFor is how long one read of events may take.
const lookFor = 10 * time.Second

// lookEvery is how often a waiting reader looks for events. They are told by
// every replica, so the table is the only place to hear of them.
const lookEvery = 250 * time.Millisecond

func (a *Admin) events(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	waiting, stop := context.WithTimeout(ctx, time.Duration(in.Wait)*time.Second)
	defer stop()
	for {
		page, err := a.look(ctx, in)
		switch {
		case errors.Is(err, devices.ErrInvalid):
			return nil, invalid(FieldProblem{Field: "query.after", Message: "there is no event with this id, and no such cursor, or not any more"})
		case err != nil:
			return nil, err
		}
		in.After = page.Next // an event's id is looked up once
		if len(page.Events) == 0 {
			select {
			case <-time.After(lookEvery):
				if waiting.Err() == nil {
					continue
				}
			case <-waiting.Done():
			}
		}
		out := &eventsOutput{Events{Events: make([]Event, 0, len(page.Events)), Next: page.Next}}
		for _, e := range page.Events {
			out.Body.Events = append(out.Body.Events, eventOf(e))
		}
		return out, nil
	}
}

func (a *Admin) look(ctx context.Context, in *eventsInput) (devices.EventPage, error) {
	ctx, cancel := bounded.Context(ctx, lookFor)
	defer cancel()
	return a.finder.EventsAfter(ctx, in.After, in.Limit)
}

// unhurried lifts the server's limit on how long an answer may take: a reader
// may wait longer than that.
func unhurried(ctx huma.Context, next func(huma.Context)) {
	_, w := humago.Unwrap(ctx)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // not every writer has one
	next(ctx)
}
