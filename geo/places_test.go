package geo_test

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/geo"
	"github.com/lanyard-id/lanyard/geo/geotest"
)

type m = mmdbtype.Map

func str(s string) mmdbtype.String { return mmdbtype.String(s) }

func at(text string) netip.Addr { return netip.MustParseAddr(text) }

// opened returns places from files, "" for none.
func opened(t testing.TB, city, asn string, log *slog.Logger) *geo.Places {
	t.Helper()
	files := map[geo.Use]*geo.File{}
	for use, path := range map[geo.Use]string{geo.City: city, geo.ASN: asn} {
		if path == "" {
			continue
		}
		f, err := geo.Open(path, use)
		if err != nil {
			t.Fatal(err)
		}
		files[use] = f
	}
	return geo.New(files[geo.City], files[geo.ASN], log)
}

func world(t testing.TB) *geo.Places {
	t.Helper()
	city, asn := filepath.Join(t.TempDir(), "city.mmdb"), filepath.Join(t.TempDir(), "asn.mmdb")
	geotest.World(t, city, asn)
	return opened(t, city, asn, slog.New(slog.DiscardHandler))
}

func same(t *testing.T, what string, got, want devices.Network) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestPlaces(t *testing.T) {
	p := world(t)
	london := devices.Network{
		Country: "GB", Region: "England", City: "London", ASN: 64510, Spot: devices.Spot{Lat: 515, Lon: -1, RadiusKM: 50},
	}
	for range 2 { // the second time it is remembered
		for _, a := range []string{"192.0.2.66", "::ffff:192.0.2.66", "2001:db8:44::1"} {
			want := london
			want.Addr = at(a)
			same(t, a, p.Place(at(a)), want)
		}
		for _, a := range []string{
			"8.8.8.8", "127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.1.1", "fe80::1", "fd00::1",
			"0.0.0.0", "224.0.0.1",
		} {
			same(t, a, p.Place(at(a)), devices.Network{Addr: at(a)})
			if devices.Mappable(at(a)) != (a == "8.8.8.8") {
				t.Errorf("%s: somewhere %v", a, devices.Mappable(at(a)))
			}
		}
		same(t, "nowhere", p.Place(netip.Addr{}), devices.Network{})
		same(t, "no files", (*geo.Places)(nil).Place(at("192.0.2.66")), devices.Network{Addr: at("192.0.2.66")})
	}
	if !devices.Mappable(at("100.128.0.1")) || !devices.Mappable(at("100.63.0.1")) {
		t.Error("what is beside a carrier's inside is somewhere")
	}
}

