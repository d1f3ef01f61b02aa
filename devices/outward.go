package devices

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// TieKind is what kind of session elsewhere a tie is about.
type TieKind string

// The kinds of ties.
const (
	// TieHydraLogin is a login session of Hydra, by its sid.
	TieHydraLogin TieKind = "hydra_login"
	// TieKratosSession is a session of Kratos, by its ID.
	TieKratosSession TieKind = "kratos_session"
	// TieKratosNew is a session of Kratos that had no ID when it was seen: its
	// hooks run before it is saved. Its reference is [KratosNew].
	TieKratosNew TieKind = "kratos_new"
)

// Tie says that a session elsewhere belongs to a device here.
type Tie struct {
	Kind     TieKind
	Ref      string
	Subject  string
	DeviceID string
	At       time.Time
	EndedAt  time.Time // zero while the session may live
}

// KratosNew returns the reference of a session of Kratos that has no ID yet:
// Kratos keeps the identity and the time of issue, to the microsecond.
func KratosNew(identity string, issuedAt time.Time) string {
	return identity + "@" + issuedAt.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// LegKind is what is to be ended elsewhere.
type LegKind string

// The kinds of legs.
const (
	LegHydraChain    LegKind = "hydra_chain"    // all tokens of one authorization
	LegHydraConsent  LegKind = "hydra_consent"  // what a subject let a client have, on all devices
	LegHydraLogin    LegKind = "hydra_login"    // a login session
	LegKratosSession LegKind = "kratos_session" // a session
	LegKratosNew     LegKind = "kratos_new"     // … that had no ID when it was seen
)

// LegState is how far a leg has come.
type LegState string

// The states of a leg.
const (
	LegPending LegState = "pending"
	// LegDone: the other server confirmed it.
	LegDone LegState = "done"
	// LegHeld: the other server cannot do it, or does not say whether it did.
	// What it would have ended is refused here from now on, and Until says what
	// that cannot reach.
	LegHeld LegState = "held"
)

// TroubleUnconfirmed is the code of a held leg that the other server accepted
// without saying whether it knew what to end.
const TroubleUnconfirmed = "hydra_did_not_confirm"

// Leg is one thing to end elsewhere after a device or a grant ended here.
type Leg struct {
	ID       string
	Kind     LegKind
	Ref      string
	Subject  string
	DeviceID string
	GrantID  string
	ClientID string
	State    LegState
	Attempts int
	// Trouble is a code for why the last attempt failed, or what a held leg
	// cannot reach; empty otherwise.
	Trouble   string
	CreatedAt time.Time
	NextAt    time.Time // of the next attempt
	DoneAt    time.Time
	// Until is when what is left has died by itself: access tokens that are
	// checked offline live until they expire. Zero where nothing is left.
	Until time.Time
}

// KratosAbout is [KratosNew] for a session that is issued about then, to who
// has that User-Agent.
func KratosAbout(identity string, at time.Time, agent string) string {
	return identity + "@~" + at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) + "#" + agentSum(agent)
}

// KratosRef is what such references are read into.
type KratosRef struct {
	Identity string
	from, to time.Time // when the session may have been issued
	agent    string    // the sum of the User-Agent, empty for any
}

// ReadKratosRef reads a reference of KratosNew or KratosAbout.
func ReadKratosRef(ref string) (KratosRef, error) {
	identity, text, _ := strings.Cut(ref, "@")
	text, about := strings.CutPrefix(text, "~")
	text, agent, _ := strings.Cut(text, "#")
	at, err := time.Parse(time.RFC3339Nano, text)
	r := KratosRef{Identity: identity, from: at, to: at, agent: agent}
	if about {
		// The hook of a registration runs beside the making of its session.
		r.from, r.to = at.Add(-10*time.Second), at.Add(10*time.Second)
	}
	return r, err
}

// Latest returns the latest time at which the session may have been issued.
func (r KratosRef) Latest() time.Time { return r.to }

// Fits reports whether a session of the identity may be the one.
func (r KratosRef) Fits(issuedAt time.Time, agents ...string) bool {
	issuedAt = issuedAt.Truncate(time.Microsecond)
	if issuedAt.Before(r.from) || issuedAt.After(r.to) {
		return false
	}
	return r.agent == "" || slices.ContainsFunc(agents, func(a string) bool { return agentSum(a) == r.agent })
}

func agentSum(agent string) string {
	sum := sha256.Sum256([]byte(agent))
	return hex.EncodeToString(sum[:8])
}
