package observe

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// DefaultProxyHeader is the header that most proxies write.
const DefaultProxyHeader = "X-Forwarded-For"

// ClientAddr returns the address of the request's sender: the socket peer or,
// if that is a trusted proxy, the nearest hop before it that is not. Hops are
// read from one header only, Config.ProxyHeader. The address is invalid if the
// peer has none, as on a Unix socket.
func (o *Observer) ClientAddr(r *http.Request) netip.Addr {
	peer := node(r.RemoteAddr)
	if !o.trusts(peer) {
		return peer
	}
	return o.walk(peer, o.hops(r.Header.Values(o.proxyHeader)))
}

// walk follows the hops from the nearest to the farthest, since each proxy
// appends the address it was called from: everything before the first
// untrusted hop is that hop's own invention. If a hop cannot be read, walk
// returns the peer.
func (o *Observer) walk(peer netip.Addr, hops iter.Seq[netip.Addr]) netip.Addr {
	nearest := peer
	for hop := range hops {
		if !hop.IsValid() {
			return peer
		}
		if !o.trusts(hop) {
			return hop
		}
		nearest = hop
	}
	return nearest
}

func (o *Observer) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(o.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// hopsOf returns the function that reads the lines of a header, by its
// canonical name. It yields the last hop first, and an invalid address for a
// hop that cannot be read.
func hopsOf(header string) func(lines []string) iter.Seq[netip.Addr] {
	switch {
	case header == "Forwarded":
		return forwardedHops
	case strings.HasSuffix(header, "Forwarded-For"):
		return listedHops
	default:
		return singleHop
	}
}

// listedHops reads X-Forwarded-For and its kind: addresses and commas. Empty
// elements are ignored (RFC 9110 §5.6.1.2).
func listedHops(lines []string) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, line := range slices.Backward(lines) {
			for line != "" {
				at := strings.LastIndexByte(line, ',')
				element := strings.Trim(line[at+1:], " \t")
				line = line[:max(at, 0)]
				if element != "" && !yield(node(element)) {
					return
				}
			}
		}
	}
}

// singleHop reads X-Real-IP, CF-Connecting-IP and the like, which hold one
// address. A second one shows that the proxy does not overwrite the header, so
// neither is believed.
func singleHop(lines []string) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		switch len(lines) {
		case 0:
		case 1:
			yield(node(strings.Trim(lines[0], " \t")))
		default:
			yield(netip.Addr{})
		}
	}
}

// node returns the address of a node as in RFC 7239 §6, with or without its
// port: "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:_port".
// An IPv6 address without brackets is read too, as in X-Forwarded-For. The
// address of "unknown", of an obfuscated node and of anything else is invalid.
func node(text string) netip.Addr {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, after, closed := strings.Cut(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if !closed || err != nil || addr.Is4() || after != "" && !nodePort(after) {
			return netip.Addr{}
		}
		return plain(addr)
	}
	if at := strings.IndexByte(text, ':'); at >= 0 && at == strings.LastIndexByte(text, ':') {
		if !nodePort(text[at:]) {
			return netip.Addr{}
		}
		text = text[:at]
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return plain(addr)
}

// nodePort reports whether text is a colon and a port, be it obfuscated
// (RFC 7239 §6.2 and §6.3).
func nodePort(text string) bool {
	port := text[1:]
	if text[0] != ':' || port == "" {
		return false
	}
	if hidden, ok := strings.CutPrefix(port, "_"); ok {
		return hidden != "" && strings.Trim(hidden, obfuscated) == ""
	}
	return len(port) <= 5 && strings.Trim(port, "0123456789") == ""
}

// obfuscated are the bytes of an obfuscated identifier.
const obfuscated = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// plain strips the zone, which means nothing elsewhere, and writes IPv4 in
// one way only.
func plain(addr netip.Addr) netip.Addr { return addr.WithZone("").Unmap() }

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}
