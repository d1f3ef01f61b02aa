package devices

import (
	"crypto/sha256"
	"errors"
)

// ErrOutdated: what a request was authenticated by has ended or changed since
// it was verified.
var ErrOutdated = errors.New("authenticated by what has ended since")

// Credential is what a request was authenticated by, as it was when that was
// verified. Verifying takes time, and is done without a lock; so a change
// compares the credential again under the subject's lock ([Tx.Check]), and
// nothing is written on the strength of one that has ended in between. The
// fields that are set must all hold; the zero value is a sign-in that another
// server has verified.
type Credential struct {
	// Password is a digest of the identifier and the password's hash that were
	// compared with what was typed.
	Password   [sha256.Size]byte
	SignIn     string // the ID of a sign-in of this server
	WebSession string // the ID of a session of the pages
	GrantID    string // the grant of an access token
}
