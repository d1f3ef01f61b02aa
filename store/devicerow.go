package store

import (
	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type deviceRow struct {
	bun.BaseModel `bun:"table:devices,alias:d"`

	CreatedAt       micros `bun:"created_at"`
	LastSeen        micros `bun:"last_seen"`
	RevokedAt       micros `bun:"revoked_at"`
	Version         int64  `bun:"version"`
	FirstASN        int64  `bun:"first_asn"`
	LastASN         int64  `bun:"last_asn"`
	FirstSpot       spot   `bun:"first_spot"`
	LastSpot        spot   `bun:"last_spot"`
	LastAt          micros `bun:"last_at"`
	Tier            int64  `bun:"tier"`
	CanUpdateOthers bool   `bun:"can_update_others"`
	CanDeleteOthers bool   `bun:"can_delete_others"`
	ID              string `bun:"id,pk"`
	Subject         string `bun:"subject"`
	Name            string `bun:"name"`
	State           string `bun:"state"`
	CookieHash      []byte `bun:"cookie_hash"`
	KeyThumbprint   string `bun:"key_thumbprint"`
	// OS is of the fingerprint, to be looked for.
	OS            string                      `bun:"os"`
	Fingerprint   packed[devices.Fingerprint] `bun:"fingerprint"`
	Entrance      string                      `bun:"entrance"`
	FirstAddr     []byte                      `bun:"first_addr"`
	FirstPlace    packed[devices.Network]     `bun:"first_place"`
	LastAddr      []byte                      `bun:"last_addr"`
	LastPlace     packed[devices.Network]     `bun:"last_place"`
	Known         carriers                    `bun:"known"`
	FlaggedReason string                      `bun:"flagged_reason"`
	FlaggedAt     micros                      `bun:"flagged_at"`
	DoubtedAt     micros                      `bun:"doubted_at"`
	RevokedReason string                      `bun:"revoked_reason"`
	RevokedBy     string                      `bun:"revoked_by"`

	// Rotated is the last rotation of any of the device's grants.
	Rotated micros `bun:"rotated,scanonly"`
}

func deviceRowOf(d devices.Device) *deviceRow {
	return &deviceRow{
		CreatedAt: at(d.CreatedAt), LastSeen: at(d.LastSeen), RevokedAt: at(d.RevokedAt),
		Version: d.Version, Tier: int64(d.Tier),
		CanUpdateOthers: d.CanUpdateOthers, CanDeleteOthers: d.CanDeleteOthers,
		ID: d.ID, Subject: d.Subject, Name: d.Name, State: string(d.State),
		CookieHash: d.CookieHash, KeyThumbprint: d.KeyThumbprint,
		OS: d.Fingerprint[devices.SignalOS], Fingerprint: pack(d.Fingerprint),
		Entrance: string(d.Entrance), FlaggedReason: string(d.FlaggedReason),
		FirstAddr: address(d.First.Addr), FirstASN: int64(d.First.ASN), FirstPlace: place(d.First),
		LastAddr: address(d.Last.Addr), LastASN: int64(d.Last.ASN), LastPlace: place(d.Last),
		FirstSpot: spotOf(d.First.Spot), LastSpot: spotOf(d.Last.Spot), LastAt: at(d.LastAt), Known: d.Known,
		RevokedReason: string(d.RevokedReason), RevokedBy: d.RevokedBy,
		FlaggedAt: at(d.FlaggedAt), DoubtedAt: at(d.DoubtedAt),
	}
}

func (r *deviceRow) device() devices.Device {
	return devices.Device{
		ID: r.ID, Subject: r.Subject, Name: r.Name, State: devices.State(r.State),
		Tier: devices.Tier(r.Tier), CookieHash: r.CookieHash, KeyThumbprint: r.KeyThumbprint,
		Fingerprint: r.Fingerprint.V, Entrance: devices.Entrance(r.Entrance),
		First:           network(r.FirstAddr, r.FirstASN, r.FirstSpot, r.FirstPlace.V),
		Last:            network(r.LastAddr, r.LastASN, r.LastSpot, r.LastPlace.V),
		LastAt:          r.LastAt.time(),
		Known:           r.Known,
		CanUpdateOthers: r.CanUpdateOthers, CanDeleteOthers: r.CanDeleteOthers,
		CreatedAt: r.CreatedAt.time(), LastSeen: max(r.LastSeen, r.Rotated).time(),
		FlaggedReason: devices.Reason(r.FlaggedReason),
		FlaggedAt:     r.FlaggedAt.time(), DoubtedAt: r.DoubtedAt.time(),
		RevokedAt: r.RevokedAt.time(), RevokedReason: devices.Reason(r.RevokedReason),
		RevokedBy: r.RevokedBy, Version: r.Version,
	}
}

// flags returns the queries that leave the devices of events flagged, as
// [devices.Device.Doubted] does, for those that are not put with their events.
func flags(db bun.IDB, events []devices.Event) []*bun.UpdateQuery {
	var queries []*bun.UpdateQuery
	for _, e := range events {
		if e.Type != devices.EventDeviceFlagged || e.DeviceID == "" {
			continue
		}
		var reason devices.Reason
		if len(e.Reasons) > 0 {
			reason = e.Reasons[0]
		}
		queries = append(queries, db.NewUpdate().Model((*deviceRow)(nil)).
			Set("flagged_at = CASE WHEN state = ?0 AND flagged_at > 0 THEN flagged_at ELSE ?1 END",
				devices.StateFlagged, at(e.At)).
			Set("state = ?", devices.StateFlagged).Set("flagged_reason = ?", reason).
			Set("doubted_at = CASE WHEN doubted_at > ?0 THEN doubted_at ELSE ?0 END", at(e.At)).Set("version = version + 1").
			Where("id = ? AND subject = ? AND state <> ?", e.DeviceID, e.Subject, devices.StateRevoked))
	}
	return queries
}

func deviceList(rows []deviceRow) []devices.Device {
	list := make([]devices.Device, len(rows))
	for i := range rows {
		list[i] = rows[i].device()
	}
	return list
}

// selectDevices returns devices as they are told: with the last use that is
// derived from their grants.
func selectDevices(db bun.IDB, into *[]deviceRow) *bun.SelectQuery {
	return db.NewSelect().Model(into).ColumnExpr("d.*").ColumnExpr(
		"COALESCE((SELECT max(g.rotated_at) FROM grants AS g WHERE g.device_id = d.id), 0) AS rotated")
}
