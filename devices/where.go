package devices

import (
	"fmt"
	"slices"
	"time"
)

// Impossible travel (see docs/judging.md).
const (
	travelFloor = 10 * time.Minute
	fixedKM     = 50.0  // the least that a place is uncertain by, on a line
	mobileKM    = 200.0 // … on a mobile network, and where nobody knows which
	fastKMH     = 900.0 // by which everywhere is within a day
	tooFastKMH  = 2000.0
)

// where weighs where a sighting came from against where the device has been.
// What is not told on either side is no evidence.
func (p Policy) where(c Case) []Evidence {
	if c.Device == nil || c.resembles() == nil {
		return nil // a backend's address is not the device's, and a key says enough
	}
	now := c.Sighting.Network.placed()
	if !now.Carrier().told() && now.Spot == (Spot{}) {
		return nil
	}
	var found []Evidence
	add := func(r Reason, before, after string, weight int) {
		if weight > 0 { // nothing is no evidence
			found = append(found, Evidence{Reason: r, Before: before, After: after, Weight: weight})
		}
	}
	if last := c.Device.Last.placed(); !last.near(now) {
		used := append(c.carriers(), last.Carrier())
		p.strange(used, last, now, add)
		if speed := c.speed(last, now); speed > fastKMH {
			weight := p.Weights.FastTravel
			if speed > tooFastKMH {
				weight = p.Weights.ImpossibleTravel
			}
			if now.ASN != 0 && slices.Contains(used, now.Carrier()) {
				weight -= p.Weights.KnownCarrier
			}
			add(ReasonTravel, spotName(last), spotName(now), weight)
		}
	}
	if c.concurrent(now.Carrier(), p.ConcurrentWindow) {
		add(ReasonConcurrentUse, c.Grant.Baseline.here().String(), now.Carrier().String(), p.Weights.ConcurrentUse)
	}
	return found
}

// strange adds what is new about a network to who has used those.
func (p Policy) strange(used []Carrier, last, now Network, add func(Reason, string, string, int)) {
	countries, numbers := 0, 0
	newCountry, newASN := now.Country != "", now.ASN != 0
	for _, k := range used {
		if k.Country != "" {
			countries++
			newCountry = newCountry && k.Country != now.Country
		}
		if k.ASN != 0 {
			numbers++
			newASN = newASN && k.ASN != now.ASN
		}
	}
	newCountry, newASN = newCountry && countries > 0, newASN && numbers > 0
	if newCountry {
		add(ReasonNewCountry, last.Country, now.Country, p.Weights.NewCountry)
	}
	if newASN {
		add(ReasonNewNetwork, asn(last.ASN), asn(now.ASN), p.Weights.NewCarrier)
	}
	if (newCountry || newASN) && now.Kind.Hides() && !last.Kind.Hides() {
		add(ReasonAnonymiser, string(last.Kind), string(now.Kind), p.Weights.hiding(now.Kind))
	}
}

func (w Weights) hiding(k NetworkKind) int {
	switch k {
	case NetworkTor:
		return w.Tor
	case NetworkHosting:
		return w.Hosting
	default:
		return w.Anonymiser
	}
}

// carriers returns those that the device, or the grant, is known to use.
func (c Case) carriers() []Carrier {
	known := slices.Clone(c.Device.Known)
	if c.Grant != nil && c.Grant.Baseline != nil {
		known = append(known, c.Grant.Baseline.Network.Carrier(), c.Grant.Baseline.here())
	}
	return known
}

