package devices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// IssuerHydra is the issuer of grants whose tokens Ory Hydra mints. Their
// external reference is Hydra's chain: the request ID that all tokens of one
// authorization share, which the token hook calls consent_challenge.
const IssuerHydra = "hydra"

// watchEvery is how often the use of a grant elsewhere is written down where
// nothing else of it changed.
const watchEvery = time.Minute

// Bypass is the rule for a refresh at another server that did not pass the
// gateway.
type Bypass int

// The rules. A refusal by this rule ends nothing.
const (
	BypassAllowed Bypass = iota // also for a refresh that passed the gateway
	BypassFlagged               // allowed, with one event for each grant
	BypassRefused               // in every mode of the policy
)

// TokenHash is what is kept of a token that another server mints: keyed hashes.
type TokenHash struct {
	// Signature is of the part by which that server finds the token. Hydra ends
	// a chain for a spent token of which this part alone is right.
	Signature []byte
	// Whole is of the whole token.
	Whole []byte
}

// Watch judges a token call whose tokens another server mints: it sees no
// generations, so it compares standing and looks alone. A refusing verdict is
// not an error; the error speaks of trouble, after which nothing has changed.
//
// A plain allow writes at most once a minute.
func (k *Gatekeeper) Watch(ctx context.Context, p Presented) (Verdict, error) {
	p.Rotates = false
	for range 4 {
		g := p.Holding.Grant
		v := k.Registry.Policy.Judge(Case{
			Now: p.Sighting.At, SubjectDisabled: p.Holding.SubjectDisabled, Device: p.Holding.Device,
			Grant: &g, Binding: p.Binding, Lineage: Untold, Sighting: p.Sighting, Bypass: p.Bypass,
		})
		if v.Err() != nil {
			return v, k.refuse(ctx, p, Current, v)
		}
		r := k.rotation(ctx, p, Untold, v)
		if r.plain() && p.Sighting.At.Sub(g.RotatedAt) < watchEvery {
			return v, nil
		}
		moved, err := k.Grants.Rotate(ctx, r)
		if err != nil || moved {
			return v, err
		}
		if p.Holding, err = k.Grants.Holding(ctx, g.ID); err != nil {
			return Verdict{}, fmt.Errorf("read grant %s again: %w", g.ID, err)
		}
	}
	return Verdict{}, fmt.Errorf("watch grant %s: %w", p.Holding.Grant.ID, ErrContended)
}

// Reused ends a grant whose spent token came back to the server that mints
// them, flags its device and tells. A grant that has ended stays as it is.
func (k *Gatekeeper) Reused(ctx context.Context, p Presented) (Verdict, error) {
	g := p.Holding.Grant
	v := k.Registry.Policy.Judge(Case{
		Now: p.Sighting.At, SubjectDisabled: p.Holding.SubjectDisabled, Device: p.Holding.Device,
		Grant: &g, Binding: p.Binding, Lineage: Reused, Sighting: p.Sighting,
	})
	return v, k.refuse(ctx, p, Reused, v)
}

// EnrollHeld is Enroll where no cookie can be set: the browser or the app
// holds a secret already, whose hash a new device takes. Without one the
// device is known by its looks alone, and recognised where none of them
// differs. A device that its owner or an operator has ended is ErrRevoked.
func (r *Registry) EnrollHeld(ctx context.Context, subject string, s Sighting, held []byte) (Enrolment, error) {
	return r.enrolling(ctx, subject, Credential{}, func(tx Tx, known []Device) (Enrolment, error) {
		d, verdict := r.recognise(known, s)
		if d == nil && len(held) == 0 {
			if d = alike(r.Policy, known, s); d != nil {
				verdict = r.Policy.Judge(Case{Now: s.At, Device: d, Sighting: s, SignsIn: true})
			}
		}
		taken := held
		switch {
		case d != nil && !d.Live():
			return Enrolment{}, errors.Join(ErrRevoked, revokedDevice{d.ID})
		case d != nil && verdict.Err() == nil:
			return r.meetAgain(ctx, tx, *d, s, verdict)
		case d != nil:
			taken = nil // a copied secret must not pass to the newcomer
		}
		met, err := r.meet(ctx, tx, subject, known, s, verdict, nil)
		if err != nil {
			return Enrolment{}, err
		}
		met.Secret, met.Device.CookieHash, met.Device.Tier = nil, taken, TierCookie
		if len(taken) == 0 {
			met.Device.Tier = TierFingerprint
		}
		return met, tx.Put(ctx, met.Device)
	})
}

// revokedDevice names the device that an ErrRevoked is about.
type revokedDevice struct{ id string }

func (d revokedDevice) Error() string { return "device " + d.id }

