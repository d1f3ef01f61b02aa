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
	now := r.Now()
	known, err := tx.Devices(ctx)
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, d := range known {
		if !d.Live() {
			continue
		}
		if err := r.end(ctx, tx, d, now, reason, "operator"); err != nil {
			return 0, err
		}
		ended++
	}
	grants, err := tx.EndGrants(ctx, Selection{}, reason, now)
	return ended, errors.Join(err, tx.Tell(ctx, r.grantEvents(grants, reason, now, ActorOperator)...))
}
