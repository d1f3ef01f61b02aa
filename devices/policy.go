package devices

import "time"

// Mode is how far a policy's judgments reach.
type Mode string

// The modes. Ended devices, grants and subjects, expiry and reuse are refused
// in every mode: they are facts, not judgments.
const (
	ModeObserve Mode = "observe" // judge and record, let pass
	ModeFlag    Mode = "flag"    // judge, record and tell, let pass
	ModeEnforce Mode = "enforce" // refuse what must be refused
)

// PolicyVersion names the built-in weights. It is stored with each verdict
// and changes whenever a weight or a rule does.
const PolicyVersion = "2026-12.1"

// Policy judges sightings. It is pure: the same case gives the same verdict.
// Weights and thresholds are in decibans (ten times the decimal logarithm of
// a likelihood ratio), so that pieces of evidence add up.
type Policy struct {
	Mode    Mode
	Version string
	Weights Weights
	// A sum at or over a threshold gives its decision. Refusing also needs
	// two pieces of evidence, or a final one: no single look is proof.
	FlagAt, StepUpAt, RefuseAt int
	// SoftwareCap is the most that all looks together may weigh, since they
	// change together; NetworkCap is that of all networks, but for travel.
	SoftwareCap, NetworkCap int
	// ConcurrentWindow is how soon a grant that is back at the carrier it left
	// was used in two at once.
	ConcurrentWindow time.Duration
}

// Weights is what each piece of evidence weighs, in decibans.
type Weights struct {
	OSChanged, BrowserChanged, ModelChanged, ClassChanged int
	BrowserDowngrade, OSDowngrade                         int
	Contradiction, CookieMismatch, LanguageChanged        int
	DesktopPages                                          int // instead of OSChanged
	// NewNetwork is a retry from another network than the device was last seen
	// on; OtherFamily is one where that cannot be told, because one address is
	// IPv4 and the other IPv6. Neither ever makes more of a verdict than a flag.
	NewNetwork, OtherFamily int
	// Where a sighting came from. NewCarrier is the number of a network (AS)
	// that the device has not used before.
	NewCountry, NewCarrier       int
	Hosting, Anonymiser, Tor     int
	FastTravel, ImpossibleTravel int
	KnownCarrier                 int // off travel, where the carrier is known
	ConcurrentUse                int
}

// DefaultPolicy returns the built-in policy, enforcing.
func DefaultPolicy() Policy {
	return Policy{
		Mode: ModeEnforce, Version: PolicyVersion,
		Weights: Weights{
			OSChanged: 25, BrowserChanged: 22, ModelChanged: 15, ClassChanged: 10,
			BrowserDowngrade: 12, OSDowngrade: 10,
			Contradiction: 10, CookieMismatch: 18, LanguageChanged: 4, DesktopPages: 4,
			NewNetwork: 10, OtherFamily: 4,
			NewCountry: 10, NewCarrier: 1, Hosting: 6, Anonymiser: 6, Tor: 10,
			FastTravel: 8, ImpossibleTravel: 12, KnownCarrier: 4, ConcurrentUse: 10,
		},
		FlagAt: 10, StepUpAt: 18, RefuseAt: 28, SoftwareCap: 40, NetworkCap: 14,
		ConcurrentWindow: time.Minute,
	}
}

// Case is everything a judgment rests on.
type Case struct {
	Now             time.Time
	SubjectDisabled bool
	Device          *Device // nil where the grant has none
	Grant           *Grant  // nil at sign-in
	Binding         Binding
	Lineage         Lineage // meaningless without a grant
	Sighting        Sighting
	Bypass          Bypass
	// SignsIn says that the subject has just proved who they are.
	SignsIn bool
}

