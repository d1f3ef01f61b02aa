package webui

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// Outward tells what is being ended at other servers.
type Outward interface {
	// Legs returns what is being ended elsewhere for a device, oldest first.
	Legs(ctx context.Context, deviceID string) ([]devices.Leg, error)
	// ClientLegs returns what is being ended elsewhere of a client's access to
	// what is a subject's, since a time, oldest first.
	ClientLegs(ctx context.Context, subject, clientID string, since time.Time) ([]devices.Leg, error)
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
	v.addLegs(page, legs)
	return nil
}

// withdrawnElsewhere adds to a receipt what becomes of a client's access at
// other servers.
func (u *UI) withdrawnElsewhere(
	ctx context.Context, v *visit, clientID string, since time.Time, ended []records.Grant, page *receiptPage,
) error {
	elsewhere := slices.ContainsFunc(ended, func(g records.Grant) bool { return g.Issuer != "" })
	if u.Outward == nil || !elsewhere {
		return nil
	}
	legs, err := u.Outward.ClientLegs(ctx, v.session.Subject, clientID, since)
	if err != nil {
		return err
	}
	page.Waiting = len(legs) == 0 && v.now.Sub(since) < queuing
	v.addLegs(page, legs)
	return nil
}

// addLegs adds to a receipt what is ended at other servers.
func (v *visit) addLegs(page *receiptPage, legs []devices.Leg) {
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
}

// ends says what a leg ends.
func (l *Locale) ends(leg devices.Leg) string {
	switch leg.Kind {
	case devices.LegHydraChain:
		return l.T("Access for %s", isolated(Cut(cmp.Or(leg.ClientID, "?"), 60)))
	case devices.LegHydraConsent:
		return l.T("Consent for %s", isolated(Cut(cmp.Or(leg.ClientID, "?"), 60)))
	case devices.LegHydraLogin:
		return l.T("Sign-in for apps")
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
		return l.T("not confirmed by the server; refused here from now on")
	case leg.State == devices.LegHeld:
		return l.T("cannot be ended there; refused here from now on")
	default:
		return l.T("ending; not confirmed by the server yet")
	}
}
