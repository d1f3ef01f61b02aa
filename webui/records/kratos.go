package records

import "time"

// KratosSession is what Ory Kratos says of a browser's session.
type KratosSession struct {
	ID       string
	Subject  string // the identity
	Name     string // what they are called; may be empty
	AuthTime time.Time
	IssuedAt time.Time
	Clock    time.Time // Kratos' own time when it answered, in seconds; zero: unknown
}
