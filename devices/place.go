package devices

import (
	"math"
	"net/netip"
	"slices"
)

// NetworkKind is what a network is for, as far as a database tells. Any other
// text is kept and weighs nothing.
type NetworkKind string

// The kinds of networks that matter.
const (
	NetworkFixed      NetworkKind = "fixed"
	NetworkMobile     NetworkKind = "mobile"
	NetworkHosting    NetworkKind = "hosting"
	NetworkAnonymiser NetworkKind = "anonymiser" // a VPN or a proxy
	NetworkTor        NetworkKind = "tor"
)

// Hides reports that who is behind such a network may be anywhere.
func (k NetworkKind) Hides() bool {
	return k == NetworkHosting || k == NetworkAnonymiser || k == NetworkTor
}

// Spot is about where a network is: a circle on the map, its middle in tenths
// of a degree, which is at most 11 km. The zero value is nowhere.
type Spot struct {
	Lat      int `json:"lat"`
	Lon      int `json:"lon"`
	RadiusKM int `json:"radius_km"` // at least 1
}

// SpotAt returns the spot of coordinates in degrees, nowhere for what cannot
// be.
func SpotAt(lat, lon, radiusKM float64) Spot {
	if !(math.Abs(lat) <= 90 && math.Abs(lon) <= 180 && radiusKM >= 0) {
		return Spot{}
	}
	return Spot{
		Lat: int(math.Round(lat * 10)), Lon: int(math.Round(lon * 10)),
		RadiusKM: int(min(max(math.Ceil(radiusKM), 1), halfRoundKM)),
	}
}

const (
	earthKM     = 6371.0088 // mean radius of the earth
	halfRoundKM = 20037     // nothing is farther away
)

// apart returns the great-circle distance of the middles, in kilometres, by
// the haversine formula.
func (s Spot) apart(other Spot) float64 {
	rad := func(tenths int) float64 { return float64(tenths) / 10 * math.Pi / 180 }
	half := func(a, b int) float64 { return math.Pow(math.Sin((rad(b)-rad(a))/2), 2) }
	h := half(s.Lat, other.Lat) + math.Cos(rad(s.Lat))*math.Cos(rad(other.Lat))*half(s.Lon, other.Lon)
	return 2 * earthKM * math.Asin(math.Sqrt(min(1, h)))
}

// Carrier is who carries a network, and in which country: a network without
// its addresses.
type Carrier struct {
	ASN     uint32 `json:"asn,omitempty"`
	Country string `json:"country,omitempty"`
}

// Carrier returns the network's, empty where no database tells it.
func (n Network) Carrier() Carrier {
	n = n.placed()
	return Carrier{n.ASN, n.Country}
}

func (c Carrier) told() bool { return c != Carrier{} }

// differs reports that what both tell is not the same.
func (c Carrier) differs(other Carrier) bool {
	return c.ASN != 0 && other.ASN != 0 && c.ASN != other.ASN ||
		c.Country != "" && other.Country != "" && c.Country != other.Country
}

// maxKnown is how many carriers a device is known by. People have a handful.
const maxKnown = 8

// ahead returns the known carriers with c before the others and without now.
func (c Carrier) ahead(known []Carrier, now Carrier) []Carrier {
	all := append([]Carrier{c}, known...)
	var kept []Carrier
	for _, k := range all {
		if k.told() && k != now && !slices.Contains(kept, k) && len(kept) < maxKnown {
			kept = append(kept, k)
		}
	}
	return kept
}

// near reports that both are one network: one prefix, or one place where there
// are no addresses.
func (n Network) near(other Network) bool {
	if n.Addr.IsValid() || other.Addr.IsValid() {
		return n.Prefix() == other.Prefix()
	}
	return n == other
}

// placed returns the network without a place where its address can have none.
func (n Network) placed() Network {
	if n.Addr.IsValid() && !Mappable(n.Addr) {
		return Network{Addr: n.Addr}
	}
	return n
}

// Mappable reports whether an address is somewhere: not one of the machine
// itself, of a local network (RFC 1918, RFC 4193, link-local) or of a
// carrier's inside (RFC 6598).
func Mappable(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	if !a.Is4() {
		return true
	}
	four := a.As4()
	return four[0] != 100 || four[1]&0xC0 != 64
}
