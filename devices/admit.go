package devices

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Gatekeeper admits refresh tokens: it judges who returns with one and moves
// the grant on, in one read and one write.
type Gatekeeper struct {
	Registry *Registry
	Grants   GrantStore
	// Grace is how long the same request is answered alike. Zero is strict.
	Grace time.Duration
	// Recent spares the read of a grant that this server moved last. Nil
	// reads always.
	Recent *Recent
}

// Holding returns the grant of a token of that generation: as remembered,
// which Admit knows how far to trust, or as read. It serves a refresh and
// nothing else; whoever asks whether a grant is good reads it.
func (k *Gatekeeper) Holding(ctx context.Context, grantID string, generation int64) (Holding, error) {
	if h, ok := k.Recent.holding(grantID, generation, k.Registry.Now()); ok {
		return h, nil
	}
	return k.Grants.Holding(ctx, grantID)
}

// Presented is a refresh token that has been found genuine and its client's
// own, and what came with it.
type Presented struct {
	Holding    Holding // as read to verify the token
	Generation int64
	Binding    Binding
	Sighting   Sighting
	Bypass     Bypass
	IdleFor    time.Duration // the new idle end, from now; 0 means none
	// Rotates is false where the client is sender-constrained instead
	// (FAPI 2.0 §5.3.2.1): then the generation stays.
	Rotates bool
}

// Admission is what becomes of a presented token.
type Admission struct {
	// Grant is as it stands after the admission: its generation is the
	// refresh token to answer with, RotatedAt the time to mint from.
	Grant   Grant
	Verdict Verdict
}

// ErrContended says that a grant kept moving while it was judged. The client
// may try again.
var ErrContended = errors.New("grant is being refreshed elsewhere")

// Admit judges a presented token and, where the verdict lets it pass, rotates
// its grant. A refusing verdict is an Admission too; the error speaks of
// trouble only, after which nothing has changed.
//
// Losing a race shows in the write, and so does a grant that was remembered
// and has changed. It is then read and judged anew, and most losers turn out
// to be retries of the winner. A grant that is gone is ErrNotFound.
func (k *Gatekeeper) Admit(ctx context.Context, p Presented) (Admission, error) {
	for range 4 {
		a, done, err := k.try(ctx, p)
		if done || err != nil {
			return a, err
		}
		id := p.Holding.Grant.ID
		if p.Holding.Remembered {
			k.Recent.forget(id)
		}
		if p.Holding, err = k.Grants.Holding(ctx, id); err != nil {
			return Admission{}, fmt.Errorf("read grant %s again: %w", id, err)
		}
	}
	return Admission{}, fmt.Errorf("admit a token of grant %s: %w", p.Holding.Grant.ID, ErrContended)
}

func (k *Gatekeeper) try(ctx context.Context, p Presented) (Admission, bool, error) {
	g, now := p.Holding.Grant, p.Sighting.At
	lineage := g.Lineage(p.Generation, now, k.Grace)
	v := k.Registry.Policy.Judge(Case{
		Now: now, SubjectDisabled: p.Holding.SubjectDisabled, Device: p.Holding.Device,
		Grant: &g, Binding: p.Binding, Lineage: lineage, Sighting: p.Sighting,
	})
	if p.Holding.Remembered && v.Would != Allow {
		return Admission{}, false, nil // only what was read may be refused or told
	}
	if v.Err() != nil {
		return Admission{Grant: g, Verdict: v}, true, k.refuse(ctx, p, lineage, v)
	}
	if lineage == Retried && (v.Would == Allow || k.past(ctx, p).repeatThere(p.Sighting, v)) {
		return Admission{Grant: g, Verdict: v}, true, nil // the same request answers the same
	}
	rotation := k.rotation(ctx, p, lineage, v)
	if p.Holding.Remembered && !rotation.plain() {
		return Admission{}, false, nil
	}
	moved, err := k.Grants.Rotate(ctx, rotation)
	if err != nil || !moved {
		return Admission{}, false, err
	}
	left := p.Holding.after(rotation)
	k.Recent.remember(left)
	return Admission{Grant: left.Grant, Verdict: v}, true, nil
}

// after returns the holding as the rotation left it.
func (h Holding) after(r Rotation) Holding {
	g := &h.Grant
	g.Generation, g.Parent, g.RotatedAt, g.IdleUntil = r.To, r.Parent, r.At, r.IdleUntil
	if !r.Renews() {
		g.Version++
	}
	if r.Baseline != nil {
		g.Baseline = r.Baseline
	}
	if r.Touched != nil {
		moved := *h.Device
		moved.Last, moved.LastAt, moved.Known = r.Touched.Network, r.Touched.At, r.Touched.Known
		h.Device = &moved
	}
	return h
}

func (k *Gatekeeper) rotation(ctx context.Context, p Presented, lineage Lineage, v Verdict) Rotation {
	g, s := p.Holding.Grant, p.Sighting
	r := Rotation{
		GrantID: g.ID, Subject: g.Subject, Version: g.Version, At: s.At,
		From: g.Generation, To: g.Generation + 1, Parent: g.Generation,
		IdleUntil: g.IdleUntil, Baseline: raised(g, s, v, p.Binding),
		Touched: moved(p.Holding, s, v, p.Binding),
	}
	if p.Holding.Device != nil {
		r.Seen = p.Holding.Device.Last.Addr
	}
	switch {
	case !p.Rotates, lineage == Retried:
		r.To, r.Parent, r.At = g.Generation, g.Parent, g.RotatedAt
		if !p.Rotates {
			r.At = s.At
		} else {
			r.Baseline, r.Touched = nil, nil // whoever repeats teaches nothing, not even where the device is
		}
	case lineage == ResponseLost:
		r.Parent = g.Parent // the unused successor is burnt
	}
	if p.IdleFor > 0 {
		r.IdleUntil = s.At.Add(p.IdleFor)
	}
	if v.Would != Allow && !k.kept(ctx, p, v) {
		j := k.Registry.judgment(holder(p.Holding), &g, s, v)
		r.Judgment = &j
		r.Events = k.events(p, lineage, v)
	}
	return r
}

