package devices_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// The networks of the tests.
var (
	newYork  = netAt("203.0.113.10", 64500, "US", "New York", 40.71, -74.01)
	lte      = netAt("198.51.100.7", 64501, "US", "New York", 40.71, -74.01)
	boston   = netAt("198.18.4.1", 64502, "US", "Boston", 42.36, -71.06)
	london   = netAt("192.0.2.66", 64510, "GB", "London", 51.51, -0.13)
	houston  = netAt("198.18.0.1", 64520, "US", "Houston", 29.76, -95.37)
	antonio  = netAt("198.18.1.1", 64520, "US", "San Antonio", 29.42, -98.49)
	la       = netAt("198.18.2.1", 64500, "US", "Los Angeles", 34.05, -118.24)
	auckland = netAt("198.18.3.1", 64530, "NZ", "Auckland", -36.85, 174.76)
)

func netAt(addr string, asn uint32, country, city string, lat, lon float64) devices.Network {
	return devices.Network{
		Addr: netip.MustParseAddr(addr), ASN: asn, Country: country, City: city, Spot: devices.SpotAt(lat, lon, 50),
	}
}

func kind(n devices.Network, k devices.NetworkKind) devices.Network { n.Kind = k; return n }

func without(n devices.Network, edit func(*devices.Network)) devices.Network { edit(&n); return n }

// moves is Ada's laptop: last seen at before, that long ago, and now at after.
func moves(before, after devices.Network, since time.Duration, more ...func(*devices.Case)) devices.Case {
	return refresh(append([]func(*devices.Case){func(c *devices.Case) {
		c.Device.Last, c.Device.LastAt, c.Sighting.Network = before, c.Now.Add(-30*24*time.Hour), after
		c.Grant.Baseline.Network = before
		c.Grant.RotatedAt, c.Grant.CreatedAt = c.Now.Add(-since), c.Now.Add(-30*24*time.Hour)
	}}, more...)...)
}

func knows(all ...devices.Network) func(*devices.Case) {
	return func(c *devices.Case) {
		for _, n := range all {
			c.Device.Known = append(c.Device.Known, n.Carrier())
		}
	}
}

func signsIn(c *devices.Case) {
	c.Device.LastAt = c.Grant.RotatedAt
	c.Grant, c.SignsIn = nil, true
}

