package devices

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Why a registry turns somebody down. The texts are for developers; each
// door has its own words for people.
var (
	// ErrNoDevice: the caller's token or session names no device.
	ErrNoDevice = errors.New("caller has no device")
	// ErrNotRecognized: the caller's own device is not the subject's.
	ErrNotRecognized = errors.New("device not recognized")
	// ErrRevoked: the caller's own device has been ended.
	ErrRevoked = errors.New("device revoked")
	// ErrDisabled: the subject may not sign in.
	ErrDisabled = errors.New("subject disabled")
	// ErrDeviceLimit: the subject's devices are at the cap and none may go.
	ErrDeviceLimit = errors.New("device limit reached")
	// ErrNoEditPermission: the caller's device may not change others.
	ErrNoEditPermission = errors.New("device lacks edit permission")
	// ErrNoDeletePermission: the caller's device may not end others.
	ErrNoDeletePermission = errors.New("device lacks delete permission")
	// ErrStepUpRequired: the caller's device is too young to act on others
	// without a fresh sign-in.
	ErrStepUpRequired = errors.New("fresh sign-in required")
	// ErrEditingDisabled: the target is too young to be changed, or ended.
	ErrEditingDisabled = errors.New("device cannot be edited now")
	// ErrDeletionDisabled: the target is too young to be ended by another.
	ErrDeletionDisabled = errors.New("device cannot be ended now")
	// ErrSpent: the sign-in form has enrolled a device that it cannot be again.
	ErrSpent = errors.New("sign-in form used before")
	// ErrInvalid: a value out of its bounds.
	ErrInvalid = errors.New("invalid value")
)

// Eviction is what happens at the cap of devices.
type Eviction string

// The evictions. The device that is signing in is never the one to go.
const (
	EvictIdleOldest Eviction = "idle_oldest" // the one not seen the longest
	EvictOldest     Eviction = "oldest"      // the one enrolled first
	EvictRefuseNew  Eviction = "refuse_new"  // none: the new one is refused
)

// Rules are what an operator decides about devices.
type Rules struct {
	MaxPerSubject int // live devices; 0 means no cap
	Eviction      Eviction
	MaxNewPerHour int // new devices of a subject within an hour; 0 means no limit
	// EveryDeviceActs gives each new device both permissions. Without it, only
	// the first device of a subject gets them.
	EveryDeviceActs bool
	UpdateDelay     time.Duration // minimum age of a device before it may be changed
	DeleteDelay     time.Duration // … before another may end it
	MinActorAge     time.Duration // a younger device needs a fresh sign-in to act on others
	FreshFor        time.Duration // how long a sign-in is fresh; 0 means 5 minutes
}

// DefaultRules returns the contract's defaults.
func DefaultRules() Rules {
	return Rules{
		Eviction: EvictIdleOldest, MaxNewPerHour: 20, EveryDeviceActs: true,
		MinActorAge: 24 * time.Hour, FreshFor: 5 * time.Minute,
	}
}

// Registry enrolls devices, recognises them, and carries out what their
// owners want done with them.
type Registry struct {
	Store    Store
	Consents Consents // only withdrawing needs it
	Policy   Policy
	Rules    Rules
	Now      func() time.Time
	NewID    func() string // unique and never reused
}

// Enrolment is the outcome of a sign-in.
type Enrolment struct {
	Device Device
	New    bool
	// Secret goes into the device cookie of a new device; nil for a
	// recognised one, whose browser holds it already.
	Secret  []byte
	Verdict Verdict
}

// CookieHash returns what is stored of a device cookie's secret.
func CookieHash(secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return sum[:]
}

// Enroll meets the device of a subject that has just signed in: it recognises
// it by its cookie, or adds it, within the cap and the limit per hour. A
// cookie that comes back with contradicting looks was copied: the sign-in
// becomes a new, flagged device.
func (r *Registry) Enroll(ctx context.Context, subject string, s Sighting) (Enrolment, error) {
	return r.EnrollBy(ctx, subject, Credential{}, s)
}

// EnrollBy is Enroll for a sign-in that this server verified. The error is
// ErrOutdated, and nothing is enrolled, if the credential has changed since.
func (r *Registry) EnrollBy(ctx context.Context, subject string, c Credential, s Sighting) (Enrolment, error) {
	return r.EnrollOnce(ctx, subject, c, s, nil)
}

// EnrollOnce is EnrollBy for a sign-in form that may be sent more than once. A new
// device takes the form's secret of 32 bytes for its cookie. If the subject has a
// device with that secret, the form was sent before, and its answer was perhaps
// lost: the enrolment is of that device and has the secret again. The error is
// ErrSpent, and nothing is enrolled, if that device has ended or looks different.
func (r *Registry) EnrollOnce(
	ctx context.Context, subject string, c Credential, s Sighting, secret []byte,
) (Enrolment, error) {
	var hash []byte
	if secret != nil {
		hash = CookieHash(secret)
	}
	return r.enrolling(ctx, subject, c, func(tx Tx, known []Device) (Enrolment, error) {
		seen := s
		sent := slices.ContainsFunc(known, func(d Device) bool { return hash != nil && bytes.Equal(d.CookieHash, hash) })
		if sent {
			seen.Proof.CookieHashes = append(slices.Clone(s.Proof.CookieHashes), hash)
		}
		d, verdict := r.recognise(known, seen)
		switch {
		case d != nil && verdict.Err() == nil:
			met, err := r.meetAgain(ctx, tx, *d, seen, verdict)
			if sent && bytes.Equal(d.CookieHash, hash) {
				met.Secret = secret
			}
			return met, err
		case sent:
			return Enrolment{}, ErrSpent
		}
		return r.meet(ctx, tx, subject, known, s, verdict, secret)
	})
}

