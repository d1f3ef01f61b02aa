package webui

import (
	"cmp"
	"context"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Outward tells what is being ended at other servers.
type Outward interface {
	// Legs returns what is being ended elsewhere for a device, oldest first.
	Legs(ctx context.Context, deviceID string) ([]devices.Leg, error)
}

// leg is one thing that is ended at another server, in words.
type leg struct {
	What, State string
	Until       Stamp // when what is left has died by itself
}

// queuing is how long after its end a device's legs may not be there yet.
const queuing = 10 * time.Second

// elsewhere adds to a receipt what becomes of a device at other servers.
func (u *UI) elsewhere(ctx context.Context, v *visit, d devices.Device, page *receiptPage) error {
	if u.Outward == nil {
		return nil
	}
	legs, err := u.Outward.Legs(ctx, d.ID)
	if err != nil {
		return err
	}
	if len(legs) == 0 && v.now.Sub(d.RevokedAt) < queuing {
		page.Waiting = true
	}
	for _, l := range legs {
		shown := leg{What: v.ends(l), State: v.stands(l)}
		page.Waiting = page.Waiting || l.State == devices.LegPending
		if l.Until.After(v.now) {
			shown.Until, page.Over = v.Until(l.Until, v.now), false
		}
		if len(page.Legs) < 5*perPage {
			page.Legs = append(page.Legs, shown)
		}
	}
	return nil
}

// ends says what a leg ends.
func (l *Locale) ends(leg devices.Leg) string {
	switch leg.Kind {
	case devices.LegHydraChain:
		return l.T("Access of %s", isolated(Cut(cmp.Or(leg.ClientID, "?"), 60)))
	case devices.LegHydraLogin:
		return l.T("Sign-in for applications")
	case devices.LegKratosSession, devices.LegKratosNew:
		return l.T("Sign-in to your account")
	default:
		return string(leg.Kind)
	}
}

// stands says how far a leg has come.
func (l *Locale) stands(leg devices.Leg) string {
	switch {
	case leg.State == devices.LegDone:
		return l.T("ended")
	case leg.State == devices.LegHeld && leg.Trouble == devices.TroubleUnconfirmed:
		return l.T("the server did not confirm it; it is refused here from now on")
	case leg.State == devices.LegHeld:
		return l.T("cannot be ended there; it is refused here from now on")
	default:
		return l.T("being ended; the server has not confirmed it yet")
	}
}
