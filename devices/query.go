package devices

import "net/netip"

// DeviceQuery is what an operator looks for among all devices. Zero fields do
// not narrow; the others must all hold.
type DeviceQuery struct {
	Subject string
	OS      string // family, as in [SignalOS]
	State   State
	// Addr holds the address at enrolment or the last one. A single address
	// is a prefix of its full length. Invalid means any.
	Addr netip.Prefix
	ASN  uint32 // of the first or the last network
	Page        // newest device first; After is a device's ID
}

// GrantQuery is what an operator looks for among all grants. Zero fields do
// not narrow; the others must all hold. Ended grants are found too.
type GrantQuery struct {
	Subject  string
	DeviceID string
	ClientID string
	Page     // newest grant first; After is a grant's ID
}

// EventPage is a part of the told facts, in the order of their cursors.
type EventPage struct {
	Events []Event
	// Next is the cursor to ask with for what comes after this part. It is
	// opaque, never empty once anything was told, and good for ever: where
	// Events is empty it is where the question was asked from.
	Next string
}
