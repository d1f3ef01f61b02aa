package devices

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Decision is what a verdict comes down to.
type Decision int

// The decisions. The zero value refuses, so that forgetting refuses.
const (
	Refuse Decision = iota
	StepUp          // this request is refused; a fresh sign-in on the device heals it
	Flag            // allowed, and told
	Allow
)

var decisionNames = [...]string{"refuse", "step_up", "flag", "allow"}

// String returns the decision's stable name.
func (d Decision) String() string { return decisionNames[d] }

// MarshalText returns the decision's stable name.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a stable name.
func (d *Decision) UnmarshalText(text []byte) error {
	for i, name := range decisionNames {
		if name == string(text) {
			*d = Decision(i)
			return nil
		}
	}
	return fmt.Errorf("unknown decision %q", text)
}

// Reason is a stable code for one thing that spoke against a sighting.
type Reason string

// The reasons, as promised in the contract.
const (
	ReasonDeviceRevoked    Reason = "device_revoked"
	ReasonGrantRevoked     Reason = "grant_revoked"
	ReasonSubjectDisabled  Reason = "subject_disabled"
	ReasonReuse            Reason = "reuse"
	ReasonEvidenceMismatch Reason = "evidence_mismatch"
	ReasonOSChanged        Reason = "os_changed"
	ReasonBrowserChanged   Reason = "browser_changed"
	ReasonModelChanged     Reason = "model_changed"
	ReasonClassChanged     Reason = "class_changed"
	ReasonDowngrade        Reason = "version_downgrade"
	ReasonContradiction    Reason = "hints_contradict"
	ReasonKeyMissing       Reason = "key_missing"
	ReasonKeyMismatch      Reason = "key_mismatch"
	ReasonCookieMismatch   Reason = "cookie_mismatch"
	ReasonNewNetwork       Reason = "new_network"
	ReasonNewCountry       Reason = "new_country"
	ReasonAnonymiser       Reason = "anonymiser"
	ReasonTravel           Reason = "impossible_travel"
	ReasonConcurrentUse    Reason = "concurrent_use"
	ReasonUnknownDevice    Reason = "unknown_device"
	ReasonDeviceLimit      Reason = "device_limit"
	ReasonExpired          Reason = "expired"
	// Beyond the contract's list.
	ReasonGatewayBypassed Reason = "gateway_bypassed" // a refresh at Hydra that did not pass the gateway
	ReasonResponseLost    Reason = "response_lost"
	ReasonLogout          Reason = "logout"           // the subject signed out
	ReasonOwner           Reason = "revoked_by_owner" // from another device
	ReasonNotMe           Reason = "not_me"           // the owner says that it was not them
	ReasonOperator        Reason = "revoked_by_operator"
	ReasonClient          Reason = "revoked_by_client" // RFC 7009
	ReasonCodeReplay      Reason = "code_replay"
	// ReasonConsentWithdrawn: the subject or an operator withdrew the consent.
	ReasonConsentWithdrawn Reason = "consent_withdrawn"

	ReasonPasswordChanged Reason = "password_changed"
)

// Evidence is one thing that speaks against a sighting.
type Evidence struct {
	Reason Reason `json:"reason"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Weight is in decibans: ten times the decimal logarithm of how much
	// likelier the fact is under theft than under honest use.
	Weight int `json:"weight"`
	// Final evidence decides by itself, in every mode.
	Final bool `json:"final,omitempty"`
}

// Verdict is what a policy makes of a sighting, with everything needed to
// explain it later. The zero value refuses.
type Verdict struct {
	Decision Decision   `json:"decision"`
	Evidence []Evidence `json:"evidence,omitempty"`
	// Weight is the capped sum of the evidence, in decibans.
	Weight int `json:"weight"`
	// RevokeGrant says that the refused token is in the wrong hands, so that
	// its grant must end.
	RevokeGrant bool `json:"revoke_grant,omitempty"`
	// Would is the decision that enforcing would have taken, where the mode
	// softened it.
	Would         Decision `json:"would"`
	PolicyVersion string   `json:"policy_version"`
}

// ErrRefused is what every refusing verdict is.
var ErrRefused = errors.New("refused")

// Err returns nil for a verdict that lets the sighting pass. Ask it only when
// the call that made the verdict did not itself fail.
func (v Verdict) Err() error {
	switch v.Decision {
	case Allow, Flag:
		return nil
	case StepUp, Refuse:
		return fmt.Errorf("%w: %s", ErrRefused, join(v.Reasons()))
	default:
		return ErrRefused
	}
}

// Reasons returns the codes of the evidence, in its order.
func (v Verdict) Reasons() []Reason {
	reasons := make([]Reason, 0, len(v.Evidence))
	for _, e := range v.Evidence {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

func join(reasons []Reason) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = string(r)
	}
	return strings.Join(texts, " ")
}

// Judgment is a sighting with its verdict, kept as history.
type Judgment struct {
	ID       string
	Subject  string
	DeviceID string
	GrantID  string // empty at sign-in
	ClientID string
	Sighting Sighting
	Verdict  Verdict
}

// EventType is the kind of a told fact.
type EventType string

// The events.
const (
	EventDeviceEnrolled     EventType = "device.enrolled"
	EventDeviceFlagged      EventType = "device.flagged"
	EventDeviceRefused      EventType = "device.refused"
	EventDeviceRevoked      EventType = "device.revoked"
	EventDeviceRenamed      EventType = "device.renamed"
	EventPermissionsChanged EventType = "device.permissions_changed"
	EventDeviceAcknowledged EventType = "device.acknowledged"
	EventGrantCreated       EventType = "grant.created"
	EventGrantRevoked       EventType = "grant.revoked"
	EventReuseDetected      EventType = "grant.reuse_detected"
	EventResponseLost       EventType = "grant.response_lost"
	EventLoginSuspicious    EventType = "login.suspicious"
	EventHijackSuspected    EventType = "session.hijack_suspected"
	EventConsentWithdrawn   EventType = "consent.withdrawn"
)

// Event is a told fact: ids and codes, never an address or a token.
type Event struct {
	ID            string
	Type          EventType
	At            time.Time
	Subject       string
	DeviceID      string
	ClientID      string
	GrantID       string
	Reasons       []Reason
	Verdict       string // the decision's name, or empty
	PolicyVersion string
	// Actor is who caused it: ActorOperator, ActorClient, ActorSystem, or a device
	// as ActorDevice names it. Events from before actors were kept have none.
	Actor string
}
