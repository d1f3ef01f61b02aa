package devices

import (
	"crypto/sha256"
	"errors"
)

// ErrOutdated: the password, sign-in, session or grant that authenticated a
// request has ended or changed since it was verified.
var ErrOutdated = errors.New("authenticated by what has ended since")

// Credential names the password, sign-in, session or grant that authenticated a
// request, as it was when it was verified. Verification takes time and holds no
// lock. A change therefore compares the credential again under the subject's lock
// ([Tx.Check]), and writes nothing if it has ended or changed in between. The
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