func TestWhere(t *testing.T) {
	h := time.Hour
	private := func(n devices.Network) devices.Network {
		return without(n, func(n *devices.Network) { n.Addr = netip.MustParseAddr("10.1.2.3") })
	}
	nowhere := func(n devices.Network) devices.Network {
		return without(n, func(n *devices.Network) { n.Spot = devices.Spot{} })
	}
	for name, tt := range map[string]struct {
		c    devices.Case
		want string
	}{
		"the same place":              {moves(newYork, newYork, h), "allow 0"},
		"another carrier at home":     {moves(newYork, lte, h), "allow 1 new_network"},
		"a known one":                 {moves(newYork, lte, h, knows(lte)), "allow 0"},
		"no database":                 {moves(devices.Network{Addr: newYork.Addr}, devices.Network{Addr: london.Addr}, h), "allow 0"},
		"a database since":            {moves(devices.Network{Addr: newYork.Addr}, london, h), "allow 0"},
		"none any more":               {moves(newYork, devices.Network{Addr: london.Addr}, h), "allow 0"},
		"abroad, by plane":            {moves(newYork, london, 8*h), "flag 11 new_country new_network"},
		"abroad, in two hours":        {moves(newYork, london, 2*h), "step_up 23 new_country new_network impossible_travel"},
		"abroad, in five":             {moves(newYork, london, 5*h), "step_up 19 new_country new_network impossible_travel"},
		"… and the other way round":   {moves(london, newYork, 2*h), "step_up 23 new_country new_network impossible_travel"},
		"across the date line":        {moves(auckland, newYork, 24*h), "flag 11 new_country new_network"},
		"to where it often is":        {moves(newYork, london, 2*h, knows(london)), "allow 8 impossible_travel"},
		"Houston and San Antonio":     {moves(houston, antonio, 5*time.Minute), "allow 0"},
		"Boston":                      {moves(newYork, boston, time.Minute), "allow 1 new_network"},
		"one carrier, far away":       {moves(newYork, la, h), "allow 8 impossible_travel"},
		"one carrier, no number told": {moves(without(newYork, noASN), without(la, noASN), h), "flag 12 impossible_travel"},
		"a clock that went back":      {moves(newYork, london, -h), "step_up 23 new_country new_network impossible_travel"},
		"a grant that was opened elsewhere": {moves(newYork, london, 2*h, func(c *devices.Case) {
			c.Grant.CreatedAt, c.Grant.Baseline.Network = c.Grant.RotatedAt, london
		}), "allow 0"},
		"seven days":                 {moves(newYork, london, 7*24*h), "flag 11 new_country new_network"},
		"coordinates missing now":    {moves(newYork, nowhere(london), 2*h), "flag 11 new_country new_network"},
		"coordinates missing before": {moves(nowhere(newYork), london, 2*h), "flag 11 new_country new_network"},
		"a private address now":      {moves(newYork, private(london), 2*h), "allow 0"},
		"a private address before":   {moves(private(newYork), london, 2*h), "allow 0"},
		"a data centre":              {moves(newYork, kind(lte, devices.NetworkHosting), h), "allow 7 new_network anonymiser"},
		"a VPN abroad":               {moves(newYork, kind(london, devices.NetworkAnonymiser), h), "flag 14 new_country new_network anonymiser"},
		"Tor":                        {moves(newYork, kind(lte, devices.NetworkTor), h), "flag 11 new_network anonymiser"},
		"out of a VPN":               {moves(kind(newYork, devices.NetworkAnonymiser), london, h), "flag 11 new_country new_network"},
		"a line is known better":     {moves(kind(newYork, devices.NetworkFixed), kind(boston, devices.NetworkFixed), time.Minute), "allow 9 new_network impossible_travel"},
		"a backend":                  {moves(newYork, london, 2*h, bound(devices.BindingDeviceStatus)), "allow 0"},
		"a key":                      {moves(newYork, london, 2*h, thumbprint("k1", "k1")), "allow 0"},

		"a new language abroad":     {moves(newYork, london, 2*h, showing("language", "de")), "step_up 27 evidence_mismatch new_country new_network impossible_travel"},
		"another browser at home":   {moves(newYork, lte, h, showing("browser", "Firefox")), "step_up 23 browser_changed new_network"},
		"another browser abroad":    {moves(newYork, london, 8*h, showing("browser", "Firefox")), "refuse 33 browser_changed new_country new_network"},
		"a lost answer at home":     {moves(newYork, lte, h, held(devices.ResponseLost)), "flag 10 response_lost new_network"},
		"a lost answer abroad":      {moves(newYork, london, 8*h, held(devices.ResponseLost)), "flag 11 response_lost new_country new_network"},
		"a lost answer, impossibly": {moves(newYork, london, 2*h, held(devices.ResponseLost)), "step_up 23 response_lost new_country new_network impossible_travel"},
		"a retry":                   {moves(newYork, london, time.Second, held(devices.Retried)), "flag 10 new_network"},

		"a sign-in abroad":                  {moves(newYork, london, 8*h, signsIn), "flag 11 new_country new_network"},
		"a sign-in, impossibly":             {moves(newYork, london, 2*h, signsIn), "flag 23 new_country new_network impossible_travel"},
		"… that looks otherwise":            {moves(newYork, london, 2*h, signsIn, showing("browser", "Firefox")), "refuse 45 browser_changed new_country new_network impossible_travel"},
		"a sign-in, nobody knows how soon":  {moves(newYork, london, 2*h, signsIn, func(c *devices.Case) { c.Device.LastAt = time.Time{} }), "flag 11 new_country new_network"},
		"a session that is carried off far": {moves(newYork, london, 2*h, signsIn, func(c *devices.Case) { c.SignsIn = false }), "step_up 23 new_country new_network impossible_travel"},
	} {
		t.Run(name, func(t *testing.T) {
			v := devices.DefaultPolicy().Judge(tt.c)
			if got := said(v); got != tt.want {
				t.Errorf("got  %s\nwant %s\n%+v", got, tt.want, v.Evidence)
			}
		})
	}
}

func noASN(n *devices.Network) { n.ASN = 0 }

func said(v devices.Verdict) string {
	parts := []string{v.Decision.String(), fmt.Sprint(v.Weight)}
	for _, r := range v.Reasons() {
		parts = append(parts, string(r))
	}
	return strings.Join(parts, " ")
}

// A client that forwards what it sees of its user refreshes without them, too,
// and not every refresh of a chain of Hydra's is seen: that there was an answer
// a moment ago is no word on where the user was.
func TestForwardedTravel(t *testing.T) {
	forwarded := func(c *devices.Case) { c.Binding = devices.BindingForwarded }
	untold := func(c *devices.Case) { c.Lineage = devices.Untold }
	for _, unseen := range []func(*devices.Case){forwarded, untold} {
		if got := said(devices.DefaultPolicy().Judge(moves(newYork, london, time.Minute, unseen))); got != "flag 11 new_country new_network" {
			t.Error(got)
		}
	}
	here := func(c *devices.Case) { c.Device.LastAt = c.Now.Add(-time.Hour) }
	if got := said(devices.DefaultPolicy().Judge(moves(newYork, london, time.Minute, forwarded, here))); got !=
		"step_up 23 new_country new_network impossible_travel" {
		t.Error(got)
	}
}

