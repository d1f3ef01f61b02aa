package geo

import (
	"cmp"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/lanyard-id/lanyard/devices"
)

// record is an entry as GeoIP2, GeoLite2 and DB-IP write it.
type record struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Subdivisions []struct {
		Code  string `maxminddb:"iso_code"`
		Names names  `maxminddb:"names"`
	} `maxminddb:"subdivisions"`
	City struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"city"`
	Location struct {
		Lat    *float64 `maxminddb:"latitude"`
		Lon    *float64 `maxminddb:"longitude"`
		Radius any      `maxminddb:"accuracy_radius"`
	} `maxminddb:"location"`
	Traits traits `maxminddb:"traits"`
	traits        // in files that tell nothing else
}

type names struct {
	English string `maxminddb:"en"`
}

// traits is what a network is for, and whose it is.
type traits struct {
	ASN              any    `maxminddb:"autonomous_system_number"`
	UserType         string `maxminddb:"user_type"`
	Connection       string `maxminddb:"connection_type"`
	Anonymous        bool   `maxminddb:"is_anonymous"`
	AnonymousProxy   bool   `maxminddb:"is_anonymous_proxy"`
	VPN              bool   `maxminddb:"is_anonymous_vpn"`
	PublicProxy      bool   `maxminddb:"is_public_proxy"`
	ResidentialProxy bool   `maxminddb:"is_residential_proxy"`
	Hosting          bool   `maxminddb:"is_hosting_provider"`
	Tor              bool   `maxminddb:"is_tor_exit_node"`
}

func (t traits) kind() devices.NetworkKind {
	switch {
	case t.Tor:
		return devices.NetworkTor
	case t.VPN, t.PublicProxy, t.ResidentialProxy, t.AnonymousProxy, t.UserType == "consumer_privacy_network":
		return devices.NetworkAnonymiser
	case t.Hosting, t.UserType == "hosting", t.UserType == "content_delivery_network":
		return devices.NetworkHosting
	case t.Anonymous:
		return devices.NetworkAnonymiser
	case t.UserType == "cellular", t.Connection == "Cellular":
		return devices.NetworkMobile
	case t.UserType == "residential", t.Connection == "Cable/DSL", t.Connection == "Corporate":
		return devices.NetworkFixed
	default:
		return ""
	}
}

func (r record) network() devices.Network {
	n := devices.Network{
		Country: r.Country.Code, City: r.City.Names.English,
		ASN: carrierNumber(r.ASN, r.Traits.ASN), Kind: cmp.Or(r.Traits.kind(), r.kind()),
	}
	if len(r.Subdivisions) > 0 {
		n.Region = cmp.Or(r.Subdivisions[0].Names.English, r.Subdivisions[0].Code)
	}
	radius, _ := number(r.Location.Radius)
	if at := r.Location; at.Lat != nil && at.Lon != nil && (n.City != "" || radius > 0) {
		n.Spot = devices.SpotAt(*at.Lat, *at.Lon, radius)
	}
	return n
}

// flat reports an entry whose members are values. Its error says that the
// entry cannot be read as a map.
func flat(found maxminddb.Result) (bool, error) {
	var members map[string]any
	if err := found.Decode(&members); err != nil {
		return false, err
	}
	for _, name := range []string{"country_code", "country", "city", "asn"} {
		if _, text := members[name].(string); text {
			return true, nil
		}
	}
	return false, nil
}
