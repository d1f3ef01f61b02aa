package api

import (
	"context"
	"errors"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Grant is a grant as operators see it: nothing of it can mint a token.
type Grant struct {
	ID            string    `json:"id"`
	Subject       string    `json:"subject"`
	ClientID      string    `json:"client_id"`
	DeviceID      string    `json:"device_id" doc:"Empty where no device is involved."`
	SID           string    `json:"sid" doc:"The sign-in it descends from."`
	Issuer        string    `json:"issuer" doc:"Empty for this server."`
	ExternalRef   string    `json:"external_ref" doc:"The consent chain at that issuer."`
	Scopes        []string  `json:"scopes" nullable:"false"`
	Audience      []string  `json:"audience" nullable:"false"`
	Offline       bool      `json:"offline" doc:"Whether it yields refresh tokens."`
	Generation    int64     `json:"generation" doc:"The number of the refresh token in force."`
	CreatedAt     time.Time `json:"created_at"`
	RotatedAt     time.Time `json:"rotated_at,omitzero"`
	IdleUntil     time.Time `json:"idle_until,omitzero"`
	NotAfter      time.Time `json:"not_after,omitzero"`
	RevokedAt     time.Time `json:"revoked_at,omitzero"`
	RevokedReason string    `json:"revoked_reason,omitempty"`
}

// Grants is a part of a list of grants.
type Grants struct {
	Grants []Grant `json:"grants" nullable:"false"`
	Next   string  `json:"next" doc:"What to send as cursor for the next part. Empty at the end."`
}

func grantOf(g devices.Grant) Grant {
	return Grant{
		ID: g.ID, Subject: g.Subject, ClientID: g.ClientID, DeviceID: g.DeviceID, SID: g.SID,
		Issuer: g.Issuer, ExternalRef: g.ExternalRef,
		Scopes: append([]string{}, g.Scopes...), Audience: append([]string{}, g.Audience...),
		Offline: g.Offline, Generation: g.Generation,
		CreatedAt: g.CreatedAt.UTC(), RotatedAt: g.RotatedAt.UTC(), IdleUntil: g.IdleUntil.UTC(),
		NotAfter: g.NotAfter.UTC(), RevokedAt: g.RevokedAt.UTC(), RevokedReason: string(g.RevokedReason),
	}
}

type findGrantsInput struct {
	ByCursor
	Subject string `query:"subject" maxLength:"255"`
	Device  string `query:"device" pattern:"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" patternDescription:"UUID"`
	Client  string `query:"client" maxLength:"255"`
}

type grantsOutput struct{ Body Grants }

func (a *Admin) findGrants(ctx context.Context, in *findGrantsInput) (*grantsOutput, error) {
	found, err := a.finder.FindGrants(ctx, devices.GrantQuery{
		Subject: in.Subject, DeviceID: in.Device, ClientID: in.Client, Page: in.page(),
	})
	if err != nil {
		return nil, err
	}
	found, next := cut(found, in.Limit, func(g devices.Grant) string { return g.ID })
	out := &grantsOutput{Grants{Grants: make([]Grant, 0, len(found)), Next: next}}
	for _, g := range found {
		out.Body.Grants = append(out.Body.Grants, grantOf(g))
	}
	return out, nil
}

// endGrant ends a grant. Ending one that has ended is no error and no change.
func (a *Admin) endGrant(ctx context.Context, in *ByID) (*struct{}, error) {
	h, err := a.finder.Holding(ctx, in.known())
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return nil, errNoGrant
	case err != nil:
		return nil, err
	}
	return nil, a.registry.RevokeGrant(ctx, h.Grant.Subject, h.Grant.ID, devices.ReasonOperator)
}
