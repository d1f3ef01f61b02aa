package devices

import (
	"context"
	"crypto/rand"
	"errors"
)

func (r *Registry) meetAgain(
	ctx context.Context, tx Tx, d Device, s Sighting, v Verdict,
) (Enrolment, error) {
	d.Fingerprint = d.Fingerprint.Merge(s.Fingerprint)
	d = d.MovedTo(s.Network, s.At)
	d.LastSeen = s.At
	d.Version++
	before := d
	d, _ = d.Doubted(v, s.At)
	events := r.flagged(before, d, s.At, v)
	if v.Decision == Flag && v.elsewhere() {
		events = append(events, r.event(EventLoginSuspicious, d, s.At, v))
	}
	err := errors.Join(
		tx.Put(ctx, d),
		tx.Record(ctx, r.judgment(d, nil, s, v)),
		tx.Tell(ctx, events...))
	return Enrolment{Device: d, Verdict: v}, err
}

func (r *Registry) meet(
	ctx context.Context, tx Tx, subject string, known []Device, s Sighting, v Verdict, secret []byte,
) (Enrolment, error) {
	if err := r.Rules.paced(known, s.At); err != nil {
		return Enrolment{}, err
	}
	live, err := r.makeRoom(ctx, tx, known, s)
	if err != nil {
		return Enrolment{}, err
	}
	if v.Would == Allow {
		v = r.Policy.Meet(known, s)
	}
	if secret == nil {
		secret = make([]byte, 32)
		_, _ = rand.Read(secret) // never fails (crypto/rand)
	}
	acts := live == 0 || r.Rules.EveryDeviceActs
	d := Device{
		ID: r.NewID(), Subject: subject, State: StateActive, Tier: TierCookie,
		CookieHash: CookieHash(secret), Fingerprint: s.Fingerprint, Entrance: s.Entrance,
		First: s.Network, Last: s.Network, LastAt: s.At, CreatedAt: s.At, LastSeen: s.At, Version: 1,
		CanUpdateOthers: acts, CanDeleteOthers: acts,
	}
	enrolled := r.event(EventDeviceEnrolled, d, s.At, v)
	enrolled.Actor = ActorDevice(d.ID)
	events := []Event{enrolled}
	if v.Err() != nil || v.Decision == Flag {
		// A copied cookie, a device that was ended, or a place where none of
		// the subject's devices was: this is somebody with the password, so not
		// refused, but the owner must look.
		v.Decision = Flag
		d, _ = d.Doubted(v, s.At)
		events = append(events, r.event(EventLoginSuspicious, d, s.At, v), r.event(EventDeviceFlagged, d, s.At, v))
	}
	err = errors.Join(
		tx.Put(ctx, d),
		tx.Record(ctx, r.judgment(d, nil, s, v)),
		tx.Tell(ctx, events...))
	return Enrolment{Device: d, New: true, Secret: secret, Verdict: v}, err
}

// makeRoom ends devices until one more fits under the cap, and returns how
// many were live before: who pushed the only device out is not the first.
func (r *Registry) makeRoom(ctx context.Context, tx Tx, known []Device, s Sighting) (int, error) {
	var live []Device
	for _, d := range known {
		if d.Live() {
			live = append(live, d)
		}
	}
	before := len(live)
	for r.Rules.MaxPerSubject > 0 && len(live) >= r.Rules.MaxPerSubject {
		if r.Rules.Eviction == EvictRefuseNew {
			return 0, ErrDeviceLimit
		}
		i := r.evicted(live)
		if err := r.end(ctx, tx, live[i], s.At, ReasonDeviceLimit, "policy"); err != nil {
			return 0, err
		}
		live = append(live[:i], live[i+1:]...)
	}
	return before, nil
}

// evicted returns the index of the device to go. Live is oldest first.
func (r *Registry) evicted(live []Device) int {
	if r.Rules.Eviction == EvictOldest {
		return 0
	}
	longest := 0
	for i, d := range live {
		if d.LastSeen.Before(live[longest].LastSeen) {
			longest = i
		}
	}
	return longest
}