// raised returns the baseline to remember after an allowed token call, or nil
// where it stays. What was flagged has been told, and is not told again at
// every refresh; what enforcing would refuse teaches nothing.
func raised(g Grant, s Sighting, v Verdict, binding Binding) *Baseline {
	if binding == BindingDeviceStatus {
		return nil
	}
	if g.Baseline == nil {
		first := BaselineOf(s)
		return &first
	}
	if v.Would < Flag {
		return nil
	}
	next, elsewhere := g.Baseline.moved(s.Network.Carrier(), g.RotatedAt)
	next.Fingerprint = g.Baseline.Fingerprint.Merge(s.Fingerprint)
	if !elsewhere && next.Fingerprint.Equal(g.Baseline.Fingerprint) {
		return nil
	}
	return &next
}

// BaselineOf returns what a grant remembers of its first token call. The
// address is no part of it: grants outlive the time for which those are kept.
func BaselineOf(s Sighting) Baseline {
	place := s.Network
	place.Addr, place.Spot = netip.Addr{}, Spot{}
	return Baseline{
		Fingerprint: s.Fingerprint, Network: place,
		Cookie: len(s.Proof.CookieHashes) > 0, KeyThumbprint: s.Proof.KeyThumbprint,
	}
}

// moved returns the device's new network where its prefix changed, or where it
// has a place now and had none. A backend's address is not the device's, and
// what enforcing would refuse teaches nothing.
func moved(h Holding, s Sighting, v Verdict, binding Binding) *Touch {
	d, n := h.Device, s.Network
	if d == nil || binding == BindingDeviceStatus || v.Would < Flag || n == (Network{}) {
		return nil
	}
	placed := d.Last.Country == "" && n.Country != "" || d.Last.ASN == 0 && n.ASN != 0
	if d.Last.near(n) && !placed {
		return nil
	}
	there := d.MovedTo(n, s.At)
	return &Touch{DeviceID: d.ID, Network: n, At: s.At, Known: there.Known}
}

func holder(h Holding) Device {
	if h.Device == nil {
		return Device{Subject: h.Grant.Subject}
	}
	return *h.Device
}

// refuse keeps the refusal, ends the grant where the token is in the wrong
// hands, and tells. One refusal of a grant that has ended is enough: a thief
// who knocks again writes no more rows.
func (k *Gatekeeper) refuse(ctx context.Context, p Presented, lineage Lineage, v Verdict) error {
	g := p.Holding.Grant
	if !g.RevokedAt.IsZero() || g.expired(p.Sighting.At) {
		return nil
	}
	r, d := k.Registry, holder(p.Holding)
	if !v.RevokeGrant && k.past(ctx, p).repeat(p.Sighting, v) {
		return nil
	}
	err := r.Store.Change(ctx, g.Subject, func(tx Tx) error {
		events := k.events(p, lineage, v)
		if v.RevokeGrant {
			ended, err := tx.EndGrants(ctx, Selection{GrantID: g.ID}, v.Reasons()[0], p.Sighting.At)
			if err != nil {
				return err
			}
			if len(ended) == 0 {
				return nil // somebody else was faster, and told
			}
			events = append(events, r.grantEvents(ended, v.Reasons()[0], p.Sighting.At, ActorSystem)...)
		}
		_, flagged, err := r.doubt(ctx, tx, d.ID, v, p.Sighting.At)
		if err != nil {
			return err
		}
		events = append(events, flagged...)
		return errors.Join(
			tx.Record(ctx, r.judgment(d, &g, p.Sighting, v)),
			tx.Tell(ctx, events...))
	})
	if err != nil {
		return fmt.Errorf("refuse a token of grant %s: %w", g.ID, err)
	}
	return nil
}

// events returns what is told of a token call that was not plainly allowed.
func (k *Gatekeeper) events(p Presented, lineage Lineage, v Verdict) []Event {
	tell := func(t EventType) Event {
		e := k.Registry.event(t, holder(p.Holding), p.Sighting.At, v)
		e.ClientID, e.GrantID = p.Holding.Grant.ClientID, p.Holding.Grant.ID
		return e
	}
	switch {
	case v.Err() != nil && v.RevokeGrant && lineage == Current:
		return []Event{tell(EventHijackSuspected), tell(EventDeviceRefused)}
	case v.Err() != nil && v.RevokeGrant:
		return []Event{tell(EventReuseDetected), tell(EventDeviceRefused)}
	case v.Err() != nil && v.apart():
		return []Event{tell(EventHijackSuspected), tell(EventDeviceRefused)}
	case v.Err() != nil:
		return []Event{tell(EventDeviceRefused)}
	}
	var events []Event
	if lineage == ResponseLost {
		events = append(events, tell(EventResponseLost))
	}
	if v.Doubt() != "" { // observe mode keeps the judgment and emits nothing
		events = append(events, tell(EventDeviceFlagged))
	}
	return events
}
