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
	for _, d := range known {
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
		return known, d, nil
	}
	return nil, Device{}, ErrNotRecognized
}

// Revisit judges a sighting that comes with a sign-in of one of the subject's
// devices: a browser that holds both cookies. A refusal is kept and told, and
// changes nothing else; so is, once for each network, a doubt about where.
func (r *Registry) Revisit(ctx context.Context, subject, deviceID string, s Sighting) (Verdict, error) {
	d, err := r.Store.Device(ctx, subject, deviceID)
	if errors.Is(err, ErrNotFound) {
		return Verdict{PolicyVersion: r.Policy.Version}, nil
	} else if err != nil {
		return Verdict{}, err
	}
	return r.revisit(ctx, d, s)
}

func (r *Registry) revisit(ctx context.Context, d Device, s Sighting) (Verdict, error) {
	v := r.Policy.Judge(Case{Now: s.At, Device: &d, Sighting: s})
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
		if r.toldOf(ctx, d, "", s, v) {
			return v, nil
		}
		told = EventLoginSuspicious // nobody has proved anew who they are
	case v.Err() == nil, r.repeated(ctx, d, "", s, v):
		return v, nil
	case v.Decision == StepUp && s.Proof.HasCookie(d.CookieHash) && !v.apart():
		told = EventDeviceRefused // the right browser, looking odd
	}
	return v, r.Store.Change(ctx, d.Subject, func(tx Tx) error {
		return errors.Join(
			tx.Record(ctx, r.judgment(d, nil, s, v)),
			tx.Tell(ctx, r.event(told, d, s.At, v)))
	})
}

// repeated reports whether the same doubt was kept within the last minute: who
// comes on and on writes a row a minute, and is told of as often. What
// cannot be read counts as not kept.
func (r *Registry) repeated(ctx context.Context, d Device, grantID string, s Sighting, v Verdict) bool {
	kept, err := r.Store.History(ctx, d.Subject, d.ID, Page{Limit: 20})
	return err == nil && slices.ContainsFunc(kept, func(j Judgment) bool {
		since := s.At.Sub(j.Sighting.At)
		return j.GrantID == grantID && since >= 0 && since < time.Minute &&
			j.Verdict.Decision == v.Decision && slices.Equal(j.Verdict.Reasons(), v.Reasons())
	})
}

// toldOf reports whether the same was kept of a grant, or of sign-ins, before,
// from the same network: what comes from elsewhere is told once for each.
// What cannot be read counts as not kept.
func (r *Registry) toldOf(ctx context.Context, d Device, grantID string, s Sighting, v Verdict) bool {
	if !v.elsewhere() {
		return false
	}
	kept, err := r.Store.History(ctx, d.Subject, d.ID, Page{Limit: 50})
	return err == nil && slices.ContainsFunc(kept, func(j Judgment) bool {
		return j.GrantID == grantID && j.Sighting.Network.Prefix() == s.Network.Prefix() &&
			j.Verdict.Decision == v.Decision && slices.Equal(j.Verdict.Reasons(), v.Reasons())
	})
}

// told reports whether a doubt has been kept already: within the last minute,
// or, where the mode lets through what asks for a sign-in and must not be
// learned, once for each network, and a bypass of the gateway once for each grant.
func (k *Gatekeeper) told(ctx context.Context, p Presented, v Verdict) bool {
	r, d, g := k.Registry, holder(p.Holding), p.Holding.Grant.ID
	return r.repeated(ctx, d, g, p.Sighting, v) ||
		(v.Would == StepUp || p.Bypass != BypassAllowed) && r.toldOf(ctx, d, g, p.Sighting, v)
}
