package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
)

type eventsCmd struct {
	List eventsList `cmd:"" help:"Print what happened, in order."`
	Tail eventsTail `cmd:"" help:"Print what happened last, and then what happens, until interrupted."`
}

// eventFilter says which events to print.
type eventFilter struct {
	After   string   `placeholder:"ID" help:"Begin after the event with this id, or after a cursor of the admin API."`
	Type    []string `placeholder:"TYPE" help:"Only events of these types, such as device.revoked."`
	Subject string   `help:"Only this subject's, by sub or by what they type to sign in."`
}

// Validate is called by the parser.
func (f eventFilter) Validate() error {
	known := []string{}
	for _, t := range devices.EventTypes() {
		known = append(known, string(t))
	}
	for _, t := range f.Type {
		if err := oneOf(t, known...); err != nil {
			return fmt.Errorf("--type: %w", err)
		}
	}
	return nil
}

func (f eventFilter) wants(e api.Event) bool {
	return (len(f.Type) == 0 || slices.Contains(f.Type, e.Type)) &&
		(f.Subject == "" || f.Subject == e.Subject)
}

// maxEvents is the most that the admin API returns at once.
const maxEvents = 500

// read reads up to limit events and returns those that are wanted, and how
// many it read. It waits for the first one up to so many seconds.
func (f eventFilter) read(
	ctx context.Context, client *adminClient, after string, limit, wait int,
) (part api.Events, read int, err error) {
	query := url.Values{"limit": {strconv.Itoa(min(limit, maxEvents))}, "wait": {strconv.Itoa(wait)}}
	if after != "" {
		query.Set("after", after)
	}
	if err := client.call(ctx, http.MethodGet, "/admin/events", query, nil, &part); err != nil {
		return part, 0, err
	}
	read = len(part.Events)
	part.Events = slices.DeleteFunc(part.Events, func(e api.Event) bool { return !f.wants(e) })
	return part, read, nil
}

type eventsList struct {
	adminFlags
	eventFilter
	Limit count `default:"1000" help:"At most so many."`
}

// Run prints the events. The next part begins after the id of the last one.
func (c *eventsList) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		if err := a.only(client, &c.Subject); err != nil {
			return err
		}
		all := api.Events{Events: []api.Event{}, Next: c.After}
		for len(all.Events) < int(c.Limit) {
			part, read, err := c.read(a.ctx, client, all.Next, int(c.Limit)-len(all.Events), 0)
			if err != nil {
				return err
			}
			all.Events, all.Next = append(all.Events, part.Events...), part.Next
			if read == 0 {
				break
			}
		}
		rows := make([]row, len(all.Events))
		for i, e := range all.Events {
			rows[i] = eventRow(e)
		}
		return a.print(all.Events, row{"ID", "AT", "EVENT", "SUBJECT", "DEVICE", "CLIENT", "REASONS", "ACTOR"}, rows...)
	})
}

func eventRow(e api.Event) row {
	return row{
		e.ID, stamp(e.At), e.Type, e.Subject, orDash(e.DeviceID), orDash(e.ClientID),
		orDash(strings.Join(e.Reasons, " ")), orDash(e.Actor),
	}
}

type eventsTail struct {
	adminFlags
	eventFilter
	Last int `default:"10" help:"Begin with so many of the last events."`
}

// tailWait is how long one request waits for an event, in seconds.
const tailWait = 30

// Run follows the events until the interrupt, which is no failure.
func (c *eventsTail) Run(a *app) error {
	return a.withAdmin(c.adminFlags, func(client *adminClient) error {
		err := a.only(client, &c.Subject)
		if err == nil {
			err = c.follow(a, client)
		}
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
}

// follow reads to the end, prints the last events there, and goes on.
func (c *eventsTail) follow(a *app, client *adminClient) error {
	var last []api.Event
	next, wait := c.After, 0
	for {
		part, read, err := c.read(a.ctx, client, next, maxEvents, wait)
		if err != nil {
			return err
		}
		next = part.Next
		if last = append(last, part.Events...); wait == 0 && read > 0 {
			last = last[max(0, len(last)-c.Last):]
			continue
		}
		for _, e := range last {
			if err := a.printEvent(e); err != nil {
				return err
			}
		}
		last, wait = nil, tailWait
	}
}

// printEvent writes one event on a line of its own.
func (a *app) printEvent(e api.Event) error {
	if a.flags.Output == "json" {
		return json.NewEncoder(a.stdout).Encode(e)
	}
	_, err := fmt.Fprintln(a.stdout, printable(strings.Join(eventRow(e), "  ")))
	return err
}
