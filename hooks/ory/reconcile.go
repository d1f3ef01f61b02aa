package ory

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Ties keeps which session elsewhere belongs to which device.
type Ties interface {
	LiveTies(ctx context.Context, kind devices.TieKind, after string, most int) ([]devices.Tie, error)
	DeviceTies(ctx context.Context, deviceID string) ([]devices.Tie, error)
	PutTie(ctx context.Context, t devices.Tie) error
	EndTie(ctx context.Context, kind devices.TieKind, ref string, at time.Time) error
	// OutlivedTies returns live ties of ended devices and disabled subjects
	// that no leg is about.
	OutlivedTies(ctx context.Context, most int) ([]devices.Tie, error)
	QueueLegs(ctx context.Context, reader, place string, legs []devices.Leg) error
}

// Reconciler has ended what outlives its device or its subject, and asks Kratos,
// where there is one, what became of the sessions that are tied to devices.
// Kratos tells nobody of a logout or of a session that was ended, so it must be
// asked.
type Reconciler struct {
	Client   *Client
	Ties     Ties
	Registry *devices.Registry
	Log      *slog.Logger
	// Every is how often all of them are asked about; zero is a minute.
	Every time.Duration
}

const (
	// settling is how long after a sign-in its session may not be saved yet.
	settling = 10 * time.Second
	part     = 100
	// patience is how many sessions in a row may be in trouble.
	patience = 5
)

// Run works until ctx ends.
func (c *Reconciler) Run(ctx context.Context) {
	every := c.Every
	if every == 0 {
		every = time.Minute
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := c.Once(ctx); err != nil && ctx.Err() == nil {
			c.Log.WarnContext(ctx, "looking after sessions elsewhere; trying again", "err", err)
		}
	}
}

// Once has ended what outlives its device or subject, and asks Kratos about
// every tied session.
func (c *Reconciler) Once(ctx context.Context) error {
	if err := c.outlived(ctx); err != nil {
		return err
	}
	if c.Client.KratosAdmin == "" {
		return nil // nobody to ask
	}
	if err := c.each(ctx, devices.TieKratosNew, c.name); err != nil {
		return err
	}
	return c.each(ctx, devices.TieKratosSession, c.ask)
}

// each goes on behind a session that is in trouble, which would keep all that
// come after it from being asked about; not where Kratos itself is. It returns
// the first trouble.
func (c *Reconciler) each(ctx context.Context, kind devices.TieKind, fn func(context.Context, devices.Tie) error) error {
	after, inARow := "", 0
	var trouble error
	for {
		ties, err := c.Ties.LiveTies(ctx, kind, after, part)
		if err != nil || len(ties) == 0 {
			return cmp.Or(trouble, err)
		}
		for _, t := range ties {
			err := fn(ctx, t)
			trouble = cmp.Or(trouble, err)
			if inARow++; err == nil {
				inARow = 0
			}
			if inARow == patience {
				return trouble
			}
		}
		after = ties[len(ties)-1].Ref
	}
}

// name replaces a tie by those of the sessions that it turned out to be.
func (c *Reconciler) name(ctx context.Context, t devices.Tie) error {
	if c.Client.Now().Sub(t.At) < settling {
		return nil
	}
	found, err := c.Client.SessionsIssued(ctx, t.Ref)
	if err != nil {
		return err
	}
	for _, id := range found {
		named := t
		named.Kind, named.Ref = devices.TieKratosSession, id
		if err := c.Ties.PutTie(ctx, named); err != nil {
			return err
		}
	}
	if err := c.Ties.EndTie(ctx, t.Kind, t.Ref, c.Client.Now()); err != nil || len(found) > 0 {
		return err
	}
	return c.gone(ctx, t)
}

// ask ends what hangs on a session that was ended at Kratos before its time.
// One that ran out ends nothing else: offline access outlives it on purpose.
func (c *Reconciler) ask(ctx context.Context, t devices.Tie) error {
	session, r, err := c.Client.kratos.GetSession(ctx, t.Ref).Execute()
	now := c.Client.Now()
	switch status := answered(r); {
	case status == http.StatusNotFound:
	case err != nil:
		return fmt.Errorf("read a session at Kratos (status %d): %w", status, err)
	case session.GetActive():
		return nil
	case !session.GetExpiresAt().After(now):
		return c.Ties.EndTie(ctx, t.Kind, t.Ref, now)
	}
	if err := c.Ties.EndTie(ctx, t.Kind, t.Ref, now); err != nil {
		return err
	}
	return c.gone(ctx, t)
}

// gone ends the grants of a device that has no session at Kratos any more.
func (c *Reconciler) gone(ctx context.Context, t devices.Tie) error {
	ties, err := c.Ties.DeviceTies(ctx, t.DeviceID)
	if err != nil {
		return err
	}
	for _, other := range ties {
		if other.EndedAt.IsZero() && other.Kind != devices.TieHydraLogin {
			return nil
		}
	}
	ended, err := c.Registry.EndGrantsOf(ctx, t.Subject, t.DeviceID, devices.ReasonLogout)
	if err == nil && ended > 0 {
		c.Log.InfoContext(ctx, "grants ended with their session at Kratos", "device", t.DeviceID, "grants", ended)
	}
	return err
}
