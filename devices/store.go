package devices

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// What a store answers, besides trouble of its own.
var (
	// ErrNotFound: no such thing, or another subject's.
	ErrNotFound = errors.New("not found")
	// ErrExists: there is one by that name already.
	ErrExists = errors.New("exists already")
)

// Store keeps devices and their history.
type Store interface {
	// Change runs fn in one transaction that no other Change of the subject
	// overlaps, creating the subject where it is new. Everything fn does
	// through the Tx commits together when it returns nil. fn may run more
	// than once and must do nothing else.
	Change(ctx context.Context, subject string, fn func(Tx) error) error
	// Devices returns the subject's devices, revoked ones too, oldest first.
	Devices(ctx context.Context, subject string) ([]Device, error)
	// Device returns one device of the subject, or ErrNotFound.
	Device(ctx context.Context, subject, id string) (Device, error)
	// History returns judgments on a device of the subject, newest first.
	History(ctx context.Context, subject, deviceID string, p Page) ([]Judgment, error)
}

// Tx is a subject's devices within a change.
type Tx interface {
	// Devices returns the subject's devices, revoked ones too, oldest first.
	Devices(ctx context.Context) ([]Device, error)
	// Check returns nil if the subject may sign in and the credential is still
	// as it was verified, else ErrDisabled or ErrOutdated.
	Check(ctx context.Context, c Credential) error
	// Put writes a device, new or known by its ID.
	Put(ctx context.Context, d Device) error
	// EndGrants revokes the live grants of the selection and ends its
	// sign-ins, and returns the grants it revoked.
	EndGrants(ctx context.Context, s Selection, reason Reason, at time.Time) ([]Grant, error)
	// Record keeps a judgment.
	Record(ctx context.Context, j Judgment) error
	// Tell appends events to the outbox.
	Tell(ctx context.Context, events ...Event) error
}

// Selection is which of a subject's grants a change is about: those of one
// device, one grant, one grant if it is on one device, or all of them where both
// are empty.
type Selection struct {
	DeviceID string
	GrantID  string
	Except   string // the device that is left out of all of them
}

// Page is a part of a list. Its zero value is the first part.
type Page struct {
	After string // the ID of the last row of the part before
	Limit int    // 0 means 50; more than 500 is 500
}

// Holding is a grant with who holds it, read at one moment.
type Holding struct {
	Grant Grant
	// Device is nil where the grant has none. Of a device it has what a token
	// call is judged by, and no more: ID, Subject, State, Tier, CookieHash,
	// KeyThumbprint, Last, LastAt and Known.
	Device          *Device
	SubjectDisabled bool
	// Remembered says that it was not read for this request: only a plain
	// allow may rest on it.
	Remembered bool
}

// GrantStore keeps grants. Holding and Rotate are the hot path: one round trip
// each.
type GrantStore interface {
	// Holding returns a grant with its device and subject, or ErrNotFound.
	Holding(ctx context.Context, grantID string) (Holding, error)
	// Rotate moves a grant to its next generation if it still is as r says
	// (identity, version, generation, not revoked, not past its end), and
	// reports whether it was. What r tells beyond that commits with it.
	Rotate(ctx context.Context, r Rotation) (bool, error)
	// GrantHistory returns the judgments about a grant, newest first. The grant
	// need not have a device. Only what is not plainly allowed asks for it.
	GrantHistory(ctx context.Context, grantID string, p Page) ([]Judgment, error)
}

// Rotation is the move of a grant to its next generation.
type Rotation struct {
	GrantID string
	Subject string
	Version int64 // as read
	From    int64 // the generation in force, as read
	To      int64
	Parent  int64
	At      time.Time
	// Seen is where the device was last seen, as read; invalid is nowhere. The
	// grant moves only if that is still so: it was judged, too.
	Seen netip.Addr
	// IdleUntil is the new idle end; zero is none.
	IdleUntil time.Time
	// Baseline replaces the grant's, where it rose. Nil leaves it.
	Baseline *Baseline
	// Touched replaces the device's last network, where it moved. Nil leaves
	// it: a plain refresh writes one row.
	Touched *Touch
	// Judgment and Events are kept with the rotation. A plain allow has none.
	// An event device.flagged leaves the device flagged, as [Device.Doubted]
	// does.
	Judgment *Judgment
	Events   []Event
}

// Renews reports a rotation that moves nothing but times and tells nothing,
// where the client is sender-constrained. It does not move the version, and
// does not mind that others have: any number may be under way at once.
func (r Rotation) Renews() bool { return r.To == r.From && r.plain() }

// plain reports a rotation that writes the grant's row and teaches nothing.
func (r Rotation) plain() bool {
	return r.Baseline == nil && r.Touched == nil && r.Judgment == nil && len(r.Events) == 0
}

// Touch is a device seen on another network.
type Touch struct {
	DeviceID string
	Network  Network
	At       time.Time
	Known    []Carrier // as in [Device]
}
