package ory

import (
	"context"

	"github.com/lanyard-id/lanyard/devices"
)

// outlived sets out to end the sessions elsewhere whose device has ended, or
// whose subject is disabled: those that were tied while the device was being
// ended, and those of a subject that nobody told an event of.
func (c *Reconciler) outlived(ctx context.Context) error {
	for {
		ties, err := c.Ties.OutlivedTies(ctx, part)
		if err != nil || len(ties) == 0 {
			return err
		}
		now := c.Client.Now()
		legs := make([]devices.Leg, len(ties))
		for i, t := range ties {
			legs[i] = devices.Leg{
				ID: c.Registry.NewID(), Kind: devices.LegKind(t.Kind), Ref: t.Ref, Subject: t.Subject, DeviceID: t.DeviceID,
				State: devices.LegPending, CreatedAt: now, NextAt: now,
			}
		}
		if err := c.Ties.QueueLegs(ctx, "", "", legs); err != nil {
			return err
		}
	}
}
