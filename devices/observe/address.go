package observe

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddr returns the address of the request's sender: the socket peer or,
// where that is a trusted proxy, the nearest hop before it that is not. It is
// invalid where the peer has none, as on a Unix socket.
func (o *Observer) ClientAddr(r *http.Request) netip.Addr {
	peer := node(r.RemoteAddr)
	if !o.trusts(peer) {
		return peer
	}
	if lines := r.Header.Values("X-Forwarded-For"); len(lines) > 0 {
		return o.walk(peer, lines, node)
	}
	return o.walk(peer, r.Header.Values("Forwarded"), forwardedFor)
}

// walk goes back hop by hop, since each proxy appends whom it heard: what
// stands left of the first untrusted hop is that hop's own invention. A hop
// that cannot be read leaves the peer.
func (o *Observer) walk(peer netip.Addr, lines []string, hop func(string) netip.Addr) netip.Addr {
	nearest := peer
	for _, line := range slices.Backward(lines) {
		for line != "" {
			var element string
			line, element = lastElement(line)
			if element == "" {
				continue // empty elements are ignored (RFC 9110 §5.6.1.2)
			}
			addr := hop(element)
			if !addr.IsValid() {
				return peer
			}
			if !o.trusts(addr) {
				return addr
			}
			nearest = addr
		}
	}
	return nearest
}

func (o *Observer) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(o.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// lastElement splits off what follows the last comma outside quotes. From the
// right, so that an unclosed quote of a stranger cannot swallow what a proxy
// has appended.
func lastElement(line string) (before, element string) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ',' && !quoted:
			return line[:i], strings.Trim(line[i+1:], " \t")
		}
	}
	return "", strings.Trim(line, " \t")
}

// forwardedFor returns the address of the "for" parameter of an element of
// Forwarded (RFC 7239 §4). Hidden and unknown nodes are invalid.
func forwardedFor(element string) netip.Addr {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !strings.EqualFold(name, "for") {
			continue
		}
		if unquoted, ok := strings.CutPrefix(value, `"`); ok {
			if value, ok = strings.CutSuffix(unquoted, `"`); !ok {
				return netip.Addr{}
			}
		}
		return node(value)
	}
	return netip.Addr{}
}

// node returns the address of "192.0.2.1", "192.0.2.1:80", "2001:db8::1",
// "[2001:db8::1]" or "[2001:db8::1]:80", or an invalid one.
func node(text string) netip.Addr {
	if addr, err := netip.ParseAddr(text); err == nil {
		return plain(addr)
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			addr, err := netip.ParseAddr(inner)
			if err != nil || addr.Is4() {
				return netip.Addr{}
			}
			return plain(addr)
		}
	}
	if pair, err := netip.ParseAddrPort(text); err == nil {
		return plain(pair.Addr())
	}
	return netip.Addr{}
}

// plain strips the zone, which means nothing elsewhere, and writes IPv4 in
// one way only.
func plain(addr netip.Addr) netip.Addr { return addr.WithZone("").Unmap() }

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}
