package devices

import (
	"context"
	"errors"
	"time"
)

// Subject is an end user as operators look for one.
type Subject struct {
	ID string // the sub of their tokens
	// Identifier is what they type to sign in here. Empty where they sign in
	// elsewhere, or were deleted.
	Identifier string
	Disabled   bool
	CreatedAt  time.Time
}

// EndAll ends every device, grant and sign-in of the subject of a change, on
// an operator's word, and returns how many devices it ended. Tombstones stay.
func (r *Registry) EndAll(ctx context.Context, tx Tx, reason Reason) (int, error) {
	ended, err := r.EndOthers(ctx, tx, "", reason, "operator")
	if err != nil {
		return 0, err
	}
	now := r.Now()
	grants, err := tx.EndGrants(ctx, Selection{}, reason, now)
	return ended, errors.Join(err, tx.Tell(ctx, r.grantEvents(grants, reason, now, ActorOperator)...))
}

// EndOthers ends every live device of the subject of a change but one, with
// their grants and sign-ins, and returns how many it ended. By is who ended
// them, as in [Device].
func (r *Registry) EndOthers(ctx context.Context, tx Tx, keep string, reason Reason, by string) (int, error) {
	known, err := tx.Devices(ctx)
	if err != nil {
		return 0, err
	}
	ended, now := 0, r.Now()
	for _, d := range known {
		if d.ID == keep || !d.Live() {
			continue
		}
		if err := r.end(ctx, tx, d, now, reason, by); err != nil {
			return 0, err
		}
		ended++
	}
	return ended, nil
}
