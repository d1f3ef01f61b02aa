package cmd

import (
	"errors"
	"net/netip"

	"github.com/lanyard-id/lanyard/devices"
)

// geoLine is where the address is, instead of what the files of geoip tell.
type geoLine struct {
	Country  string              `json:"country"`
	Lat      *float64            `json:"lat"`
	Lon      *float64            `json:"lon"`
	RadiusKM float64             `json:"radius_km"`
	ASN      uint32              `json:"asn"`
	Kind     devices.NetworkKind `json:"kind"`
}

// check finds what cannot be judged.
func (g *geoLine) check() error {
	switch {
	case g == nil:
		return nil
	case (g.Lat == nil) != (g.Lon == nil):
		return errors.New("geo: lat and lon belong together")
	case g.Lat != nil && (*g.Lat < -90 || *g.Lat > 90):
		return errors.New("geo.lat: must be from -90 to 90")
	case g.Lon != nil && (*g.Lon < -180 || *g.Lon > 180):
		return errors.New("geo.lon: must be from -180 to 180")
	case g.RadiusKM < 0:
		return errors.New("geo.radius_km: must not be negative")
	default:
		return nil
	}
}

func (g *geoLine) network(addr netip.Addr) devices.Network {
	n := devices.Network{Addr: addr, Country: g.Country, ASN: g.ASN, Kind: g.Kind}
	if g.Lat != nil {
		n.Spot = devices.SpotAt(*g.Lat, *g.Lon, g.RadiusKM)
	}
	return n
}
