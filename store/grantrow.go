package store

import (
	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type grantRow struct {
	bun.BaseModel `bun:"table:grants,alias:g"`

	Generation      int64                     `bun:"generation"`
	Parent          int64                     `bun:"parent"`
	Version         int64                     `bun:"version"`
	RotatedAt       micros                    `bun:"rotated_at"`
	IdleUntil       micros                    `bun:"idle_until"`
	NotAfter        micros                    `bun:"not_after"`
	RevokedAt       micros                    `bun:"revoked_at"`
	TokensNotBefore micros                    `bun:"tokens_not_before"`
	CreatedAt       micros                    `bun:"created_at"`
	Offline         bool                      `bun:"offline"`
	ID              string                    `bun:"id,pk"`
	Subject         string                    `bun:"subject"`
	ClientID        string                    `bun:"client_id"`
	DeviceID        string                    `bun:"device_id"`
	SID             string                    `bun:"sid"`
	Issuer          string                    `bun:"issuer"`
	ExternalRef     string                    `bun:"external_ref"`
	Scopes          words                     `bun:"scopes"`
	Audience        words                     `bun:"audience"`
	RevokedReason   string                    `bun:"revoked_reason"`
	Secret          []byte                    `bun:"secret"`
	Session         []byte                    `bun:"session"`
	Baseline        packed[*devices.Baseline] `bun:"baseline"`
}

func grantRowOf(g devices.Grant) *grantRow {
	return &grantRow{
		Generation: g.Generation, Parent: g.Parent, Version: g.Version,
		RotatedAt: at(g.RotatedAt), IdleUntil: at(g.IdleUntil), NotAfter: at(g.NotAfter),
		RevokedAt: at(g.RevokedAt), TokensNotBefore: at(g.TokensNotBefore),
		CreatedAt: at(g.CreatedAt), Offline: g.Offline, ID: g.ID, Subject: g.Subject,
		ClientID: g.ClientID, DeviceID: g.DeviceID, SID: g.SID, Issuer: g.Issuer,
		ExternalRef: g.ExternalRef, Scopes: g.Scopes, Audience: g.Audience,
		RevokedReason: string(g.RevokedReason), Secret: g.Secret, Session: g.Session,
		Baseline: pack(g.Baseline),
	}
}

func (r *grantRow) grant() devices.Grant {
	return devices.Grant{
		ID: r.ID, Subject: r.Subject, ClientID: r.ClientID, DeviceID: r.DeviceID,
		Issuer: r.Issuer, ExternalRef: r.ExternalRef, SID: r.SID, Scopes: r.Scopes,
		Audience: r.Audience, Session: r.Session, Baseline: r.Baseline.V, Offline: r.Offline,
		Secret: r.Secret, Generation: r.Generation, Parent: r.Parent,
		RotatedAt: r.RotatedAt.time(), TokensNotBefore: r.TokensNotBefore.time(),
		IdleUntil: r.IdleUntil.time(), NotAfter: r.NotAfter.time(),
		RevokedAt: r.RevokedAt.time(), RevokedReason: devices.Reason(r.RevokedReason),
		Version: r.Version, CreatedAt: r.CreatedAt.time(),
	}
}

func grantList(rows []grantRow) []devices.Grant {
	list := make([]devices.Grant, len(rows))
	for i := range rows {
		list[i] = rows[i].grant()
	}
	return list
}
