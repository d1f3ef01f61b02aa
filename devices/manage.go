package devices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Actor is an owner acting through one of their devices.
type Actor struct {
	Subject  string
	DeviceID string
	// AuthTime is when the subject last proved who they are; a fresh one
	// makes up for a young device.
	AuthTime time.Time
	// By is what the request was authenticated by.
	By Credential
}

// Edit is a change to a device; nil fields stay as they are.
type Edit struct {
	Name            *string // empty clears it
	CanUpdateOthers *bool
	CanDeleteOthers *bool
	// Acknowledge clears the flag of a flagged device, unless it was flagged
	// again after Seen; a zero Seen is now.
	Acknowledge bool
	Seen        time.Time
}

func (e Edit) renamesOnly() bool {
	return e.CanUpdateOthers == nil && e.CanDeleteOthers == nil && !e.Acknowledge
}

// Current returns the actor's own device, live, or why it is not:
// ErrNoDevice, ErrNotRecognized, or ErrRevoked with the device as it ended.
func (r *Registry) Current(ctx context.Context, a Actor) (Device, error) {
	if a.DeviceID == "" {
		return Device{}, ErrNoDevice
	}
	d, err := r.Store.Device(ctx, a.Subject, a.DeviceID)
	switch {
	case errors.Is(err, ErrNotFound):
		return Device{}, ErrNotRecognized
	case err != nil:
		return Device{}, err
	case !d.Live():
		return d, ErrRevoked
	}
	return d, nil
}

// List returns the devices of the actor's subject, oldest first, ended ones
// too.
func (r *Registry) List(ctx context.Context, a Actor) ([]Device, error) {
	if _, err := r.Current(ctx, a); err != nil {
		return nil, err
	}
	return r.Store.Devices(ctx, a.Subject)
}

// History returns the judgments on a device of the actor's subject, newest
// first.
func (r *Registry) History(ctx context.Context, a Actor, id string, p Page) ([]Judgment, error) {
	if _, err := r.Current(ctx, a); err != nil {
		return nil, err
	}
	if _, err := r.Store.Device(ctx, a.Subject, id); err != nil {
		return nil, err
	}
	return r.Store.History(ctx, a.Subject, id, p)
}

// Edit changes a device and returns it. The actor's own name is always
// theirs to change; anything else needs the edit permission and an actor that
// is old enough or freshly signed in. Nobody hands out a permission that the
// acting device lacks, least of all to itself.
func (r *Registry) Edit(ctx context.Context, a Actor, id string, e Edit) (Device, error) {
	if err := e.valid(); err != nil {
		return Device{}, err
	}
	var edited Device
	err := r.change(ctx, a, id, func(tx Tx, actor, target Device) error {
		now := r.Now()
		if err := r.mayEdit(a, actor, target, e, now); err != nil {
			return err
		}
		var events []Event
		edited, events = r.apply(target, e, now, ActorDevice(actor.ID))
		if len(events) == 0 {
			return nil
		}
		return errors.Join(tx.Put(ctx, edited), tx.Tell(ctx, events...))
	}, ErrNoEditPermission, func(d Device) bool { return d.CanUpdateOthers })
	return edited, err
}

func (e Edit) valid() error {
	if e.Name == nil {
		return nil
	}
	if utf8.RuneCountInString(*e.Name) > MaxNameLength {
		return fmt.Errorf("%w: name: longer than %d characters", ErrInvalid, MaxNameLength)
	}
	if !utf8.ValidString(*e.Name) || strings.ContainsFunc(*e.Name, Misleads) {
		return fmt.Errorf("%w: name: holds control or invisible characters", ErrInvalid)
	}
	return nil
}

func (r *Registry) mayEdit(a Actor, actor, target Device, e Edit, now time.Time) error {
	if !target.Live() {
		return ErrEditingDisabled
	}
	if actor.ID == target.ID && e.renamesOnly() {
		return nil
	}
	grants := func(p *bool) bool { return p != nil && *p }
	if !actor.CanUpdateOthers || (grants(e.CanDeleteOthers) && !actor.CanDeleteOthers) {
		return ErrNoEditPermission
	}
	if !r.mature(a, actor, now) {
		return ErrStepUpRequired
	}
	if target.Age(now) < r.Rules.UpdateDelay {
		return ErrEditingDisabled
	}
	return nil
}

// apply returns the device as edited, and one event for each kind of change.
func (r *Registry) apply(d Device, e Edit, now time.Time, actor string) (Device, []Event) {
	before := d
	if e.Name != nil {
		d.Name = *e.Name
	}
	if e.CanUpdateOthers != nil {
		d.CanUpdateOthers = *e.CanUpdateOthers
	}
	if e.CanDeleteOthers != nil {
		d.CanDeleteOthers = *e.CanDeleteOthers
	}
	if e.Acknowledge {
		d = d.Answered(e.Seen)
	}
	var events []Event
	tell := func(t EventType) {
		events = append(events, Event{ID: r.NewID(), Type: t, At: now, Subject: d.Subject, DeviceID: d.ID, Actor: actor})
	}
	if d.Name != before.Name {
		tell(EventDeviceRenamed)
	}
	if d.CanUpdateOthers != before.CanUpdateOthers || d.CanDeleteOthers != before.CanDeleteOthers {
		tell(EventPermissionsChanged)
	}
	if d.State != before.State {
		tell(EventDeviceAcknowledged)
	}
	if len(events) > 0 {
		d.Version++
	}
	return d, events
}

// change runs fn with the actor's own device and its target. Acting on
// another device needs the permission, which is asked before the target is
// looked for: an answer never tells a device without it what exists.
func (r *Registry) change(
	ctx context.Context, a Actor, id string, fn func(tx Tx, actor, target Device) error,
	lacking error, permitted func(Device) bool,
) error {
	return r.Store.Change(ctx, a.Subject, func(tx Tx) error {
		known, actor, err := r.actor(ctx, tx, a)
		if err != nil {
			return err
		}
		if id != actor.ID && !permitted(actor) {
			return lacking
		}
		for _, d := range known {
			if d.ID == id {
				return fn(tx, actor, d)
			}
		}
		return ErrNotFound
	})
}

// actor returns the subject's devices and the acting one among them, live. The
// error is ErrOutdated where the caller's token or session has ended since it
// was verified.
func (r *Registry) actor(ctx context.Context, tx Tx, a Actor) ([]Device, Device, error) {
	if a.DeviceID == "" {
		return nil, Device{}, ErrNoDevice
	}
	known, err := tx.Devices(ctx)
	if err != nil {
		return nil, Device{}, err
	}
	for _, d := range known {
		switch {
		case d.ID != a.DeviceID:
		case !d.Live():
			return nil, Device{}, ErrRevoked
		default:
			return known, d, tx.Check(ctx, a.By)
		}
	}
	return nil, Device{}, ErrNotRecognized
}

// NeedsSignIn reports whether the actor must prove anew who they are before they
// act on other devices. The device is the actor's own.
func (r *Registry) NeedsSignIn(a Actor, own Device) bool { return !r.mature(a, own, r.Now()) }

// mature reports whether the actor may act on other devices: its device is
// old enough, or the subject has just proved who they are. The second way
// matters to who signs in on a new device to get rid of a thief.
func (r *Registry) mature(a Actor, actor Device, now time.Time) bool {
	fresh := r.Rules.FreshFor
	if fresh == 0 {
		fresh = 5 * time.Minute
	}
	return actor.Age(now) >= r.Rules.MinActorAge ||
		(!a.AuthTime.IsZero() && now.Sub(a.AuthTime) < fresh)
}