// Judge returns the verdict on a case.
func (p Policy) Judge(c Case) Verdict {
	if final := standing(c); final != nil {
		return p.refuse(false, *final) // what has ended needs no ending
	}
	if keys := proofs(c); keys != nil {
		// Whoever lacks the key cannot use the token: nothing is lost by
		// letting the grant live, and the owner is not locked out.
		return p.refuse(false, *keys)
	}
	if c.Bypass == BypassRefused {
		return p.refuse(false, Evidence{Reason: ReasonGatewayBypassed, Final: true})
	}
	looks, where := p.looks(c), p.where(c)
	if c.Bypass == BypassFlagged {
		where = append(where, Evidence{Reason: ReasonGatewayBypassed, Weight: p.FlagAt})
	}
	if c.Grant != nil {
		switch c.Lineage {
		case Reused:
			return p.refuse(true, append(looks, Evidence{Reason: ReasonReuse, Final: true})...)
		case Retried, ResponseLost:
			// The same token twice with different looks is two holders.
			if p.weigh(looks) >= p.FlagAt && p.Mode == ModeEnforce {
				return p.refuse(true, append(looks, Evidence{Reason: ReasonReuse, Final: true})...)
			}
			if c.Lineage == ResponseLost {
				lost := Evidence{Reason: ReasonResponseLost, Weight: max(0, p.FlagAt-p.weigh(where))}
				return p.sum(append(append(looks, lost), where...), c)
			}
			return p.sum(append(looks, p.elsewhere(c, p.weigh(looks))...), c)
		case Current, Untold:
		}
	}
	return p.sum(append(looks, where...), c)
}

// standing returns what ends a case before anything is compared, or nil.
func standing(c Case) *Evidence {
	final := func(r Reason) *Evidence { return &Evidence{Reason: r, Final: true} }
	switch {
	case c.SubjectDisabled:
		return final(ReasonSubjectDisabled)
	case c.Device != nil && c.Device.State == StateRevoked:
		return final(ReasonDeviceRevoked)
	case c.Grant == nil:
		return nil
	case !c.Grant.RevokedAt.IsZero():
		return final(ReasonGrantRevoked)
	case c.Grant.expired(c.Now):
		return final(ReasonExpired)
	default:
		return nil
	}
}

// proofs compares the key. It is nil where no key is bound or the right one
// was shown.
func proofs(c Case) *Evidence {
	if c.Grant == nil {
		return nil
	}
	bound := ""
	if c.Grant.Baseline != nil {
		bound = c.Grant.Baseline.KeyThumbprint
	}
	shown := c.Sighting.Proof.KeyThumbprint
	switch {
	case bound == "" && c.Binding != BindingDPoP, bound != "" && bound == shown:
		return nil
	case shown == "":
		return &Evidence{Reason: ReasonKeyMissing, Final: true}
	default:
		return &Evidence{Reason: ReasonKeyMismatch, Final: true}
	}
}

func (p Policy) refuse(revokeGrant bool, found ...Evidence) Verdict {
	return Verdict{
		Decision: Refuse, Would: Refuse, Evidence: found, Weight: p.weigh(found),
		RevokeGrant: revokeGrant, PolicyVersion: p.Version,
	}
}

// sum decides by the weight of the evidence. Where somebody is never refuses by
// itself, whatever it weighs: people travel, and databases err. Nor does it ask
// again for a sign-in that has just been.
func (p Policy) sum(found []Evidence, c Case) Verdict {
	v := Verdict{Decision: Allow, Evidence: found, Weight: p.weigh(found), PolicyVersion: p.Version}
	looks, pieces := pieces(found)
	switch {
	case v.Weight >= p.RefuseAt && looks && pieces >= 2:
		v.Decision, v.RevokeGrant = Refuse, c.Grant != nil
	case v.Weight >= p.StepUpAt && (looks || !c.SignsIn):
		v.Decision = StepUp
	case v.Weight >= p.FlagAt:
		v.Decision = Flag
	}
	v.Would = v.Decision
	return p.soften(v)
}

// pieces counts what refusing needs two of, and reports whether looks are among
// them. All of where is one piece, and a new carrier alone is none.
func pieces(found []Evidence) (looks bool, count int) {
	where := 0
	for _, e := range found {
		switch {
		case e.group() != groupLooks:
			if e.Reason != ReasonNewNetwork {
				where = 1
			}
		case e.Reason == ReasonResponseLost:
			count++
		default:
			looks = true
			count++
		}
	}
	return looks, count + where
}

// soften lowers a judgment to what the mode lets through.
func (p Policy) soften(v Verdict) Verdict {
	switch {
	case p.Mode == ModeObserve && v.Decision != Allow:
		v.Decision, v.RevokeGrant = Allow, false
	case p.Mode == ModeFlag && v.Decision < Flag:
		v.Decision, v.RevokeGrant = Flag, false
	}
	return v
}

func (p Policy) weigh(found []Evidence) int {
	var total [groupRoute + 1]int
	for _, e := range found {
		total[e.group()] += e.Weight
	}
	return min(total[groupLooks], p.SoftwareCap) + min(total[groupNetwork], p.NetworkCap) + total[groupTravel] + total[groupRoute]
}