// speed returns how fast the device must have moved since it was last seen, in
// kilometres an hour, with every doubt in its favour; 0 where that cannot be
// told.
func (c Case) speed(last, now Network) float64 {
	nowhere := Spot{}
	seen := c.Device.LastAt
	// A token call from elsewhere, but the first, would have moved Last. Who
	// forwards what it sees of its user calls without them, too; and not every
	// call of a chain that another server mints is seen.
	if g := c.Grant; g != nil && c.Binding != BindingForwarded && c.Lineage != Untold &&
		g.RotatedAt.After(g.CreatedAt) && g.RotatedAt.After(seen) {
		seen = g.RotatedAt
	}
	if last.Spot == nowhere || now.Spot == nowhere || last.Kind.Hides() || now.Kind.Hides() ||
		seen.IsZero() {
		return 0
	}
	far := last.Spot.apart(now.Spot) - last.uncertain() - now.uncertain()
	return max(0, far) / max(c.Now.Sub(seen), travelFloor).Hours()
}

// uncertain is how far from its spot a network may be, in kilometres.
func (n Network) uncertain() float64 {
	floor := mobileKM
	if n.Kind == NetworkFixed {
		floor = fixedKM
	}
	return max(floor, float64(n.Spot.RadiusKM))
}

// concurrent reports that the grant is back at a carrier that it left within
// the window, for one that is another: nobody is in two networks. That it
// moves is nothing.
func (c Case) concurrent(now Carrier, window time.Duration) bool {
	if c.Grant == nil || c.Grant.Baseline == nil {
		return false
	}
	b := c.Grant.Baseline
	since := c.Now.Sub(b.LeftAt)
	return window > 0 && now.told() && b.Left == now && b.here().differs(now) && since >= 0 && since <= window
}

// Meet judges the sign-in of a device that the subject did not have before,
// by where: a country where none of their devices has been is told. It never
// refuses. Distances between two devices say nothing, people have several.
func (p Policy) Meet(known []Device, s Sighting) Verdict {
	v := Verdict{Decision: Allow, Would: Allow, PolicyVersion: p.Version}
	var used []Carrier
	for _, d := range known {
		used = append(used, d.vouched()...)
	}
	var found []Evidence
	p.strange(used, Network{}, s.Network.placed(), func(r Reason, before, after string, weight int) {
		if weight > 0 {
			found = append(found, Evidence{Reason: r, Before: before, After: after, Weight: weight})
		}
	})
	if weight := p.weigh(found); weight >= p.FlagAt {
		found = append([]Evidence{{Reason: ReasonUnknownDevice}}, found...)
		v.Decision, v.Would, v.Evidence, v.Weight = Flag, Flag, found, weight
	}
	return p.soften(v)
}

// group is what a piece of evidence is about. What is of one group is not
// counted twice over: it changes together.
type group int

const (
	groupLooks group = iota
	groupNetwork
	groupTravel
	groupRoute // how the call came, not what sent it
)

func (e Evidence) group() group {
	switch e.Reason {
	case ReasonNewNetwork, ReasonNewCountry, ReasonAnonymiser, ReasonConcurrentUse:
		return groupNetwork
	case ReasonTravel:
		return groupTravel
	case ReasonGatewayBypassed:
		return groupRoute
	default:
		return groupLooks
	}
}

// elsewhere reports that the verdict rests, in part, on where, or on the route.
func (v Verdict) elsewhere() bool {
	return slices.ContainsFunc(v.Evidence, func(e Evidence) bool { return e.group() != groupLooks })
}

// apart reports that one thing seems to be in two places.
func (v Verdict) apart() bool {
	return slices.ContainsFunc(v.Evidence, func(e Evidence) bool {
		return e.Reason == ReasonTravel || e.Reason == ReasonConcurrentUse
	})
}

// String returns the carrier as "AS64500 DE".
func (c Carrier) String() string {
	switch {
	case c.ASN == 0:
		return c.Country
	case c.Country == "":
		return asn(c.ASN)
	default:
		return asn(c.ASN) + " " + c.Country
	}
}

func asn(number uint32) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprintf("AS%d", number)
}

// spotName returns a place as it is kept with a verdict: no finer than what
// stays of an address.
func spotName(n Network) string {
	if n.City != "" && n.Country != "" {
		return n.City + ", " + n.Country
	}
	return n.City + n.Country
}
