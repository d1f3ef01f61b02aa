package devices

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNewDeviceLimit: too many new devices of the subject within the hour. It
// is an ErrDeviceLimit too; [RetryAt] tells when there is room again.
var ErrNewDeviceLimit = fmt.Errorf("too many new devices within the hour: %w", ErrDeviceLimit)

// pace is how long a new device counts as one.
const pace = time.Hour

// roomAt is when an ErrNewDeviceLimit is over.
type roomAt struct{ at time.Time }

func (r roomAt) Error() string { return "room at " + r.at.UTC().Format(time.RFC3339) }

// RetryAt returns when one more device may be new, of an error that is an
// ErrNewDeviceLimit; else the zero time.
func RetryAt(err error) time.Time {
	var r roomAt
	if errors.As(err, &r) {
		return r.at
	}
	return time.Time{}
}

// paced returns an ErrNewDeviceLimit where as many of the subject's devices as
// may be are younger than an hour, ended ones too: whoever has a password must
// not flood the list of its owner, nor push the owner's devices out of it one
// by one. Known devices are not counted, and still sign in.
func (r Rules) paced(known []Device, now time.Time) error {
	if r.MaxNewPerHour <= 0 {
		return nil
	}
	var young []time.Time
	for _, d := range known {
		if d.CreatedAt.After(now.Add(-pace)) {
			young = append(young, d.CreatedAt)
		}
	}
	if len(young) < r.MaxNewPerHour {
		return nil
	}
	slices.SortFunc(young, time.Time.Compare)
	// There is room when all but the allowed number less one have aged.
	return errors.Join(ErrNewDeviceLimit, roomAt{young[len(young)-r.MaxNewPerHour].Add(pace)})
}
