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

// behind returns an observer that reads clients' addresses from this header.
func behind(header string, proxies ...string) *observe.Observer {
	c := observe.Config{SecureCookies: true, Now: devicestest.Start, ProxyHeader: header}
	for _, p := range proxies {
		c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(p))
	}
	return observe.New(c)
}

func TestForwarded(t *testing.T) {
	const peer, client = "10.1.2.3", "198.51.100.1"
	o := behind("Forwarded", "10.0.0.0/8")
	for _, row := range []struct {
		name, want string
		lines      []string
	}{
		{"an address", client, []string{`for=198.51.100.1`}},
		{"an invention before the client", client, []string{`for=192.0.2.66, for=198.51.100.1;proto=https`}},
		{"proxies after the client", client, []string{`for=192.0.2.66, for=198.51.100.1, for=10.7.7.7;by=10.9.9.9, for="10.9.9.9:80"`}},
		{"several lines", client, []string{`for=192.0.2.66`, `for=198.51.100.1`, `for=10.9.9.9`}},
		{"only proxies", "10.7.7.7", []string{`for=10.7.7.7, for=10.9.9.9`}},
		{"a port", client, []string{`for="198.51.100.1:47011"`}},
		{"an obfuscated port", "203.0.113.60", []string{`for="203.0.113.60:_p"`}},
		{"an obfuscated port of all its bytes", client, []string{`for="198.51.100.1:_a.B-9_"`}},
		{"IPv6", "2001:db8::1", []string{`for="[2001:db8::1]"`}},
		{"IPv6 with a port", "2001:db8::1", []string{`For="[2001:db8::1]:4711"`}},
		{"IPv6 with an obfuscated port", "2001:db8::1", []string{`for="[2001:db8::1]:_x"`}},
		{"IPv4 within IPv6", client, []string{`for="[::ffff:198.51.100.1]"`}},
		{"names in any case", client, []string{`PROTO=https;FOR=198.51.100.1;Host=a`}},
		{"white space", client, []string{"\t for=192.0.2.66 ,\t for=198.51.100.1 ; proto=https\t"}},
		{"empty pairs", client, []string{`;;for=198.51.100.1;;proto=https;`}},
		{"empty elements", client, []string{`, for=198.51.100.1 , ,`, ``}},
		{"escapes in quotes", client, []string{`for="198.51.\100.1"`}},
		{"a comma in quotes", client, []string{`for=198.51.100.1;by="a, for=192.0.2.66"`}},
		{"a semicolon in quotes", client, []string{`by="x;for=192.0.2.66";for=198.51.100.1`}},
		{"a quote in quotes", client, []string{`for=198.51.100.1;by="a\", for=192.0.2.66"`}},
		{"a backslash that ends quotes", client, []string{`for=198.51.100.1;by="a\\", for=10.9.9.9`}},
		{"unknown parameters", client, []string{`x-at=7;for=198.51.100.1;host="id.example.com:443";by=_hidden`}},
		{"quotes left out", client, []string{`for=198.51.100.1:80;host=id.example.com:443`}},
		{"quotes left out, IPv6", "2001:db8::1", []string{`for=[2001:db8::1]:80`}},

		{"no header", peer, nil},
		{"hidden", peer, []string{`for=_hidden`}},
		{"hidden, with a port", peer, []string{`for="_hidden:80"`}},
		{"unknown", peer, []string{`for=unknown`}},
		{"unknown, quoted, with a port", peer, []string{`for="UNKNOWN:80"`}},
		{"hidden after the client", peer, []string{`for=198.51.100.1, for=_hidden`}},
		{"hidden before a proxy", peer, []string{`for=_hidden, for=10.9.9.9`}},
		{"no for", peer, []string{`proto=https;by=10.9.9.9`}},
		{"no for after the client", peer, []string{`for=198.51.100.1, proto=https`}},
		{"for twice", peer, []string{`for=192.0.2.66;for=198.51.100.1`}},
		{"an empty for", peer, []string{`for=`}},
		{"empty quotes", peer, []string{`for=""`}},
		{"space before the value", peer, []string{`for= 198.51.100.1`}},
		{"space before the equals sign", peer, []string{`for =198.51.100.1`}},
		{"space in the value", peer, []string{`for=198.51.100.1 80`}},
		{"an address alone", peer, []string{`198.51.100.1`}},
		{"no name", peer, []string{`=198.51.100.1`}},
		{"a name that is no token", peer, []string{`f(or=198.51.100.1`}},
		{"garbage beside for", peer, []string{`??;for=198.51.100.1`}},
		{"garbage after quotes", peer, []string{`for="198.51.100.1"x`}},
		{"a quote that is not closed", peer, []string{`for="198.51.100.1`}},
		{"a quote that ends escaped", peer, []string{`for="198.51.100.1\"`}},
		{"a quote within", peer, []string{`for=198.51"."100.1`}},
		{"a stranger's open quote", client, []string{`for="192.0.2.66, for=198.51.100.1`}},
		{"a stranger's backslash", client, []string{`for="192.0.2.66\, for="198.51.100.1"`}},
		{"IPv4 in brackets", peer, []string{`for="[198.51.100.1]"`}},
		{"brackets that are not closed", peer, []string{`for="[2001:db8::1"`}},
		{"garbage after brackets", peer, []string{`for="[2001:db8::1]80"`}},
		{"a port of six digits", peer, []string{`for="198.51.100.1:123456"`}},
		{"no port after the colon", peer, []string{`for="198.51.100.1:"`}},
		{"no name of a port", peer, []string{`for="198.51.100.1:_"`}},
		{"a port that is none", peer, []string{`for="198.51.100.1:http"`}},
		{"a port with a stranger's byte", peer, []string{`for="198.51.100.1:_a/b"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := http.Header{"X-Forwarded-For": {"192.0.2.99"}, "X-Real-Ip": {"192.0.2.99"}, "Forwarded": row.lines}
			r := &http.Request{RemoteAddr: peer + ":80", Header: h}
			if got := o.ClientAddr(r).String(); got != row.want {
				t.Errorf("%q gave %s, want %s", row.lines, got, row.want)
			}
			r.RemoteAddr = "203.0.113.9:80"
			if got := o.ClientAddr(r).String(); got != "203.0.113.9" {
				t.Errorf("%q moved a stranger to %s", row.lines, got)
			}
		})
	}
}

// Some proxies write one address into a header of their own, and overwrite
// what a client sends in it.
func TestHeadersOfOneAddress(t *testing.T) {
	for _, header := range []string{"X-Real-IP", "cf-connecting-ip", "True-Client-IP", "Fly-Client-IP"} {
		o := behind(header, "10.0.0.0/8")
		for _, row := range []struct{ want, lines string }{
			{"198.51.100.1", "198.51.100.1"}, {"198.51.100.1", " 198.51.100.1:4711 "}, {"2001:db8::1", "2001:db8::1"},
			{"2001:db8::1", "[2001:db8::1]:80"}, {"198.51.100.1", "::ffff:198.51.100.1"}, {"10.7.7.7", "10.7.7.7"},
			{"10.1.2.3", ""}, {"10.1.2.3", "unknown"}, {"10.1.2.3", "192.0.2.66, 198.51.100.1"}, {"10.1.2.3", "192.0.2.66|198.51.100.1"},
		} {
			h := http.Header{"X-Forwarded-For": {"192.0.2.99"}, "Forwarded": {"for=192.0.2.99"}}
			for line := range strings.SplitSeq(row.lines, "|") {
				h.Add(header, line)
			}
			if got := o.ClientAddr(&http.Request{RemoteAddr: "10.1.2.3:80", Header: h}).String(); got != row.want {
				t.Errorf("%s: %q gave %s, want %s", header, row.lines, got, row.want)
			}
		}
	}
}

// written writes a value as a proxy may: plain, quoted, with escapes.
func written(t *rapid.T, value string) string {
	plain := !strings.ContainsAny(value, `:[]", ;\`)
	if plain && rapid.Bool().Draw(t, "plain") {
		return value
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(value) {
		if strings.IndexByte(`"\`, value[i]) >= 0 || rapid.IntRange(0, 4).Draw(t, "escape") == 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(value[i])
	}
	b.WriteByte('"')
	return b.String()
}

func TestForwardedIsAsTheModelSays(t *testing.T) {
	o := behind("Forwarded", "10.0.0.0/8")
	others := rapid.SampledFrom([]string{`_by`, `a, for=192.0.2.66`, `x";for=192.0.2.66;y="`, `\`, `","`, `10.0.0.1`, `a\"b`})
	rapid.Check(t, func(t *rapid.T) {
		chain := hops(t)
		var h http.Header
		for i, one := range chain {
			text := one.text
			if addr, err := netip.ParseAddr(text); err == nil && addr.Is6() {
				text = "[" + text + "]"
			}
			name := rapid.SampledFrom([]string{"for", "For", "FOR"}).Draw(t, "name")
			pairs := []string{name + "=" + written(t, text)}
			if rapid.Bool().Draw(t, "before") {
				pairs = append([]string{"by=" + written(t, others.Draw(t, "by"))}, pairs...)
			}
			if rapid.Bool().Draw(t, "after") {
				pairs = append(pairs, "host="+written(t, others.Draw(t, "host")))
			}
			element := strings.Join(pairs, rapid.SampledFrom([]string{";", "; ", " ;"}).Draw(t, "semicolon"))
			if i == 0 || rapid.Bool().Draw(t, "line") {
				if h == nil {
					h = http.Header{}
				}
				h.Add("Forwarded", element)
				continue
			}
			lines := h["Forwarded"]
			lines[len(lines)-1] += rapid.SampledFrom([]string{",", ", ", " , ,"}).Draw(t, "comma") + element
		}
		want := model("10.0.0.1", chain)
		if got := o.ClientAddr(&http.Request{RemoteAddr: "10.0.0.1:443", Header: h}); got != want {
			t.Fatalf("%s: got %s, want %s", fmt.Sprintf("%q", h), got, want)
		}
	})
}
