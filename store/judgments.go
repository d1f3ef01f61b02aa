package store

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/lanyard-id/lanyard/devices"
)

type judgmentRow struct {
	bun.BaseModel `bun:"table:judgments"`

	At       micros `bun:"at"`
	ID       string `bun:"id,pk"`
	Subject  string `bun:"subject"`
	DeviceID string `bun:"device_id"`
	GrantID  string `bun:"grant_id"`
	ClientID string `bun:"client_id"`
	// Addr and Spot are kept apart from their sighting, to be forgotten earlier.
	Addr     []byte                  `bun:"addr"`
	Spot     spot                    `bun:"spot"`
	Sighting packed[sighting]        `bun:"sighting"`
	Verdict  packed[devices.Verdict] `bun:"verdict"`
	// Decision is the verdict's, to be counted.
	Decision string `bun:"decision"`
}

// sighting is what of a sighting has no column of its own.
type sighting struct {
	Entrance    devices.Entrance    `json:"entrance,omitempty"`
	Fingerprint devices.Fingerprint `json:"fingerprint,omitempty"`
	Network     devices.Network     `json:"network,omitzero"`
	Cookies     [][]byte            `json:"cookies,omitempty"`
	Key         string              `json:"key,omitempty"`
}

func (r *judgmentRow) judgment() devices.Judgment {
	s := r.Sighting.V
	return devices.Judgment{
		ID: r.ID, Subject: r.Subject, DeviceID: r.DeviceID, GrantID: r.GrantID, ClientID: r.ClientID,
		Sighting: devices.Sighting{
			At: r.At.time(), Entrance: s.Entrance, Fingerprint: s.Fingerprint,
			Network: network(r.Addr, int64(s.Network.ASN), r.Spot, s.Network),
			Proof:   devices.Proof{CookieHashes: s.Cookies, KeyThumbprint: s.Key},
		},
		Verdict: r.Verdict.V,
	}
}

// record keeps a judgment.
func record(ctx context.Context, tx bun.Tx, j devices.Judgment) error {
	if err := writable(j); err != nil {
		return err
	}
	s := j.Sighting
	row := &judgmentRow{
		At: at(s.At), ID: j.ID, Subject: j.Subject, DeviceID: j.DeviceID, GrantID: j.GrantID,
		ClientID: j.ClientID, Addr: address(s.Network.Addr), Spot: spotOf(s.Network.Spot), Verdict: pack(j.Verdict),
		Decision: j.Verdict.Decision.String(),
	}
	s.Network.Addr, s.Network.Spot = netip.Addr{}, devices.Spot{}
	row.Sighting = pack(sighting{
		Entrance: s.Entrance, Fingerprint: s.Fingerprint, Network: s.Network,
		Cookies: s.Proof.CookieHashes, Key: s.Proof.KeyThumbprint,
	})
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	switch {
	case duplicate(err):
		return fmt.Errorf("record judgment %s: %w", j.ID, devices.ErrExists)
	case err != nil:
		return fmt.Errorf("record judgment %s: %w", j.ID, err)
	}
	return nil
}
