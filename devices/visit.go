package devices

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Visit returns the devices of the actor's subject, oldest first, ended ones
// too, and the actor's own among them, after a look at who shows themselves in
// its name: what comes with the session of a device must look like it and hold
// its cookie, as in [Registry.Revisit]. The error is ErrNoDevice,
// ErrNotRecognized, ErrRevoked, or ErrRefused for a copied session. It is one
// read; only a refusal writes, and the first visit from where nobody expected it.
func (r *Registry) Visit(ctx context.Context, a Actor, s Sighting) ([]Device, Device, error) {
	if a.DeviceID == "" {
		return nil, Device{}, ErrNoDevice
	}
	known, err := r.Store.Devices(ctx, a.Subject)
	if err != nil {
		return nil, Device{}, err
	}
	for i := range known {
		d := &known[i]
		switch {
		case d.ID != a.DeviceID:
			continue
		case !d.Live():
			return nil, Device{}, ErrRevoked
		}
		v, err := r.revisit(ctx, d, s)
		if err == nil {
			err = v.Err()
		}
		if err != nil {
			return nil, Device{}, err
		}
		return known, *d, nil
	}
	return nil, Device{}, ErrNotRecognized
}

// Revisit judges a sighting that comes with a sign-in of one of the subject's
// devices: a browser that holds both cookies. A refusal is recorded, flags the
// device and emits events; so does, once for each network, a sighting in an
// unexpected place.
func (r *Registry) Revisit(ctx context.Context, subject, deviceID string, s Sighting) (Verdict, error) {
	d, err := r.Store.Device(ctx, subject, deviceID)
	if errors.Is(err, ErrNotFound) {
		return Verdict{PolicyVersion: r.Policy.Version}, nil
	} else if err != nil {
		return Verdict{}, err
	}
	return r.revisit(ctx, &d, s)
}

func (r *Registry) revisit(ctx context.Context, d *Device, s Sighting) (Verdict, error) {
	v := r.Policy.Judge(Case{Now: s.At, Device: d, Sighting: s})
	if v.Would != Refuse && v.Would != StepUp && len(d.CookieHash) > 0 && !s.Proof.HasCookie(d.CookieHash) {
		// Both cookies live in one jar: one without the other was carried off.
		v = r.Policy.soften(r.Policy.refuse(false,
			Evidence{Reason: ReasonCookieMismatch, Weight: r.Policy.Weights.CookieMismatch}))
	}
	told := EventHijackSuspected
	switch {
	case !d.Live():
		return v, nil
	case v.Decision == Flag && v.elsewhere():
		if r.signIns(ctx, *d).repeatThere(s, v) {
			return v, nil
		}
		told = EventLoginSuspicious // nobody has proved anew who they are
	case v.Err() == nil, r.signIns(ctx, *d).repeat(s, v):
		return v, nil
	case v.Decision == StepUp && s.Proof.HasCookie(d.CookieHash) && !v.apart():
		told = EventDeviceRefused // the right browser, looking odd
	}
	var after Device
	err := r.Store.Change(ctx, d.Subject, func(tx Tx) (err error) {
		var flagged []Event
		if after, flagged, err = r.doubt(ctx, tx, d.ID, v, s.At); err != nil {
			return err
		}
		return errors.Join(
			tx.Record(ctx, r.judgment(*d, nil, s, v)),
			tx.Tell(ctx, append([]Event{r.event(told, *d, s.At, v)}, flagged...)...))
	})
	if err == nil && after.ID != "" {
		*d = after
	}
	return v, err
}

// signIns returns the latest judgments of a device that are about no grant, or
// none if they cannot be read.
func (r *Registry) signIns(ctx context.Context, d Device) judgments {
	kept, err := r.Store.History(ctx, d.Subject, d.ID, Page{Limit: 50})
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(kept, func(j Judgment) bool { return j.GrantID != "" })
}

// past returns the latest judgments of the grant, or none if they cannot be read.
func (k *Gatekeeper) past(ctx context.Context, p Presented) judgments {
	kept, err := k.Grants.GrantHistory(ctx, p.Holding.Grant.ID, Page{Limit: 50})
	if err != nil {
		return nil
	}
	return kept
}

// kept reports whether no further judgment of an allowed refresh is needed: the
// same was kept within the last minute or, if the mode allows what would ask for
// a sign-in or the refresh went around the gateway, once from this network.
func (k *Gatekeeper) kept(ctx context.Context, p Presented, v Verdict) bool {
	past := k.past(ctx, p)
	return past.repeat(p.Sighting, v) ||
		(v.Would == StepUp || p.Bypass != BypassAllowed) && past.repeatThere(p.Sighting, v)
}

// judgments are those of one grant, or of the sign-ins of one device.
type judgments []Judgment

// repeat reports whether one of them has the decision and the reasons of v and
// was made within a minute of s: a client that repeats itself costs one row a
// minute. It may be later than s, because requests are not stored in the order
// of their arrival.
func (all judgments) repeat(s Sighting, v Verdict) bool {
	return slices.ContainsFunc(all, func(j Judgment) bool {
		return s.At.Sub(j.Sighting.At).Abs() < time.Minute && j.Verdict.same(v)
	})
}

// repeatThere reports whether one of them has the decision and the reasons of
// v, which are about the network, and was made from the network of s.
func (all judgments) repeatThere(s Sighting, v Verdict) bool {
	return v.elsewhere() && slices.ContainsFunc(all, func(j Judgment) bool {
		return j.Sighting.Network.Prefix() == s.Network.Prefix() && j.Verdict.same(v)
	})
}

// same reports whether both verdicts have one decision and the same reasons.
func (v Verdict) same(w Verdict) bool {
	return v.Decision == w.Decision && slices.Equal(v.Reasons(), w.Reasons())
}
