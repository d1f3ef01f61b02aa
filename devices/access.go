package devices

import (
	"context"
	"time"
)

// Access is what a client has of a subject: a consent that is kept here, live
// grants, or both.
type Access struct {
	ClientID   string
	ClientName string // empty if the client has none, or is not registered here
	// Scopes are those of the consent and of the live grants.
	Scopes []string
	// Since is when the consent was given or the oldest live grant opened,
	// whichever came first.
	Since time.Time
	// LastUsed is when the last of the live grants was opened or refreshed;
	// zero without any.
	LastUsed time.Time
	// DeviceIDs are the devices of the live grants, each once.
	DeviceIDs []string
	Grants    int // live ones
	// Consented reports that a consent is kept here. Without one the client is
	// the operator's own, or another server keeps the consent.
	Consented bool
}

// Consents keeps which clients have access to what is a subject's.
type Consents interface {
	// Accesses returns the clients that have access, by name. A client's own
	// grants, which no subject gave, are not among them.
	Accesses(ctx context.Context, subject string, now time.Time) ([]Access, error)
	// WithdrawConsent forgets the subject's consent to a client, with the codes
	// that are not redeemed yet, and revokes the client's live grants on all
	// devices, in one change of the subject. An error of may stops it, and
	// nothing has changed. It keeps the events that tell returns of the grants
	// that it revoked. ErrNotFound if there was nothing to withdraw.
	WithdrawConsent(ctx context.Context, w Withdrawal, may func(Tx) error, tell func([]Grant) []Event) error
}

// Withdrawal is which client loses its access to what is a subject's.
type Withdrawal struct {
	Subject, ClientID string
	At                time.Time
}

// WithdrawConsent takes a client's access to what is the actor's subject's, on
// all devices. The next authorization asks the subject again. It needs what
// signing out other devices needs: the permission, and an actor that is old
// enough or freshly signed in. The devices stay signed in, so Rules.DeleteDelay
// does not apply. ErrNotFound if the client has no access.
func (r *Registry) WithdrawConsent(ctx context.Context, a Actor, clientID string) error {
	return r.withdraw(ctx, Withdrawal{a.Subject, clientID, r.Now()}, ReasonOwner, ActorDevice(a.DeviceID), func(tx Tx) error {
		_, actor, err := r.actor(ctx, tx, a)
		switch {
		case err != nil:
			return err
		case !actor.CanDeleteOthers:
			return ErrNoDeletePermission
		case !r.mature(a, actor, r.Now()):
			return ErrStepUpRequired
		}
		return nil
	})
}

// WithdrawConsentByOperator takes a client's access to what is a subject's, or
// returns ErrNotFound if it has none.
func (r *Registry) WithdrawConsentByOperator(ctx context.Context, subject, clientID string) error {
	return r.withdraw(ctx, Withdrawal{subject, clientID, r.Now()}, ReasonOperator, ActorOperator, func(Tx) error { return nil })
}

func (r *Registry) withdraw(ctx context.Context, w Withdrawal, why Reason, actor string, may func(Tx) error) error {
	return r.Consents.WithdrawConsent(ctx, w, may, func(grants []Grant) []Event {
		withdrawn := Event{
			ID: r.NewID(), Type: EventConsentWithdrawn, At: w.At, Subject: w.Subject, ClientID: w.ClientID,
			Reasons: []Reason{why}, Actor: actor,
		}
		return append([]Event{withdrawn}, r.grantEvents(grants, ReasonConsentWithdrawn, w.At, actor)...)
	})
}
