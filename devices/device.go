package devices

import (
	"time"
)

// State is the standing of a device.
type State string

// The states of a device. Only a revoked one is refused everywhere.
const (
	StateActive  State = "active"
	StateFlagged State = "flagged"
	StateRevoked State = "revoked"
)

// Tier is how strongly a device is bound.
type Tier int

// The binding tiers.
const (
	TierNone        Tier = iota // T0: nothing is known of it
	TierFingerprint             // T1: looks, which a thief can copy
	TierCookie                  // T2: the first-party device cookie
	TierKey                     // T3: a key that does not leave the device
)

// String returns the tier as "T0" to "T3".
func (t Tier) String() string { return [...]string{"T0", "T1", "T2", "T3"}[t] }

// MaxNameLength is the most characters a device's name may have.
const MaxNameLength = 255

// Device is one browser profile or app installation of one subject.
type Device struct {
	ID      string
	Subject string
	// Name is the owner's label; empty until given. It never replaces what
	// was observed.
	Name  string
	State State
	Tier  Tier
	// CookieHash is the SHA-256 of the secret in the device cookie.
	CookieHash []byte
	// KeyThumbprint is the RFC 7638 thumbprint of the bound key, or empty.
	KeyThumbprint string
	// Fingerprint is the browser's, as of the last sign-in.
	Fingerprint Fingerprint
	Entrance    Entrance
	First       Network
	Last        Network
	// LastAt is when the device signed in at Last, or came there. Zero where
	// nobody knows.
	LastAt time.Time
	// Known are the carriers it used before, latest first, without Last's.
	Known []Carrier

	CanUpdateOthers bool
	CanDeleteOthers bool

	CreatedAt time.Time
	// LastSeen is the latest of the last sign-in and the last rotation of any
	// of the device's grants.
	LastSeen time.Time
	// While it is flagged: why it was flagged last, since when something waits
	// for the owner's answer, and when that last came. The two times are zero
	// for what was flagged before they were kept.
	FlaggedReason Reason
	FlaggedAt     time.Time
	DoubtedAt     time.Time

	RevokedAt     time.Time
	RevokedReason Reason
	RevokedBy     string // device id, "operator", "policy" or empty
	Version       int64
}

// Live reports whether the device may still be used.
func (d Device) Live() bool { return d.State == StateActive || d.State == StateFlagged }

// MayReturn reports whether the holder of an ended device's cookie comes back
// as anybody new: who signed out, made room for another, or was signed out by
// a new password, which they know. Any other end was meant for good.
func (d Device) MayReturn() bool {
	switch d.RevokedReason {
	case ReasonLogout, ReasonDeviceLimit, ReasonPasswordChanged:
		return true
	default:
		return false
	}
}

// Label returns the owner's name of the device, else what it looks like.
func (d Device) Label() string {
	if d.Name != "" {
		return d.Name
	}
	return d.Fingerprint.Describe()
}

// MovedTo returns the device as it is once it has been seen in a network.
func (d Device) MovedTo(n Network, at time.Time) Device {
	d.Known = d.Last.Carrier().ahead(d.Known, n.Carrier())
	d.Last, d.LastAt = n, at
	return d
}

// Age returns how long the device has been enrolled.
func (d Device) Age(now time.Time) time.Duration { return max(0, now.Sub(d.CreatedAt)) }
