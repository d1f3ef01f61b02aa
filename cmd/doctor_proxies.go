package cmd

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/hooks/doctor"
)

// proxies looks at what the server sees of a request that comes by its issuer.
func (o *outside) proxies() []doctor.Finding {
	for _, p := range o.c.TrustedProxies {
		if p.Bits() == 0 {
			return []doctor.Finding{own(doctor.Missing, "trusted_proxies", p.String()+" is everybody: each client writes its own address; "+
				"name the addresses of your proxies alone")}
		}
	}
	seen, err := reflected(o.ctx, o.http, o.base(), o.system(), o.now())
	if err != nil {
		return []doctor.Finding{own(doctor.Missing, "proxies", "what the server sees of its clients cannot be asked through the issuer: "+err.Error()+
			"; the proxy must pass "+mirrorPath+" on, or the server is older than this binary")}
	}
	if !o.proxied(seen) {
		return []doctor.Finding{own(doctor.Good, "proxies", "there is none in front")}
	}
	found := altered(seen.Headers)
	if len(found) == 0 {
		found = append(found, own(doctor.Good, "proxies", "User-Agent and Accept-Language arrive as they were sent"))
	}
	return append(found, o.forwarded(seen))
}

// proxied reports whether somebody stands between the doctor and the server,
// which speaks no TLS itself.
func (o *outside) proxied(seen reflection) bool {
	if o.c.secure() || !slices.Equal(seen.Forwarded, []string{inventedAddr}) {
		return true
	}
	for _, name := range []string{"Forwarded", "Via", "X-Real-Ip", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		if len(seen.Headers[name]) > 0 {
			return true
		}
	}
	_, port, err := net.SplitHostPort(o.c.Public.Listen)
	issuer, bad := url.Parse(o.c.Issuer)
	return err != nil || bad != nil || cmp.Or(issuer.Port(), "80") != port
}

// altered returns which headers do not arrive as they were sent.
func altered(arrived http.Header) []doctor.Finding {
	var found []doctor.Finding
	for name, sent := range probeHeaders() {
		if got := strings.Join(arrived[name], ", "); got != sent {
			found = append(found, own(doctor.Missing, "proxies", fmt.Sprintf("the proxy in front changes %s (%q arrives): all devices look alike, and copies "+
				"of tokens are not noticed; have it pass the header on as it is", name, got)))
		}
	}
	slices.SortFunc(found, func(a, b doctor.Finding) int { return strings.Compare(a.What, b.What) })
	return found
}

// overwrite is what makes nginx send the address of its client, and nothing else.
const overwrite = "in nginx: proxy_set_header X-Forwarded-For $remote_addr;"

// forwarded judges what arrives as the client's address.
func (o *outside) forwarded(seen reflection) doctor.Finding {
	const where = "trusted_proxies"
	peer, err := netip.ParseAddrPort(seen.Peer)
	if err != nil {
		return own(doctor.Advice, where, "the proxy has no address ("+seen.Peer+"): nothing is known of its clients'")
	}
	from := peer.Addr().Unmap()
	trusts := func(a netip.Addr) bool {
		return slices.ContainsFunc(o.c.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	switch {
	case !trusts(from):
		f := own(doctor.Missing, where, fmt.Sprintf("requests come through %s, which is not among them: every device seems to be there, and networks "+
			"are not judged; add it, and restart", from))
		f.Paste = "trusted_proxies: [" + strings.Join(append(texts(o.c.TrustedProxies), fmt.Sprintf("%q", netip.PrefixFrom(from, from.BitLen())), ""), ", ")
		f.Paste = strings.TrimSuffix(f.Paste, ", ") + "]\n"
		return f
	case slices.Equal(seen.Forwarded, []string{inventedAddr}):
		return own(doctor.Missing, where, "the proxy passes on the X-Forwarded-For that its client sent: everybody writes their own address; "+overwrite)
	case len(seen.Forwarded) == 0 && seen.Client == from.String():
		return own(doctor.Missing, where, "the proxy sends no X-Forwarded-For: every device seems to be at "+from.String()+"; "+overwrite)
	case seen.Client == inventedAddr:
		return own(doctor.Advice, where, "the doctor's own address is a trusted proxy's, so this cannot tell whether strangers can claim an address; run it from another machine")
	default:
		return own(doctor.Good, where, "addresses of clients arrive: this machine is "+seen.Client)
	}
}

func texts(prefixes []netip.Prefix) []string {
	out := make([]string, len(prefixes))
	for i, p := range prefixes {
		out[i] = fmt.Sprintf("%q", p)
	}
	return out
}
