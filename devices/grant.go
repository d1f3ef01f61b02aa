package devices

import (
	"time"
)

// Binding is how closely the token calls of a client are compared with the
// device the grant was given to.
type Binding string

// The bindings, from the loosest to the closest.
const (
	// BindingDeviceStatus asks only whether device, grant and subject are
	// good. For backends, whose own looks say nothing of the user.
	BindingDeviceStatus Binding = "device_status"
	// BindingObserved compares the looks of the token call itself.
	BindingObserved Binding = "observed"
	// BindingForwarded compares what an authenticated client passes on of
	// its user.
	BindingForwarded Binding = "forwarded"
	// BindingDPoP binds to a key; looks can never refuse.
	BindingDPoP Binding = "dpop"
)

// Grant is one authorization and every token descending from it. It is one
// row: tokens are derived from it and never stored.
type Grant struct {
	ID       string
	Subject  string
	ClientID string
	DeviceID string // empty where no device is involved (client credentials)
	// Issuer is who mints the tokens: empty for this server, else the Hydra
	// whose consent chain ExternalRef names.
	Issuer      string
	ExternalRef string
	SID         string // the sign-in it descends from
	Scopes      []string
	Audience    []string
	// Session is what the provider must remember (authentication time, acr,
	// …), opaque here.
	Session []byte
	// Baseline is what the first token call looked like, raised by later
	// allowed ones. Nil until one was seen.
	Baseline *Baseline
	// Offline reports that it yields refresh tokens.
	Offline bool
	// Secret makes a leaked server key alone worthless.
	Secret []byte

	// Generation is the number of the refresh token in force, Parent that of
	// the token it was exchanged for. Both start at 1 and 0.
	Generation int64
	Parent     int64
	RotatedAt  time.Time

	TokensNotBefore time.Time // access tokens issued earlier are dead
	IdleUntil       time.Time // zero: never
	NotAfter        time.Time // absolute end; rotation never moves it
	RevokedAt       time.Time
	RevokedReason   Reason
	Version         int64
	CreatedAt       time.Time
}

// Baseline is how the token calls of a grant look.
type Baseline struct {
	Fingerprint   Fingerprint `json:"fingerprint,omitempty"`
	Network       Network     `json:"network,omitzero"`
	Cookie        bool        `json:"cookie,omitempty"` // the device cookie came along
	KeyThumbprint string      `json:"key,omitempty"`
	// Carrier is the one of the last token call, where that is not Network's
	// any more. Left is the one before, and LeftAt when the grant was last used
	// there.
	Carrier Carrier   `json:"carrier,omitzero"`
	Left    Carrier   `json:"left,omitzero"`
	LeftAt  time.Time `json:"left_at,omitzero"`
}

// here returns the carrier of the grant's last token call.
func (b Baseline) here() Carrier {
	if b.Carrier.told() {
		return b.Carrier
	}
	return b.Network.Carrier()
}

// moved returns the baseline after a token call from there, and whether that
// is another one. The grant was last used at used.
func (b Baseline) moved(there Carrier, used time.Time) (Baseline, bool) {
	here := b.here()
	if !there.told() || (here.told() && !here.differs(there)) {
		return b, false
	}
	b.Carrier = there
	if b.Left, b.LeftAt = here, used; !here.told() {
		b.LeftAt = time.Time{}
	}
	return b, true
}

// Live reports whether the grant can still yield tokens at that time.
func (g Grant) Live(now time.Time) bool {
	return g.RevokedAt.IsZero() && !g.expired(now)
}

func (g Grant) expired(now time.Time) bool {
	return (!g.IdleUntil.IsZero() && !now.Before(g.IdleUntil)) ||
		(!g.NotAfter.IsZero() && !now.Before(g.NotAfter))
}

// Lineage is where a presented refresh token stands among those of its grant.
type Lineage int

// The lineages. The zero value is the worst, so that forgetting refuses.
const (
	// Reused: the token was spent and its successor used, or never issued.
	Reused Lineage = iota
	// Current: the token in force.
	Current
	// Retried: the token just spent, within the grace: the same request again.
	Retried
	// ResponseLost: the token spent last, whose successor never came back.
	ResponseLost
	// Untold: the entrance does not see generations (Ory Hydra's own tokens).
	Untold
)

// Lineage returns where generation p stands. A grace of zero is strict: a
// spent token is reused, whatever became of its successor (RFC 9700 §4.14.2).
func (g Grant) Lineage(p int64, now time.Time, grace time.Duration) Lineage {
	switch {
	case p == g.Generation:
		return Current
	case p != g.Parent || p == 0 || grace <= 0:
		return Reused
	case now.Sub(g.RotatedAt) <= grace:
		return Retried
	default:
		// Had the successor been presented, it would be the parent by now.
		return ResponseLost
	}
}
