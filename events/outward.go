package events

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Outbox is where events wait, and how far a reader has come.
type Outbox interface {
	EventsAfter(ctx context.Context, cursor string, limit int) (devices.EventPage, error)
	Cursor(ctx context.Context, reader string) (string, error)
}

// Legs keeps what is to be ended elsewhere.
type Legs interface {
	QueueLegs(ctx context.Context, reader, place string, legs []devices.Leg) error
	LeaseLegs(ctx context.Context, now, until time.Time, most int) ([]devices.Leg, error)
	SettleLeg(ctx context.Context, l devices.Leg) error
}

// Book tells what a device and a grant have elsewhere.
type Book interface {
	DeviceTies(ctx context.Context, deviceID string) ([]devices.Tie, error)
	Holding(ctx context.Context, grantID string) (devices.Holding, error)
	EndTie(ctx context.Context, kind devices.TieKind, ref string, at time.Time) error
	// FindGrants returns grants, ended ones too, newest first.
	FindGrants(ctx context.Context, q devices.GrantQuery) ([]devices.Grant, error)
}

// Ender ends a leg at the server that it is about.
type Ender interface {
	// End returns the leg settled. An error means to try again.
	End(ctx context.Context, l devices.Leg) (devices.Leg, error)
}

// Outward ends elsewhere what was ended here.
type Outward struct {
	Outbox Outbox
	Legs   Legs
	Book   Book
	Ender  Ender
	Now    func() time.Time
	NewID  func() string
	Log    *slog.Logger
	// Every is how often it looks; zero is half a second.
	Every time.Duration
}

const (
	reader = "outward"
	batch  = 100
	// lease is longer than an attempt, and what is leased is tried at once: one
	// replica tries a leg at a time, however slow the other server is.
	lease   = 30 * time.Second
	attempt = 10 * time.Second
	atOnce  = 8
	// slowest is the longest wait between attempts.
	slowest = 5 * time.Minute
)

// Run works until ctx ends.
func (o *Outward) Run(ctx context.Context) {
	every := o.Every
	if every == 0 {
		every = 500 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := o.Once(ctx); err != nil && ctx.Err() == nil {
			o.Log.WarnContext(ctx, "revoking outward; trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Once reads what was told since the last time, and tries each leg whose time
// has come.
func (o *Outward) Once(ctx context.Context) error {
	return errors.Join(o.follow(ctx), o.work(ctx))
}

func (o *Outward) follow(ctx context.Context) error {
	place, err := o.Outbox.Cursor(ctx, reader)
	if err != nil {
		return err
	}
	for {
		page, err := o.Outbox.EventsAfter(ctx, place, batch)
		if err != nil || len(page.Events) == 0 {
			return err
		}
		var legs []devices.Leg
		for _, e := range page.Events {
			more, err := o.legs(ctx, e)
			if err != nil {
				return err
			}
			legs = append(legs, more...)
		}
		if err := o.Legs.QueueLegs(ctx, reader, page.Next, legs); err != nil {
			return err
		}
		place = page.Next
	}
}

// legs returns what an event leaves to be ended elsewhere.
func (o *Outward) legs(ctx context.Context, e devices.Event) ([]devices.Leg, error) {
	leg := func(kind devices.LegKind, ref string) devices.Leg {
		return devices.Leg{
			ID: o.NewID(), Kind: kind, Ref: ref, Subject: e.Subject, DeviceID: e.DeviceID, GrantID: e.GrantID,
			ClientID: e.ClientID, State: devices.LegPending, CreatedAt: e.At, NextAt: o.Now(),
		}
	}
	switch e.Type {
	case devices.EventGrantRevoked:
		held, err := o.Book.Holding(ctx, e.GrantID)
		if errors.Is(err, devices.ErrNotFound) || err == nil && held.Grant.Issuer != devices.IssuerHydra {
			return nil, nil
		}
		return []devices.Leg{leg(devices.LegHydraChain, held.Grant.ExternalRef)}, err
	case devices.EventDeviceRevoked:
		ties, err := o.Book.DeviceTies(ctx, e.DeviceID)
		var legs []devices.Leg
		for _, t := range ties {
			if t.EndedAt.IsZero() {
				legs = append(legs, leg(legOf(t.Kind), t.Ref))
			}
		}
		return legs, err
	case devices.EventConsentWithdrawn:
		given, err := o.Book.FindGrants(ctx, devices.GrantQuery{
			Subject: e.Subject, ClientID: e.ClientID, Page: devices.Page{Limit: 500},
		})
		if !slices.ContainsFunc(given, func(g devices.Grant) bool { return g.Issuer == devices.IssuerHydra }) {
			return nil, err
		}
		consent := leg(devices.LegHydraConsent, e.ID)
		consent.NextAt = consent.NextAt.Add(afterChains)
		return []devices.Leg{consent}, err
	default:
		return nil, nil
	}
}

// afterChains is how much later than its chains a consent is ended at Hydra:
// with the consent Hydra forgets the chains, and could not confirm their end.
const afterChains = 3 * time.Second

func legOf(k devices.TieKind) devices.LegKind {
	switch k {
	case devices.TieHydraLogin:
		return devices.LegHydraLogin
	case devices.TieKratosSession:
		return devices.LegKratosSession
	case devices.TieKratosNew:
		return devices.LegKratosNew
	}
	return devices.LegKind(k)
}

func (o *Outward) work(ctx context.Context) error {
	for {
		now := o.Now()
		leased, err := o.Legs.LeaseLegs(ctx, now, now.Add(lease), atOnce)
		if err != nil || len(leased) == 0 {
			return err
		}
		errs := make([]error, len(leased))
		var all sync.WaitGroup
		for i, l := range leased {
			all.Go(func() { errs[i] = o.try(ctx, l) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
}

// try makes one attempt at a leg and writes down what became of it.
func (o *Outward) try(ctx context.Context, l devices.Leg) error {
	trying, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	settled, err := o.Ender.End(trying, l)
	if err != nil {
		o.Log.WarnContext(ctx, "not ended elsewhere; trying again", "leg", l.ID, "kind", l.Kind, "attempt", l.Attempts, "err", err)
		settled = l
		settled.Trouble = "server_trouble"
		settled.NextAt = o.Now().Add(min(slowest, time.Second<<min(l.Attempts-1, 9)))
	}
	if err := o.Legs.SettleLeg(ctx, settled); err != nil {
		return err
	}
	if kind, is := tieOf(l.Kind); is && settled.State == devices.LegDone {
		return o.Book.EndTie(ctx, kind, l.Ref, settled.DoneAt)
	}
	return nil
}

func tieOf(k devices.LegKind) (devices.TieKind, bool) {
	switch k {
	case devices.LegHydraLogin:
		return devices.TieHydraLogin, true
	case devices.LegKratosSession:
		return devices.TieKratosSession, true
	case devices.LegKratosNew:
		return devices.TieKratosNew, true
	case devices.LegHydraChain, devices.LegHydraConsent:
	}
	return "", false
}
