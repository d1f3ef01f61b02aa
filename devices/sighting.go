package devices

import (
	"net/netip"
	"slices"
	"time"
)

// Entrance is the way by which a sighting came in.
type Entrance string

// The entrances.
const (
	EntranceProvider Entrance = "provider"
	EntranceKratos   Entrance = "kratos"
	EntranceHydra    Entrance = "hydra"
	EntranceGateway  Entrance = "gateway"
	EntranceWebUI    Entrance = "webui"
	EntranceAPI      Entrance = "api"
)

// Sighting is a device showing itself once: what it looks like, where from,
// and what it proves.
type Sighting struct {
	At          time.Time
	Entrance    Entrance
	Fingerprint Fingerprint
	Network     Network
	Proof       Proof
}

// Network is where a sighting came from. What no database tells is empty.
type Network struct {
	Addr    netip.Addr  `json:"addr,omitzero"`
	Country string      `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Region  string      `json:"region,omitempty"`
	City    string      `json:"city,omitempty"`
	ASN     uint32      `json:"asn,omitempty"`
	Kind    NetworkKind `json:"kind,omitempty"`
	// Spot is forgotten with the address.
	Spot Spot `json:"spot,omitzero"`
}

// Prefix returns the network of the address: /24 for IPv4 and /48 for IPv6,
// about what one customer line is given. Invalid for an invalid address.
func (n Network) Prefix() netip.Prefix {
	addr := n.Addr.Unmap()
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// Proof is what a sighting can show beyond its looks.
type Proof struct {
	// CookieHashes are the SHA-256 sums of the device cookie's secrets, one
	// for each subject that signed in with this browser. Nil means that no
	// device cookie came, which is normal wherever no browser is.
	CookieHashes [][]byte
	// KeyThumbprint is the RFC 7638 thumbprint of a key whose possession was
	// proved (RFC 9449), or empty.
	KeyThumbprint string
}

// HasCookie reports whether the sighting holds the cookie with that hash.
func (p Proof) HasCookie(hash []byte) bool {
	if len(hash) == 0 {
		return false
	}
	return slices.ContainsFunc(p.CookieHashes, func(h []byte) bool { return slices.Equal(h, hash) })
}