// Withdraw ends a device that was enrolled for a sign-in which was refused in
// the end, because the credential is no longer good. A device that has ended
// already, or is not there, stays as it is.
func (r *Registry) Withdraw(ctx context.Context, d Device, c Credential) error {
	err := r.Store.Change(ctx, d.Subject, func(tx Tx) error {
		reason := ReasonPasswordChanged
		switch err := tx.Check(ctx, c); {
		case errors.Is(err, ErrDisabled):
			reason = ReasonSubjectDisabled
		case err != nil && !errors.Is(err, ErrOutdated):
			return err
		}
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		for _, now := range known {
			if now.ID == d.ID && now.Live() {
				return r.end(ctx, tx, now, r.Now(), reason, "policy")
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("withdraw device %s: %w", d.ID, err)
	}
	return nil
}

// enrolling meets a device among those of a subject that may sign in, in one
// change.
func (r *Registry) enrolling(
	ctx context.Context, subject string, c Credential, meet func(tx Tx, known []Device) (Enrolment, error),
) (Enrolment, error) {
	var met Enrolment
	err := r.Store.Change(ctx, subject, func(tx Tx) error {
		if err := tx.Check(ctx, c); err != nil {
			return err
		}
		known, err := tx.Devices(ctx)
		if err != nil {
			return err
		}
		met, err = meet(tx, known)
		return err
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("enroll a device of %s: %w", subject, err)
	}
	return met, nil
}

// recognise returns the device whose cookie the sighting holds, and the
// verdict on it. A browser that once looked otherwise may hold the cookies of
// two: the one it looks like now counts, before one it does not, before one
// that has ended.
func (r *Registry) recognise(known []Device, s Sighting) (*Device, Verdict) {
	var ended, unlike *Device
	var verdict Verdict
	for i := range known {
		switch d := &known[i]; {
		case !s.Proof.HasCookie(d.CookieHash):
		case !d.Live():
			ended = d
		default:
			v := r.Policy.Judge(Case{Now: s.At, Device: d, Sighting: s, SignsIn: true})
			if v.Err() == nil {
				return d, v
			}
			unlike, verdict = d, v
		}
	}
	if unlike != nil {
		return unlike, verdict
	}
	if ended == nil || ended.MayReturn() {
		return nil, Verdict{Decision: Allow, Would: Allow, PolicyVersion: r.Policy.Version}
	}
	return ended, r.Policy.Judge(Case{Now: s.At, Device: ended, Sighting: s})
}

// end revokes a device with all its grants and sign-ins.
func (r *Registry) end(
	ctx context.Context, tx Tx, d Device, at time.Time, reason Reason, by string,
) error {
	d.State, d.RevokedAt, d.RevokedReason, d.RevokedBy = StateRevoked, at, reason, by
	d.Version++
	if err := tx.Put(ctx, d); err != nil {
		return err
	}
	grants, err := tx.EndGrants(ctx, Selection{DeviceID: d.ID}, ReasonDeviceRevoked, at)
	if err != nil {
		return err
	}
	ended := r.event(EventDeviceRevoked, d, at, Verdict{})
	ended.Reasons, ended.Verdict, ended.PolicyVersion = []Reason{reason}, "", ""
	ended.Actor = revoker(by)
	return tx.Tell(ctx, append([]Event{ended}, r.grantEvents(grants, ReasonDeviceRevoked, at, ended.Actor)...)...)
}

func (r *Registry) grantEvents(grants []Grant, reason Reason, at time.Time, actor string) []Event {
	events := make([]Event, 0, len(grants))
	for _, g := range grants {
		events = append(events, Event{
			ID: r.NewID(), Type: EventGrantRevoked, At: at, Subject: g.Subject, DeviceID: g.DeviceID,
			ClientID: g.ClientID, GrantID: g.ID, Reasons: []Reason{reason}, Actor: actor,
		})
	}
	return events
}

func (r *Registry) event(t EventType, d Device, at time.Time, v Verdict) Event {
	return Event{
		ID: r.NewID(), Type: t, At: at, Subject: d.Subject, DeviceID: d.ID,
		Reasons: v.Reasons(), Verdict: v.Decision.String(), PolicyVersion: v.PolicyVersion, Actor: ActorSystem,
	}
}

func (r *Registry) judgment(d Device, g *Grant, s Sighting, v Verdict) Judgment {
	j := Judgment{ID: r.NewID(), Subject: d.Subject, DeviceID: d.ID, Sighting: s, Verdict: v}
	if g != nil {
		j.Subject, j.GrantID, j.ClientID = g.Subject, g.ID, g.ClientID
	}
	return j
}
