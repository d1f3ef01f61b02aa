package devices

import (
	"context"
	"time"
)

// Revoke ends a device of the actor's subject with all its grants and
// sign-ins. Ending one that has ended is no error and no change.
func (r *Registry) Revoke(ctx context.Context, a Actor, id string) error {
	return r.revoke(ctx, a, id, ReasonLogout, ReasonOwner)
}

// Disown ends a device like [Registry.Revoke], because what happened on it was
// not its owner: also where it is the actor's own, which is then no sign-out.
func (r *Registry) Disown(ctx context.Context, a Actor, id string) error {
	return r.revoke(ctx, a, id, ReasonNotMe, ReasonNotMe)
}

// revoke ends a device, for one reason if it is the actor's own and for
// another if it is not.
func (r *Registry) revoke(ctx context.Context, a Actor, id string, own, other Reason) error {
	return r.change(ctx, a, id, func(tx Tx, actor, target Device) error {
		now := r.Now()
		if actor.ID == target.ID {
			return r.end(ctx, tx, target, now, own, actor.ID)
		}
		if err := r.mayEnd(a, actor, target, now); err != nil || !target.Live() {
			return err
		}
		return r.end(ctx, tx, target, now, other, actor.ID)
	}, ErrNoDeletePermission, func(d Device) bool { return d.CanDeleteOthers })
}

// EndGrant ends a grant on a device of the actor's subject, because what happened
// with it was not its owner; the device stays. On another device that is bound by
// the rules of [Registry.Revoke]. The error is ErrNotFound if no such grant is
// live there.
func (r *Registry) EndGrant(ctx context.Context, a Actor, id, grantID string) error {
	if grantID == "" {
		return ErrNotFound
	}
	return r.change(ctx, a, id, func(tx Tx, actor, target Device) error {
		now := r.Now()
		if err := r.mayEnd(a, actor, target, now); err != nil {
			return err
		}
		ended, err := tx.EndGrants(ctx, Selection{DeviceID: id, GrantID: grantID}, ReasonNotMe, now)
		switch {
		case err != nil:
			return err
		case len(ended) == 0:
			return ErrNotFound
		}
		return tx.Tell(ctx, r.grantEvents(ended, ReasonNotMe, now, ActorDevice(actor.ID))...)
	}, ErrNoDeletePermission, func(d Device) bool { return d.CanDeleteOthers })
}

// mayEnd returns why the actor's device may not end another one, or what the
// other one holds: ErrStepUpRequired if it is too young, ErrDeletionDisabled if
// the other one is live and too young. It may always end itself.
func (r *Registry) mayEnd(a Actor, actor, target Device, now time.Time) error {
	switch {
	case actor.ID == target.ID:
		return nil
	case !r.mature(a, actor, now):
		return ErrStepUpRequired
	case target.Live() && now.Before(r.EndableFrom(target)):
		return ErrDeletionDisabled
	}
	return nil
}

// Logout ends the actor's own device.
func (r *Registry) Logout(ctx context.Context, a Actor) error {
	return r.Revoke(ctx, a, a.DeviceID)
}

// EndableFrom returns when another device may end this one.
func (r *Registry) EndableFrom(d Device) time.Time { return d.CreatedAt.Add(r.Rules.DeleteDelay) }

// RevokeOthers ends every device of the actor's subject but the actor's own and
// those that are younger than the delay. It returns how many it ended, and the
// ones that it kept for their age.
func (r *Registry) RevokeOthers(ctx context.Context, a Actor) (ended int, kept []Device, err error) {
	err = r.Store.Change(ctx, a.Subject, func(tx Tx) error {
		ended, kept = 0, nil
		known, actor, err := r.actor(ctx, tx, a)
		if err != nil {
			return err
		}
		now := r.Now()
		switch {
		case !actor.CanDeleteOthers:
			return ErrNoDeletePermission
		case !r.mature(a, actor, now):
			return ErrStepUpRequired
		}
		for _, d := range known {
			if d.ID == actor.ID || !d.Live() {
				continue
			}
			if now.Before(r.EndableFrom(d)) {
				kept = append(kept, d)
				continue
			}
			if err := r.end(ctx, tx, d, now, ReasonOwner, actor.ID); err != nil {
				return err
			}
			ended++
		}
		return nil
	})
	return ended, kept, err
}
