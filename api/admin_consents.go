package api

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Consent is what a client has of a subject: a consent, live grants, or both.
type Consent struct {
	ClientID   string    `json:"client_id"`
	ClientName string    `json:"client_name" doc:"Empty if the client has none, or is not registered here."`
	Scopes     []string  `json:"scopes" nullable:"false" doc:"Of the consent and of the live grants."`
	Consented  bool      `json:"consented" doc:"Whether a consent is kept here. Without one the client asks nobody, or another server keeps the consent."`
	Since      time.Time `json:"since" doc:"When the consent was given or the oldest live grant opened, whichever came first."`
	LastUsed   time.Time `json:"last_used,omitzero" doc:"When the last live grant was opened or refreshed. Absent without any."`
	DeviceIDs  []string  `json:"device_ids" nullable:"false" doc:"The devices of the live grants."`
	Grants     int       `json:"grants" doc:"How many live grants there are."`
}

// Consents are the clients that have access to what is a subject's.
type Consents struct {
	Consents []Consent `json:"consents" nullable:"false"`
}

type consentsOutput struct{ Body Consents }

// subjectConsents answers with all of them: a subject has few.
func (a *Admin) subjectConsents(ctx context.Context, in *subjectInput) (*consentsOutput, error) {
	found, err := a.registry.Consents.Accesses(ctx, in.Subject, a.registry.Now())
	if err != nil {
		return nil, err
	}
	out := &consentsOutput{Consents{Consents: make([]Consent, len(found))}}
	for i, f := range found {
		out.Body.Consents[i] = Consent{
			ClientID: f.ClientID, ClientName: f.ClientName, Scopes: append([]string{}, f.Scopes...), Consented: f.Consented,
			Since: f.Since.UTC(), LastUsed: f.LastUsed.UTC(), DeviceIDs: append([]string{}, f.DeviceIDs...), Grants: f.Grants,
		}
	}
	return out, nil
}

type consentInput struct {
	Subject string `path:"sub" maxLength:"255" doc:"The sub of the subject's tokens."`
	Client  string `path:"client" maxLength:"255" doc:"The client's ID."`
}

// withdrawConsent takes a client's access to what is a subject's.
func (a *Admin) withdrawConsent(ctx context.Context, in *consentInput) (*struct{}, error) {
	err := a.registry.WithdrawConsentByOperator(ctx, in.Subject, in.Client)
	if errors.Is(err, devices.ErrNotFound) {
		return nil, errNoConsent
	}
	return nil, err
}
