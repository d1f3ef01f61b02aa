package api

import (
	"net/netip"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Device is a device as the APIs show it. What is not known is empty, or 0.
type Device struct {
	ID    string  `json:"id"`
	Name  string  `json:"name" doc:"The owner's own name of it, or empty."`
	Label string  `json:"label" doc:"The name, else what it looks like." example:"Chrome on Windows"`
	State string  `json:"state" enum:"active,flagged,revoked"`
	Tier  string  `json:"tier" enum:"T0,T1,T2,T3" doc:"How strongly it is bound: not, by looks, by cookie, by key."`
	OS    Product `json:"os"`
	// Browser is the browser or the HTTP library of an app.
	Browser Product `json:"browser"`
	Kind    string  `json:"kind" enum:"desktop,phone,tablet,tv,bot,app,other"`
	Brand   string  `json:"brand"`
	Model   string  `json:"model"`
	IP      string  `json:"ip" doc:"The address at enrolment." example:"192.0.2.7"`
	LastIP  string  `json:"last_ip" doc:"The latest address; the place is of it."`
	Country string  `json:"country" doc:"ISO 3166-1 alpha-2."`
	Region  string  `json:"region"`
	City    string  `json:"city"`
	ASN     uint32  `json:"asn"`

	CreatedAt time.Time `json:"created_at"`
	LastSeen  time.Time `json:"last_seen"`

	CanUpdateOthers bool `json:"can_update_other_devices"`
	CanDeleteOthers bool `json:"can_delete_other_devices"`
	IsCurrent       bool `json:"is_current" doc:"Whether the caller calls through it."`

	FlaggedReason string    `json:"flagged_reason,omitempty" doc:"Why it was flagged last. Empty once the owner has answered."`
	FlaggedAt     time.Time `json:"flagged_at,omitzero" doc:"Since when something about it waits for the owner's answer."`
	RevokedAt     time.Time `json:"revoked_at,omitzero"`
	RevokedReason string    `json:"revoked_reason,omitempty"`
}

// Product is an operating system or a browser.
type Product struct {
	Family  string `json:"family"`
	Version string `json:"version"`
}

// deviceOf returns a device as shown to the caller who acts through current.
func deviceOf(d devices.Device, current string) Device {
	f := d.Fingerprint
	return Device{
		ID: d.ID, Name: d.Name, Label: d.Label(), State: string(d.State), Tier: d.Tier.String(),
		OS: osOf(f), Browser: browserOf(f), Kind: kindOf(f),
		Brand: f[devices.SignalBrand], Model: f[devices.SignalModel],
		IP: address(d.First.Addr), LastIP: address(d.Last.Addr),
		Country: d.Last.Country, Region: d.Last.Region, City: d.Last.City, ASN: d.Last.ASN,
		CreatedAt: d.CreatedAt.UTC(), LastSeen: d.LastSeen.UTC(),
		CanUpdateOthers: d.CanUpdateOthers, CanDeleteOthers: d.CanDeleteOthers,
		IsCurrent:     d.ID == current,
		FlaggedReason: string(d.FlaggedReason), FlaggedAt: d.FlaggedAt.UTC(), RevokedAt: d.RevokedAt.UTC(),
		RevokedReason: string(d.RevokedReason),
	}
}

func osOf(f devices.Fingerprint) Product {
	return Product{Family: f[devices.SignalOS], Version: f[devices.SignalOSVersion]}
}

func browserOf(f devices.Fingerprint) Product {
	return Product{Family: f[devices.SignalBrowser], Version: f[devices.SignalBrowserVersion]}
}

func kindOf(f devices.Fingerprint) string {
	if class := f[devices.SignalClass]; class != "" {
		return class
	}
	return string(devices.ClassOther)
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().String()
}