// Files of other makers name things otherwise.
func TestLayouts(t *testing.T) {
	place := func(edit func(*devices.Network)) devices.Network {
		n := devices.Network{Addr: at("203.0.113.10"), Country: "US"}
		edit(&n)
		return n
	}
	located := m{"latitude": mmdbtype.Float64(40.71), "longitude": mmdbtype.Float64(-74.01)}
	us := m{"iso_code": str("US")}
	for name, tt := range map[string]struct {
		told m
		want devices.Network
	}{
		"country only": {m{"country": us}, place(func(*devices.Network) {})},
		"no country": {
			m{"country": m{"iso_code": str("EU")}, "city": m{"names": m{"en": str("Albany")}}, "location": located},
			place(func(n *devices.Network) {
				n.Country, n.City, n.Spot = "", "Albany", devices.Spot{Lat: 407, Lon: -740, RadiusKM: 1}
			})},
		"the middle of a country": {m{"country": us, "location": located},
			place(func(*devices.Network) {})},
		"DB-IP, without a radius": {
			m{"country": us, "city": m{"names": m{"en": str("Albany")}}, "location": located, "subdivisions": mmdbtype.Slice{us}},
			place(func(n *devices.Network) {
				n.City, n.Region, n.Spot = "Albany", "US", devices.Spot{Lat: 407, Lon: -740, RadiusKM: 1}
			})},
		"Enterprise, mobile": {
			m{"country": us, "traits": m{"user_type": str("cellular"), "autonomous_system_number": mmdbtype.Uint32(7018)}},
			place(func(n *devices.Network) { n.Kind, n.ASN = devices.NetworkMobile, 7018 })},
		"Enterprise, at home": {m{"country": us, "traits": m{"user_type": str("residential")}},
			place(func(n *devices.Network) { n.Kind = devices.NetworkFixed })},
		"a data centre": {m{"country": us, "traits": m{"is_anonymous": mmdbtype.Bool(true), "is_hosting_provider": mmdbtype.Bool(true)}},
			place(func(n *devices.Network) { n.Kind = devices.NetworkHosting })},
		"an anonymiser, beside the place": {m{"country": us, "is_anonymous": mmdbtype.Bool(true), "is_anonymous_vpn": mmdbtype.Bool(true)},
			place(func(n *devices.Network) { n.Kind = devices.NetworkAnonymiser })},
		"Tor": {m{"country": us, "traits": m{"is_tor_exit_node": mmdbtype.Bool(true)}},
			place(func(n *devices.Network) { n.Kind = devices.NetworkTor })},
		"IPinfo Lite": {
			m{"country": str("United States"), "country_code": str("US"), "asn": str("AS7018"), "as_name": str("AT&T")},
			place(func(n *devices.Network) { n.ASN = 7018 })},
		"IPinfo, numbers in text": {
			m{"country": str("US"), "region": str("New York"), "city": str("Albany"), "lat": str("40.71"), "lng": str("-74.01"),
				"vpn": str("true")},
			place(func(n *devices.Network) {
				n.Region, n.City, n.Kind = "New York", "Albany", devices.NetworkAnonymiser
				n.Spot = devices.Spot{Lat: 407, Lon: -740, RadiusKM: 1}
			})},
		"ip-location-db": {
			m{"country_code": str("US"), "state1": str("New York"), "city": str("Albany"), "latitude": mmdbtype.Float32(40.5),
				"longitude": mmdbtype.Float32(-74)},
			place(func(n *devices.Network) {
				n.Region, n.City, n.Spot = "New York", "Albany", devices.Spot{Lat: 405, Lon: -740, RadiusKM: 1}
			})},
		"coordinates that cannot be": {
			m{"country": us, "city": m{"names": m{"en": str("Albany")}},
				"location": m{"latitude": mmdbtype.Float64(400), "longitude": mmdbtype.Float64(1)}},
			place(func(n *devices.Network) { n.City = "Albany" })},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "any.mmdb")
			geotest.Write(t, path, "Any", geotest.Entry{Prefix: geotest.NewYork, Told: tt.told})
			same(t, name, opened(t, path, "", nil).Place(at("203.0.113.10")), tt.want)
		})
	}
}

func TestWrongFiles(t *testing.T) {
	dir := t.TempDir()
	city, asn, text := filepath.Join(dir, "city.mmdb"), filepath.Join(dir, "asn.mmdb"), filepath.Join(dir, "text.mmdb")
	geotest.World(t, city, asn)
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		use  geo.Use
		want string
	}{
		{filepath.Join(dir, "none.mmdb"), geo.City, "no such file or directory"},
		{text, geo.City, "text.mmdb is no MMDB file"},
		{asn, geo.City, "wrong file: " + asn + " (GeoLite2-ASN) tells no places"},
		{city, geo.ASN, "wrong file: " + city + " (GeoLite2-City) tells no autonomous systems"},
	} {
		_, err := geo.Open(tt.path, tt.use)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s for %s: %v, want %q", tt.path, tt.use, err, tt.want)
		}
		if strings.HasPrefix(tt.want, "wrong") != errors.Is(err, geo.ErrWrongFile) {
			t.Errorf("%v", err)
		}
	}
}

