package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type eventRow struct {
	bun.BaseModel `bun:"table:events"`

	Seq           int64                    `bun:"seq,scanonly"`
	Era           int64                    `bun:"era,scanonly"`
	XID           int64                    `bun:"xid,scanonly"`
	At            micros                   `bun:"at"`
	ID            string                   `bun:"id"`
	Type          string                   `bun:"type"`
	Subject       string                   `bun:"subject"`
	DeviceID      string                   `bun:"device_id"`
	ClientID      string                   `bun:"client_id"`
	GrantID       string                   `bun:"grant_id"`
	Reasons       packed[[]devices.Reason] `bun:"reasons"`
	Verdict       string                   `bun:"verdict"`
	PolicyVersion string                   `bun:"policy_version"`
	Actor         string                   `bun:"actor,nullzero"`
}

func (r *eventRow) event() devices.Event {
	return devices.Event{
		ID: r.ID, Type: devices.EventType(r.Type), At: r.At.time(), Subject: r.Subject,
		DeviceID: r.DeviceID, ClientID: r.ClientID, GrantID: r.GrantID, Reasons: r.Reasons.V,
		Verdict: r.Verdict, PolicyVersion: r.PolicyVersion, Actor: r.Actor,
	}
}

// tell appends events, in their order. The transaction must hold the lock of
// their subjects, or they are told out of order.
func tell(ctx context.Context, tx bun.Tx, events ...devices.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows, err := eventRows(events)
	if err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fmt.Errorf("tell %d events: %w", len(events), err)
	}
	return nil
}

func eventRows(events []devices.Event) ([]eventRow, error) {
	rows := make([]eventRow, len(events))
	for i, e := range events {
		if err := writable(e); err != nil {
			return nil, err
		}
		rows[i] = eventRow{
			At: at(e.At), ID: e.ID, Type: string(e.Type), Subject: e.Subject, DeviceID: e.DeviceID,
			ClientID: e.ClientID, GrantID: e.GrantID, Reasons: pack(e.Reasons),
			Verdict: e.Verdict, PolicyVersion: e.PolicyVersion, Actor: e.Actor,
		}
	}
	return rows, nil
}

// newID returns the ID of an event that the store emits: a UUID of version 7, as
// all events have.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// ended returns the events that tell of grants that the store itself ended for
// an actor.
func ended(grants []devices.Grant, reason devices.Reason, when time.Time, actor string) []devices.Event {
	events := make([]devices.Event, len(grants))
	for i, g := range grants {
		events[i] = devices.Event{
			ID: newID(), Type: devices.EventGrantRevoked, At: when, Subject: g.Subject,
			DeviceID: g.DeviceID, ClientID: g.ClientID, GrantID: g.ID, Reasons: []devices.Reason{reason}, Actor: actor,
		}
	}
	return events
}