// RevokedDevice returns the ID of the device that an error of EnrollHeld is
// about, or "".
func RevokedDevice(err error) string {
	var d revokedDevice
	if errors.As(err, &d) {
		return d.id
	}
	return ""
}

// alike returns the live device without a cookie that looks exactly like the
// sighting, or nil. The one seen last wins.
func alike(p Policy, known []Device, s Sighting) *Device {
	var found *Device
	for i := range known {
		d := &known[i]
		if !d.Live() || len(d.CookieHash) > 0 || d.Fingerprint[SignalOS] != s.Fingerprint[SignalOS] ||
			d.Fingerprint[SignalBrowser] != s.Fingerprint[SignalBrowser] ||
			len(p.compare(d.Fingerprint, s.Fingerprint)) > 0 {
			continue
		}
		if found == nil || d.LastSeen.After(found.LastSeen) {
			found = d
		}
	}
	return found
}

// GiveCookie gives a live device without a cookie one, and returns the secret
// for it: nil where the device has one, ErrNotFound where it is not a live one
// of the subject, ErrDisabled where the subject may not sign in.
func (r *Registry) GiveCookie(ctx context.Context, subject, id string, secret []byte) ([]byte, error) {
	var given []byte
	err := r.Store.Change(ctx, subject, func(tx Tx) error {
		given = nil
		if err := tx.Check(ctx, Credential{}); err != nil {
			return err
		}
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		for _, d := range known {
			if d.ID != id || !d.Live() {
				continue
			}
			if len(d.CookieHash) > 0 {
				return nil
			}
			given = secret
			d.CookieHash, d.Tier = CookieHash(secret), max(d.Tier, TierCookie)
			d.Version++
			return tx.Put(ctx, d)
		}
		return ErrNotFound
	})
	return given, err
}

// RevokeAllBut ends every live device of a subject but one, with its grants
// and sign-ins, on the operator's standing word, and returns how many.
func (r *Registry) RevokeAllBut(ctx context.Context, subject, keep string, reason Reason) (int, error) {
	ended := 0
	err := r.Store.Change(ctx, subject, func(tx Tx) (err error) {
		ended, err = r.EndOthers(ctx, tx, keep, reason, "policy")
		return err
	})
	return ended, err
}

// EventOf returns an event of a grant for a store to tell with what it does.
func (r *Registry) EventOf(t EventType, g Grant, at time.Time, reasons ...Reason) Event {
	actor := ActorSystem
	if t == EventGrantCreated {
		actor = ActorDevice(g.DeviceID)
	}
	return Event{
		ID: r.NewID(), Type: t, At: at, Subject: g.Subject, DeviceID: g.DeviceID,
		ClientID: g.ClientID, GrantID: g.ID, Reasons: reasons, Actor: actor,
	}
}

// sessionOf is what a grant of another server's remembers in its Session.
type sessionOf struct {
	Binding Binding `json:"binding"`
}

// RememberBinding returns the Session of a grant whose tokens another server
// mints: how closely its client's calls are compared, as learned at the first.
func RememberBinding(b Binding) []byte {
	if b == "" {
		return nil
	}
	text, err := json.Marshal(sessionOf{b})
	if err != nil {
		panic(err) // a string has JSON
	}
	return text
}

// BindingOf returns how closely the calls of such a grant are compared: as
// learned, else as claimed by the call. Looks that are known are compared
// whatever a call claims.
func BindingOf(g Grant, claimed Binding) Binding {
	var kept sessionOf
	if len(g.Session) > 0 {
		_ = json.Unmarshal(g.Session, &kept) // written by RememberBinding
	}
	switch {
	case kept.Binding != "":
		return kept.Binding
	case g.Baseline != nil:
		return BindingObserved
	default:
		return claimed
	}
}

// Recognise returns the subject's device that the sighting shows: by its
// cookie, ended ones too, else the live one without a cookie that looks
// exactly so. Nil is none. Nothing is written.
func (r *Registry) Recognise(ctx context.Context, subject string, s Sighting) (*Device, error) {
	known, err := r.Store.Devices(ctx, subject)
	if err != nil {
		return nil, err
	}
	if d, _ := r.recognise(known, s); d != nil {
		return d, nil
	}
	return alike(r.Policy, known, s), nil
}

// EndGrantsOf ends the grants of a device, which stays, and returns how many.
func (r *Registry) EndGrantsOf(ctx context.Context, subject, deviceID string, reason Reason) (int, error) {
	ended := 0
	err := r.Store.Change(ctx, subject, func(tx Tx) error {
		now := r.Now()
		grants, err := tx.EndGrants(ctx, Selection{DeviceID: deviceID}, reason, now)
		ended = len(grants)
		return errors.Join(err, tx.Tell(ctx, r.grantEvents(grants, reason, now, ActorSystem)...))
	})
	return ended, err
}
