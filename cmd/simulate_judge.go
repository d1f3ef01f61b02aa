package cmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// simulation judges one sighting after another, as the server would have.
type simulation struct {
	gate  *devices.Gatekeeper
	open  func(context.Context, devices.Grant) error
	looks *observe.Observer
	now   time.Time // the last sighting's
	ids   int64
}

// newSimulation returns one over memory. Places may be nil.
func newSimulation(p devices.Policy, grace time.Duration, places observe.Places) *simulation {
	m := newMemory()
	return simulationOn(p, grace, places, m, m, m.OpenGrant)
}

func simulationOn(
	p devices.Policy, grace time.Duration, places observe.Places, devs devices.Store, grants devices.GrantStore,
	open func(context.Context, devices.Grant) error,
) *simulation {
	s := &simulation{open: open}
	now := func() time.Time { return s.now }
	s.looks = observe.New(observe.Config{SecureCookies: true, Now: now, Places: places})
	s.gate = &devices.Gatekeeper{Grants: grants, Grace: grace, Registry: &devices.Registry{
		Store: devs, Policy: p, Now: now, NewID: s.newID,
	}}
	return s
}

func (s *simulation) newID() string {
	s.ids++
	return "simulated-" + strconv.FormatInt(s.ids, 10)
}

// judge judges a line. The first one of a grant is where it is given out: it
// teaches what the grant looks like. What a later line names as its device
// makes no difference: the grant knows its own.
func (s *simulation) judge(ctx context.Context, l sightingLine) (devices.Verdict, error) {
	s.now = l.at
	seen := l.seen(s.looks)
	held, err := s.gate.Grants.Holding(ctx, l.Grant)
	first := errors.Is(err, devices.ErrNotFound)
	if first {
		if err := s.begin(ctx, l, seen); err != nil {
			return devices.Verdict{}, err
		}
		held, err = s.gate.Grants.Holding(ctx, l.Grant)
	}
	if err != nil {
		return devices.Verdict{}, fmt.Errorf("read grant %s: %w", l.Grant, err)
	}
	presented := devices.Presented{
		Holding: held, Generation: l.Generation, Binding: l.Binding, Sighting: seen, Rotates: true,
	}
	if l.Generation == 0 { // not recorded: the token in force, whichever that is
		presented.Generation, presented.Rotates = held.Grant.Generation, !first
	}
	admission, err := s.gate.Admit(ctx, presented)
	return admission.Verdict, err
}

// begin opens the grant of its first line, and the device where it is new.
func (s *simulation) begin(ctx context.Context, l sightingLine, seen devices.Sighting) error {
	if l.Device != "" {
		if err := s.meet(ctx, l, seen); err != nil {
			return err
		}
	}
	baseline := devices.BaselineOf(seen)
	g := devices.Grant{
		ID: l.Grant, Subject: l.Subject, ClientID: l.Client, DeviceID: l.Device, Offline: true,
		Baseline: &baseline, Secret: make([]byte, 32),
		Generation: max(1, l.Generation), RotatedAt: l.at, Version: 1, CreatedAt: l.at,
	}
	if l.Binding == devices.BindingDeviceStatus {
		g.Baseline = nil
	}
	if err := s.open(ctx, g); err != nil {
		return fmt.Errorf("open grant %s: %w", l.Grant, err)
	}
	return nil
}

// meet puts the device under the name that the line has for it, or moves a
// known one to where it signs in now.
func (s *simulation) meet(ctx context.Context, l sightingLine, seen devices.Sighting) error {
	store := s.gate.Registry.Store
	d, err := store.Device(ctx, l.Subject, l.Device)
	if err != nil {
		d = devices.Device{
			ID: l.Device, Subject: l.Subject, State: devices.StateActive, Tier: devices.TierFingerprint,
			Fingerprint: seen.Fingerprint, Entrance: seen.Entrance, First: seen.Network, CreatedAt: l.at,
		}
		if held := seen.Proof.CookieHashes; len(held) > 0 {
			d.Tier, d.CookieHash = devices.TierCookie, held[0]
		}
	}
	d = d.MovedTo(seen.Network, l.at)
	d.LastSeen = l.at
	d.Version++
	return store.Change(ctx, l.Subject, func(tx devices.Tx) error { return tx.Put(ctx, d) })
}
