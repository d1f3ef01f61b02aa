package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type eventRow struct {
	bun.BaseModel `bun:"table:events"`

	Seq           int64                    `bun:"seq,scanonly"`
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
}

func (r *eventRow) event() devices.Event {
	return devices.Event{
		ID: r.ID, Type: devices.EventType(r.Type), At: r.At.time(), Subject: r.Subject,
		DeviceID: r.DeviceID, ClientID: r.ClientID, GrantID: r.GrantID, Reasons: r.Reasons.V,
		Verdict: r.Verdict, PolicyVersion: r.PolicyVersion,
	}
}

// tell appends events, in their order. The transaction must hold the lock of
// their subjects, or they are told out of order.
func tell(ctx context.Context, tx bun.Tx, events ...devices.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([]eventRow, len(events))
	for i, e := range events {
		if err := writable(e); err != nil {
			return err
		}
		rows[i] = eventRow{
			At: at(e.At), ID: e.ID, Type: string(e.Type), Subject: e.Subject, DeviceID: e.DeviceID,
			ClientID: e.ClientID, GrantID: e.GrantID, Reasons: pack(e.Reasons),
			Verdict: e.Verdict, PolicyVersion: e.PolicyVersion,
		}
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fmt.Errorf("tell %d events: %w", len(events), err)
	}
	return nil
}

// ended returns the events that tell of grants that the store itself ended.
func ended(grants []devices.Grant, reason devices.Reason, when time.Time) []devices.Event {
	events := make([]devices.Event, len(grants))
	for i, g := range grants {
		events[i] = devices.Event{
			ID: rand.Text(), Type: devices.EventGrantRevoked, At: when, Subject: g.Subject,
			DeviceID: g.DeviceID, ClientID: g.ClientID, GrantID: g.ID, Reasons: []devices.Reason{reason},
		}
	}
	return events
}

// EventsAfter returns what was told after a cursor, or from the beginning
// where it is empty. A limit of 0 means 50; more than 500 is 500.
//
// Events that a running transaction may still precede are not told yet, so
// that a reader who goes on from each Next misses none.
func (s *Store) EventsAfter(ctx context.Context, cursor string, most int) (devices.EventPage, error) {
	xid, seq, err := readCursor(cursor)
	if err != nil {
		return devices.EventPage{}, err
	}
	order := "seq"
	if s.pg {
		order = "xid, seq"
	}
	var rows []eventRow
	query := s.read.NewSelect().Model(&rows).ColumnExpr("*").OrderExpr(order).
		Limit(limit(devices.Page{Limit: most}))
	if s.pg {
		query.Where("(xid, seq) > (?, ?)", xid, seq).
			Where("xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
	} else {
		query.Where("seq > ?", seq)
	}
	if err := query.Scan(ctx); err != nil {
		return devices.EventPage{}, fmt.Errorf("list events: %w", err)
	}
	page := devices.EventPage{Events: make([]devices.Event, len(rows)), Next: cursor}
	for i := range rows {
		page.Events[i] = rows[i].event()
		page.Next = fmt.Sprintf("%d.%d", rows[i].XID, rows[i].Seq)
	}
	return page, nil
}

func readCursor(cursor string) (xid, seq int64, err error) {
	if cursor == "" {
		return -1, 0, nil
	}
	first, second, _ := strings.Cut(cursor, ".")
	if xid, err = strconv.ParseInt(first, 10, 64); err == nil {
		seq, err = strconv.ParseInt(second, 10, 64)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%w: cursor %q", devices.ErrInvalid, cursor)
	}
	return xid, seq, nil
}
