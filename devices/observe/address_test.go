package observe_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
)

func TestClientAddr(t *testing.T) {
	proxies := []string{"10.0.0.0/8", "2001:db8:1::/48", "::ffff:172.16.0.0/108"}
	for _, row := range []struct {
		name, peer string
		headers    []string
		want       string
	}{
		{"nobody between", "203.0.113.9:4711", nil, "203.0.113.9"},
		{"a stranger's claim", "203.0.113.9:4711", []string{"X-Forwarded-For: 198.51.100.1"}, "203.0.113.9"},
		{"a stranger's other claims", "203.0.113.9:4711", []string{
			"Forwarded: for=198.51.100.1", "X-Real-IP: 198.51.100.1", "True-Client-IP: 198.51.100.1",
			"CF-Connecting-IP: 198.51.100.1",
		}, "203.0.113.9"},
		{"a proxy's word", "10.1.2.3:80", []string{"X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		{"a proxy with a port", "10.1.2.3:80", []string{"X-Forwarded-For: 198.51.100.1:5555"}, "198.51.100.1"},
		{"a chain of proxies", "10.1.2.3:80", []string{"X-Forwarded-For: 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"an invention before the client", "10.1.2.3:80",
			[]string{"X-Forwarded-For: 192.0.2.66, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		{"garbage before the client", "10.1.2.3:80",
			[]string{`X-Forwarded-For: "'<>, 999.1.1.1, 198.51.100.1`}, "198.51.100.1"},
		{"garbage from the proxy", "10.1.2.3:80", []string{"X-Forwarded-For: 198.51.100.1, unknown"}, "10.1.2.3"},
		{"garbage behind a proxy", "10.1.2.3:80", []string{"X-Forwarded-For: nonsense, 10.9.9.9"}, "10.1.2.3"},
		{"two lines", "10.1.2.3:80",
			[]string{"X-Forwarded-For: 192.0.2.66", "X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		{"two lines, the last a proxy's", "10.1.2.3:80",
			[]string{"X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 10.9.9.9"}, "198.51.100.1"},
		{"only proxies", "10.1.2.3:80", []string{"X-Forwarded-For: 10.7.7.7, 10.9.9.9"}, "10.7.7.7"},
		{"empty elements", "10.1.2.3:80", []string{"X-Forwarded-For: , 198.51.100.1 , ,"}, "198.51.100.1"},
		{"an empty header", "10.1.2.3:80", []string{"X-Forwarded-For:"}, "10.1.2.3"},
		{"IPv6", "[2001:db8:1::2]:80", []string{"X-Forwarded-For: 2001:db8:2::7"}, "2001:db8:2::7"},
		{"IPv6 in brackets", "10.1.2.3:80", []string{"X-Forwarded-For: [2001:db8:2::7]:443"}, "2001:db8:2::7"},
		{"a zone", "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"IPv4 within IPv6", "[::ffff:203.0.113.9]:80", nil, "203.0.113.9"},
		{"a proxy's IPv4 within IPv6", "[::ffff:10.1.2.3]:80",
			[]string{"X-Forwarded-For: ::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a proxy by a mapped prefix", "172.16.0.1:80", []string{"X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		{"a Unix socket", "@", []string{"X-Forwarded-For: 198.51.100.1"}, "invalid IP"},
		{"no peer", "", []string{"X-Forwarded-For: 198.51.100.1"}, "invalid IP"},
		{"only X-Forwarded-For is read", "10.1.2.3:80", []string{"Forwarded: for=192.0.2.66"}, "10.1.2.3"},
		{"Forwarded does not count", "10.1.2.3:80",
			[]string{"Forwarded: for=192.0.2.66", "X-Forwarded-For: 198.51.100.1"}, "198.51.100.1"},
		{"a zone from the proxy", "10.1.2.3:80", []string{"X-Forwarded-For: fe80::7%25eth0"}, "fe80::7"},
		{"a zone in brackets", "10.1.2.3:80", []string{"X-Forwarded-For: [fe80::7%eth0]:443"}, "fe80::7"},
		{"mapped IPv4 in brackets", "10.1.2.3:80", []string{"X-Forwarded-For: [::ffff:198.51.100.1]:443"}, "198.51.100.1"},
		{"ports on every hop", "10.1.2.3:80", []string{"X-Forwarded-For: 198.51.100.1:5, 10.9.9.9:6, [2001:db8:1::2]:7"}, "198.51.100.1"},
		{"a port that is none", "10.1.2.3:80", []string{"X-Forwarded-For: 198.51.100.1:http"}, "10.1.2.3"},
		{"a quote of a stranger", "10.1.2.3:80", []string{`X-Forwarded-For: "192.0.2.66, 198.51.100.1`}, "198.51.100.1"},
		{"many lines with empty ones", "10.1.2.3:80",
			[]string{"X-Forwarded-For: 192.0.2.66", "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For:", "X-Forwarded-For: ,"}, "198.51.100.1"},
		{"an address in octal", "10.1.2.3:80", []string{"X-Forwarded-For: 0300.0.2.1"}, "10.1.2.3"},
		{"IPv4 in brackets", "10.1.2.3:80", []string{"X-Forwarded-For: [198.51.100.1]"}, "10.1.2.3"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: row.peer, Header: devicestest.Headers(row.headers...)}
			if got := newObserver(proxies...).ClientAddr(r).String(); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func TestWithoutTrustedProxiesNobodyIsBelieved(t *testing.T) {
	r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: devicestest.Headers("X-Forwarded-For: 198.51.100.1")}
	if got := newObserver().ClientAddr(r).String(); got != "127.0.0.1" {
		t.Errorf("got %s", got)
	}
}

// hop is one element of X-Forwarded-For: an address, trusted or not, or junk.
type hop struct {
	text          string
	trusted, junk bool
}

func hops(t *rapid.T) []hop {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) hop {
		n := rapid.IntRange(1, 250).Draw(t, "host")
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return hop{text: rapid.SampledFrom([]string{"unknown", "1.2.3", "::g", "a b", `"`, "1.2.3.4.5"}).Draw(t, "junk"), junk: true}
		case 1, 2, 3, 4:
			return hop{text: fmt.Sprintf("10.0.0.%d", n), trusted: true}
		case 5:
			return hop{text: fmt.Sprintf("::ffff:10.0.1.%d", n), trusted: true}
		case 6:
			return hop{text: fmt.Sprintf("[2001:db8::%x]:80", n)}
		default:
			return hop{text: fmt.Sprintf("198.51.100.%d", n)}
		}
	}), 0, 8).Draw(t, "hops")
}

// model is the rule of X-Forwarded-For as one would say it.
func model(peer string, chain []hop) netip.Addr {
	answer := netip.MustParseAddr(peer)
	for i := len(chain) - 1; i >= 0; i-- {
		if chain[i].junk {
			return netip.MustParseAddr(peer)
		}
		text := strings.TrimSuffix(strings.Trim(chain[i].text, "[]"), "]:80")
		answer = netip.MustParseAddr(text).Unmap()
		if !chain[i].trusted {
			break
		}
	}
	return answer
}

func TestClientAddrIsAsTheModelSays(t *testing.T) {
	o := newObserver("10.0.0.0/8")
	rapid.Check(t, func(t *rapid.T) {
		chain := hops(t)
		h := http.Header{}
		for at := 0; at < len(chain); { // cut the chain into lines anywhere
			n := rapid.IntRange(1, len(chain)-at).Draw(t, "line")
			var texts []string
			for _, hop := range chain[at : at+n] {
				texts = append(texts, hop.text)
			}
			h.Add("X-Forwarded-For", strings.Join(texts, rapid.SampledFrom([]string{",", ", ", " , "}).Draw(t, "comma")))
			at += n
		}
		for peer, want := range map[string]netip.Addr{
			"10.0.0.1":  model("10.0.0.1", chain),
			"192.0.2.5": netip.MustParseAddr("192.0.2.5"),
		} {
			got := o.ClientAddr(&http.Request{RemoteAddr: peer + ":443", Header: h})
			if got != want {
				t.Fatalf("from %s with %q: got %s, want %s", peer, h, got, want)
			}
		}
	})
}

func TestNothingAStrangerSendsMovesTheirAddress(t *testing.T) {
	listed, forwarded := newObserver("10.0.0.0/8"), behind("forwarded", "10.0.0.0/8")
	rapid.Check(t, func(t *rapid.T) {
		forged := rapid.StringMatching(`([ -~]|for=|["\\,;=]){0,40}`).Draw(t, "forged")
		for _, row := range []struct {
			by     *observe.Observer
			header http.Header
		}{
			{listed, http.Header{"X-Forwarded-For": {forged + ", 198.51.100.7"}}},
			{listed, http.Header{"X-Forwarded-For": {forged, "198.51.100.7"}, "Forwarded": {forged}}},
			{forwarded, http.Header{"Forwarded": {forged, "for=198.51.100.7"}, "X-Forwarded-For": {forged}}},
			{forwarded, http.Header{"Forwarded": {forged + `, for="198.51.100.7:80";proto=https`}}},
		} {
			got := row.by.ClientAddr(&http.Request{RemoteAddr: "10.0.0.1:80", Header: row.header})
			if got.String() != "198.51.100.7" {
				t.Fatalf("%q gave %s", row.header, got)
			}
		}
	})
}
