package devices

import (
	"context"
	"time"
)

// Doubt returns the reason for which a judgment leaves a live device flagged
// until its owner has answered, or "" if it does not. Each judgment that is not
// a plain allow does, unless all it says is that the grant or the subject has
// ended, or that a response was lost, which is forgiven.
//
// This is the one rule for the state of a device, for the event device.flagged
// and for what the pages and the APIs show.
func (v Verdict) Doubt() Reason {
	if v.Decision == Allow || len(v.Evidence) == 0 {
		return ""
	}
	for _, e := range v.Evidence {
		if e.Reason == ReasonResponseLost && e.Weight > 0 && v.Would == Flag {
			return ""
		}
	}
	switch r := v.Evidence[0].Reason; r {
	case ReasonGrantRevoked, ReasonSubjectDisabled, ReasonExpired:
		return ""
	default:
		return r
	}
}

// Doubted returns the device after a judgment at a time, and whether that
// leaves it flagged. An ended device stays as it is.
func (d Device) Doubted(v Verdict, at time.Time) (Device, bool) {
	reason := v.Doubt()
	if reason == "" || !d.Live() {
		return d, false
	}
	if d.State != StateFlagged || d.FlaggedAt.IsZero() {
		d.State, d.FlaggedAt = StateFlagged, at
	}
	if at.After(d.DoubtedAt) { // requests are not stored in the order of their arrival
		d.DoubtedAt = at
	}
	d.FlaggedReason = reason
	d.Version++
	return d, true
}

// Answered returns the device after its owner has answered every judgment until
// a time; a zero time is all of them. A later one leaves it flagged.
func (d Device) Answered(until time.Time) Device {
	if d.State == StateFlagged && (until.IsZero() || !d.DoubtedAt.After(until)) {
		d.State, d.FlaggedReason, d.FlaggedAt, d.DoubtedAt = StateActive, "", time.Time{}, time.Time{}
	}
	return d
}

// doubt writes what a judgment leaves of a device, as it stands in the change,
// and returns it, with an event if that is where it became flagged. It returns
// none if nothing waits for an answer.
func (r *Registry) doubt(ctx context.Context, tx Tx, id string, v Verdict, at time.Time) (Device, []Event, error) {
	if v.Doubt() == "" {
		return Device{}, nil, nil
	}
	known, err := tx.Devices(ctx)
	if err != nil {
		return Device{}, nil, err
	}
	for _, before := range known {
		if before.ID != id {
			continue
		}
		if d, flagged := before.Doubted(v, at); flagged {
			return d, r.flagged(before, d, at, v), tx.Put(ctx, d)
		}
	}
	return Device{}, nil, nil
}

// flagged returns the event of a device that a judgment has just flagged.
func (r *Registry) flagged(before, after Device, at time.Time, v Verdict) []Event {
	if before.State == after.State {
		return nil
	}
	return []Event{r.event(EventDeviceFlagged, after, at, v)}
}

// vouched returns the carriers that the device had used before anything about
// it was doubted.
func (d Device) vouched() []Carrier {
	used := append([]Carrier{d.First.Carrier(), d.Last.Carrier()}, d.Known...)
	switch {
	case d.State == StateActive, d.State == StateFlagged && d.LastAt.Before(d.FlaggedAt):
		return used
	case d.State == StateFlagged && d.CreatedAt.Before(d.FlaggedAt):
		return used[:1]
	default:
		return nil
	}
}
