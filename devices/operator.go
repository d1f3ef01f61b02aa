package devices

import (
	"context"
	"errors"
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

// RenameByOperator names a device on an operator's word, or ErrNotFound.
func (r *Registry) RenameByOperator(ctx context.Context, subject, id, name string) (Device, error) {
	e := Edit{Name: &name}
	if err := e.valid(); err != nil {
		return Device{}, err
	}
	var renamed Device
	err := r.Store.Change(ctx, subject, func(tx Tx) error {
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		for _, d := range known {
			if d.ID == id {
				var events []Event
				renamed, events = r.apply(d, e, r.Now())
				return errors.Join(tx.Put(ctx, renamed), tx.Tell(ctx, events...))
			}
		}
		return ErrNotFound
	})
	return renamed, err
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
		return errors.Join(err, tx.Tell(ctx, r.grantEvents(grants, reason, now)...))
	})
}
