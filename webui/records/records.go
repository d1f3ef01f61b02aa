// Package records holds what the pages ask a store to keep and to tell: web
// sessions, and who holds grants on a device.
//
// # Not here
//
// No SQL, no HTTP: plain types that both sides may import.
package records

import (
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Session is an owner signed in to the pages with one browser. It is an id and
// a hashed secret: a leaked database is no way in.
type Session struct {
	ID         string
	SecretHash []byte // SHA-256 of the secret in the cookie
	Subject    string
	DeviceID   string
	// Issuer is who signed the owner in: empty for this server, whose sign-in
	// SID then names. The session ends with that sign-in.
	Issuer    string
	SID       string
	Name      string // what the owner is called, for the page
	AuthTime  time.Time
	CreatedAt time.Time
	IdleUntil time.Time
	NotAfter  time.Time
	// SignInEnded reports that the sign-in here that it hangs on has ended, and
	// the session with it.
	SignInEnded bool
}

// Live reports whether the session still holds at that time.
func (s Session) Live(now time.Time) bool {
	return !s.SignInEnded && now.Before(s.IdleUntil) && now.Before(s.NotAfter)
}

// Holder is a client that holds live grants on a device.
type Holder struct {
	DeviceID   string
	ClientID   string
	ClientName string // empty where the client has none, or is gone
	Grants     int
}

// Grant is a grant with what the pages say of its client. Its scopes are those
// that the client is still registered for.
type Grant struct {
	devices.Grant
	ClientName string
	// Consented reports that the subject has consented to the client's access:
	// a client may be registered to need no consent.
	Consented bool
	// Verifiable is how long an access token may go on working that resource
	// servers verify by themselves (RFC 9068), counted from when it was
	// issued. Zero where tokens are opaque: those end at once.
	Verifiable time.Duration
}

// Tally is how many judgments of a day ended in one decision.
type Tally struct {
	Day      time.Time // its beginning, in UTC
	Decision string
	Count    int
}

// Outcome is what came of a doubt: of a judgment that flagged, stepped up or
// refused.
type Outcome string

// The outcomes. What the owner decided first about the device, at or after the
// judgment, is what counts.
const (
	// OutcomeFalseAlarm: the owner said that it was them, which clears the flag.
	OutcomeFalseAlarm Outcome = "false_alarm"
	// OutcomeConfirmed: the owner ended the device from another one, as in
	// "This wasn't me". An operator who ends it confirms nothing.
	OutcomeConfirmed Outcome = "confirmed"
)

// Answer is how many doubts of a day had an outcome.
type Answer struct {
	Day     time.Time // the doubts', its beginning in UTC
	Outcome Outcome
	Count   int
}
