package devices

import (
	"context"
	"errors"
	"slices"
)

// RevokeByOperator ends a device on an operator's word, or ErrNotFound.
func (r *Registry) RevokeByOperator(ctx context.Context, subject, id string) error {
	return r.Store.Change(ctx, subject, func(tx Tx) error {
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		for _, d := range known {
			switch {
			case d.ID != id:
			case !d.Live():
				return nil
			default:
				return r.end(ctx, tx, d, r.Now(), ReasonOperator, "operator")
			}
		}
		return ErrNotFound
	})
}

// RevokeOthersByOperator ends every device of a subject but one, on an
// operator's word, and returns how many it ended. The error is ErrNotFound if
// the subject has no such device that is live: everything would end. The delay
// of young devices does not bind operators.
func (r *Registry) RevokeOthersByOperator(ctx context.Context, subject, keep string) (int, error) {
	ended := 0
	err := r.Store.Change(ctx, subject, func(tx Tx) error {
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(known, func(d Device) bool { return d.ID == keep && d.Live() }) {
			return ErrNotFound
		}
		ended, err = r.EndOthers(ctx, tx, keep, ReasonOperator, "operator")
		return err
	})
	return ended, err
}

// EditByOperator changes a device on an operator's word. The error is
// ErrNotFound, ErrInvalid, or ErrEditingDisabled for the permissions of a device
// that has ended.
func (r *Registry) EditByOperator(ctx context.Context, subject, id string, e Edit) (Device, error) {
	if err := e.valid(); err != nil {
		return Device{}, err
	}
	var edited Device
	err := r.Store.Change(ctx, subject, func(tx Tx) error {
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		for _, d := range known {
			switch {
			case d.ID != id:
				continue
			case !d.Live() && !e.renamesOnly():
				return ErrEditingDisabled
			}
			var events []Event
			edited, events = r.apply(d, e, r.Now(), ActorOperator)
			if len(events) == 0 {
				return nil
			}
			return errors.Join(tx.Put(ctx, edited), tx.Tell(ctx, events...))
		}
		return ErrNotFound
	})
	return edited, err
}

// RevokeSubject ends every device, grant and sign-in of a subject, and
// returns how many devices it ended.
func (r *Registry) RevokeSubject(ctx context.Context, subject string, reason Reason) (int, error) {
	ended := 0
	err := r.Store.Change(ctx, subject, func(tx Tx) (err error) {
		ended, err = r.EndAll(ctx, tx, reason)
		return err
	})
	return ended, err
}

// RevokeGrant ends one grant, its device stays.
func (r *Registry) RevokeGrant(ctx context.Context, subject, grantID string, reason Reason) error {
	return r.Store.Change(ctx, subject, func(tx Tx) error {
		now := r.Now()
		grants, err := tx.EndGrants(ctx, Selection{GrantID: grantID}, reason, now)
		return errors.Join(err, tx.Tell(ctx, r.grantEvents(grants, reason, now, actorFor(reason))...))
	})
}