// A grant that goes back to where it came from at once is in two hands; one
// that only goes is a phone that leaves the house.
func TestConcurrentUse(t *testing.T) {
	left := func(n devices.Network, ago time.Duration) func(*devices.Case) {
		return func(c *devices.Case) {
			c.Grant.Baseline.Carrier = c.Device.Last.Carrier()
			c.Grant.Baseline.Left, c.Grant.Baseline.LeftAt = n.Carrier(), c.Now.Add(-ago)
			c.Device.Known = append(c.Device.Known, n.Carrier())
		}
	}
	for name, tt := range map[string]struct {
		c    devices.Case
		want string
	}{
		"A B":                     {moves(newYork, lte, time.Second), "allow 1 new_network"},
		"A B A":                   {moves(lte, newYork, time.Second, left(newYork, 40*time.Second)), "flag 10 concurrent_use"},
		"A B A, at leisure":       {moves(lte, newYork, time.Second, left(newYork, 61*time.Second)), "allow 0"},
		"A B C":                   {moves(lte, boston, time.Second, left(newYork, 40*time.Second)), "allow 1 new_network"},
		"A A A":                   {moves(newYork, newYork, time.Second, left(newYork, 40*time.Second)), "allow 0"},
		"both of one carrier":     {moves(houston, antonio, time.Second, left(antonio, 40*time.Second)), "allow 0"},
		"IPv4 and IPv6":           {moves(without(newYork, six), newYork, time.Second, left(newYork, 40*time.Second)), "allow 0"},
		"abroad and back":         {moves(london, newYork, time.Second, left(newYork, 40*time.Second)), "step_up 18 impossible_travel concurrent_use"},
		"the number missing once": {moves(without(lte, noASN), newYork, time.Second, left(newYork, 40*time.Second)), "allow 0"},
		"nothing left":            {moves(lte, newYork, time.Second, knows(newYork)), "allow 0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(devices.DefaultPolicy().Judge(tt.c)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	p := devices.DefaultPolicy()
	p.ConcurrentWindow = 0
	c := moves(lte, newYork, time.Second, left(newYork, 0))
	if v := p.Judge(c); v.Decision != devices.Allow {
		t.Errorf("not looked for, and found: %s", said(v))
	}
}

func six(n *devices.Network) { n.Addr = netip.MustParseAddr("2001:db8::7") }

// Where somebody is never refuses by itself: not at any weight, and not in any
// place.
func TestWhereAloneNeverRefuses(t *testing.T) {
	places := []devices.Network{newYork, lte, boston, london, houston, la, auckland}
	kinds := []devices.NetworkKind{"", "fixed", "mobile", "hosting", "anonymiser", "tor"}
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.IntRange(0, 1000)
		place := rapid.Custom(func(t *rapid.T) devices.Network {
			n := rapid.SampledFrom(places).Draw(t, "place")
			n.Kind = rapid.SampledFrom(kinds).Draw(t, "kind")
			return n
		})
		p := devices.DefaultPolicy()
		for _, w := range []*int{
			&p.Weights.NewCountry, &p.Weights.NewCarrier, &p.Weights.Hosting, &p.Weights.Anonymiser, &p.Weights.Tor,
			&p.Weights.FastTravel, &p.Weights.ImpossibleTravel, &p.Weights.KnownCarrier, &p.Weights.ConcurrentUse,
			&p.Weights.NewNetwork, &p.Weights.OtherFamily, &p.NetworkCap,
		} {
			*w = weight.Draw(t, "weight")
		}
		p.FlagAt = rapid.IntRange(1, 30).Draw(t, "flag")
		p.StepUpAt = rapid.IntRange(p.FlagAt, 40).Draw(t, "step_up")
		p.RefuseAt = rapid.IntRange(p.StepUpAt, 40).Draw(t, "refuse")
		since := time.Duration(rapid.Int64Range(0, int64(8*24*time.Hour)).Draw(t, "since"))
		lineage := rapid.SampledFrom([]devices.Lineage{
			devices.Current, devices.Retried, devices.ResponseLost, devices.Untold,
		}).Draw(t, "lineage")
		c := moves(place.Draw(t, "before"), place.Draw(t, "after"), since, held(lineage), func(c *devices.Case) {
			c.Grant.Baseline.Carrier = c.Device.Last.Carrier()
			c.Grant.Baseline.Left, c.Grant.Baseline.LeftAt = place.Draw(t, "left").Carrier(), c.Now.Add(-time.Second)
		})
		if rapid.Bool().Draw(t, "signs in") {
			signsIn(&c)
		}
		v := p.Judge(c)
		if v.Decision == devices.Refuse || v.Would == devices.Refuse || v.RevokeGrant {
			t.Fatalf("refused: %s %+v", said(v), v.Evidence)
		}
		if c.SignsIn && v.Err() != nil {
			t.Fatalf("a sign-in asks for another: %s", said(v))
		}
	})
}

func TestKnownCarriersAreTheLatest(t *testing.T) {
	d := devices.Device{Last: newYork}
	for _, n := range []devices.Network{lte, boston, lte, {Addr: london.Addr}, london} {
		d = d.MovedTo(n, devicestest.Start())
	}
	want := []devices.Carrier{lte.Carrier(), boston.Carrier(), newYork.Carrier()}
	if !slices.Equal(d.Known, want) || d.Last != london {
		t.Errorf("knows %v, is at %v", d.Known, d.Last)
	}
	for i := range 20 {
		d = d.MovedTo(devices.Network{ASN: uint32(i + 1)}, devicestest.Start())
	}
	if len(d.Known) != 8 || d.Known[0].ASN != 19 {
		t.Errorf("knows %v", d.Known)
	}
}