// Operators replace files every week, and sometimes badly.
func TestReplacedFiles(t *testing.T) {
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "city.mmdb")
	moved := time.Now().Add(-time.Hour)
	inTown := func(city string) {
		geotest.Write(t, path, "Any", geotest.Place(geotest.NewYork, "US", "New York", city, 40, -74, 1))
		moved = moved.Add(time.Second)
		if err := os.Chtimes(path, moved, moved); err != nil {
			t.Fatal(err)
		}
	}
	inTown("York")
	p := opened(t, path, "", slog.New(slog.NewTextHandler(&log, nil)))
	is := func(city string) {
		t.Helper()
		if got := p.Place(at("203.0.113.10")).City; got != city {
			t.Errorf("%s, want %s\n%s", got, city, log.String())
		}
	}
	is("York")
	inTown("Yorq")
	is("York")
	p.Refresh()
	is("Yorq")
	if err := os.WriteFile(path, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Refresh()
	is("Yorq")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.Refresh()
	is("Yorq")
	inTown("Yore")
	p.Refresh()
	p.Refresh()
	is("Yore")
	if warned := strings.Count(log.String(), "cannot be read again"); warned != 2 || strings.Count(log.String(), "\n") != 4 {
		t.Errorf("%d warnings:\n%s", warned, log.String())
	}
}

// What a file tells is written down with devices. What no database keeps, or
// would read as something else, is not told.
func TestNamesThatCannotBeKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	for _, bad := range []string{"A\x00", "A\xff", "A\n", strings.Repeat("A", 300)} {
		geotest.Write(t, path, "GeoLite2-City",
			geotest.Place("192.0.2.0/24", "GB", "England", "London", 51.51, -0.13, 50),
			geotest.Place("203.0.113.0/24", bad, bad, bad, 40.71, -74.01, 20))
		p := opened(t, path, "", nil)
		same(t, "told "+bad, p.Place(at("203.0.113.10")), devices.Network{
			Addr: at("203.0.113.10"), Spot: devices.Spot{Lat: 407, Lon: -740, RadiusKM: 20},
		})
		if got := p.Place(at("192.0.2.66")); got.City != "London" || got.Country != "GB" {
			t.Errorf("%+v", got)
		}
	}
}

// Whatever is broken in a file, nobody falls over it.
func TestBrokenFiles(t *testing.T) {
	city, asn := filepath.Join(t.TempDir(), "city.mmdb"), filepath.Join(t.TempDir(), "asn.mmdb")
	geotest.World(t, city, asn)
	whole, err := os.ReadFile(city)
	if err != nil {
		t.Fatal(err)
	}
	draws := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		broken := bytes.Clone(whole)
		for range 1 + draws.IntN(20) {
			broken[draws.IntN(len(broken))] = byte(draws.Uint32())
		}
		if err := os.WriteFile(city, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := geo.Open(city, geo.City)
		if err != nil {
			continue
		}
		p := geo.New(f, nil, nil)
		for _, a := range []string{"203.0.113.10", "192.0.2.66", "2001:db8:44::1", "8.8.8.8"} {
			p.Place(at(a))
		}
	}
}

func BenchmarkPlace(b *testing.B) {
	for name, far := range map[string]int{"remembered": 1, "looked up": 1 << 16} {
		b.Run(name, func(b *testing.B) {
			city, asn := filepath.Join(b.TempDir(), "city.mmdb"), filepath.Join(b.TempDir(), "asn.mmdb")
			geotest.Write(b, city, "GeoLite2-City", geotest.Place("11.0.0.0/8", "US", "New York", "New York", 40.71, -74.01, 20))
			geotest.Write(b, asn, "GeoLite2-ASN", geotest.Carrier("11.0.0.0/8", 64500))
			p := opened(b, city, asn, nil)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				i := n % far
				p.Place(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}))
			}
		})
	}
}
