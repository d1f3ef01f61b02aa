// Package geotest writes small MMDB files for tests: a world with a few
// networks in it.
package geotest

import (
	"bytes"
	"net/netip"
	"os"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go4.org/netipx"
)

// Entry is a network and what the file tells of it.
type Entry struct {
	Prefix string
	Told   mmdbtype.Map
}

// The networks of the world, and who carries them.
const (
	NewYork    = "203.0.113.0/24"  // AS64500, fixed by nobody's word
	NewYorkToo = "198.51.100.0/24" // AS64501, another carrier there
	London     = "192.0.2.0/24"    // AS64510
	London6    = "2001:db8:44::/48"
	Houston    = "198.18.0.0/24" // AS64520
	SanAntonio = "198.18.1.0/24" // AS64520
)

// Write makes a file of that type, or replaces it as a careful operator does:
// by another one under its name.
func Write(t testing.TB, path, kind string, entries ...Entry) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: kind, IncludeReservedNetworks: true, DisableIPv4Aliasing: true, RecordSize: 24,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := tree.Insert(netipx.PrefixIPNet(netip.MustParsePrefix(e.Prefix)), e.Told); err != nil {
			t.Fatal(err)
		}
	}
	var text bytes.Buffer
	if _, err := tree.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	next := path + ".next"
	if err := os.WriteFile(next, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// Place is an entry as GeoLite2 City has it.
func Place(prefix, country, region, city string, lat, lon float64, radius uint16) Entry {
	named := func(name string) mmdbtype.Map {
		return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(name), "de": mmdbtype.String("die Stadt " + name)}}
	}
	return Entry{prefix, mmdbtype.Map{
		"country":      mmdbtype.Map{"iso_code": mmdbtype.String(country), "names": named(country)["names"]},
		"subdivisions": mmdbtype.Slice{named(region)},
		"city":         named(city),
		"location": mmdbtype.Map{
			"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(lon), "accuracy_radius": mmdbtype.Uint16(radius),
		},
	}}
}

// Carrier is an entry as GeoLite2 ASN has it.
func Carrier(prefix string, asn uint32) Entry {
	return Entry{prefix, mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(asn),
		"autonomous_system_organization": mmdbtype.String("Example"),
	}}
}

// World writes the world's two files.
func World(t testing.TB, city, asn string) {
	t.Helper()
	Write(t, city, "GeoLite2-City",
		Place(NewYork, "US", "New York", "New York", 40.71, -74.01, 20),
		Place(NewYorkToo, "US", "New York", "New York", 40.71, -74.01, 100),
		Place(London, "GB", "England", "London", 51.51, -0.13, 50),
		Place(London6, "GB", "England", "London", 51.51, -0.13, 50),
		Place(Houston, "US", "Texas", "Houston", 29.76, -95.37, 20),
		Place(SanAntonio, "US", "Texas", "San Antonio", 29.42, -98.49, 20),
		Place("127.0.0.0/8", "XX", "Nowhere", "Loopback", 1, 1, 1))
	Write(t, asn, "GeoLite2-ASN",
		Carrier(NewYork, 64500), Carrier(NewYorkToo, 64501), Carrier(London, 64510), Carrier(London6, 64510),
		Carrier(Houston, 64520), Carrier(SanAntonio, 64520))
}
