package observe

import (
	"cmp"
	"iter"
	"net/http"
	"net/netip"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Config is what an operator decides about looking.
type Config struct {
	// TrustedProxies are the networks whose ProxyHeader is believed. Empty
	// means the socket peer is the client.
	TrustedProxies []netip.Prefix
	// ProxyHeader is the only header from which a client's address is read;
	// "" means DefaultProxyHeader. Forwarded is read as in RFC 7239, a name
	// that ends in Forwarded-For as a list of addresses, any other as one
	// address.
	ProxyHeader string
	// SecureCookies names the device cookie __Host-lanyard_device and marks
	// it Secure. False is for plain http on loopback.
	SecureCookies bool
	// Now returns the time of a sighting.
	Now func() time.Time
	// CacheSize is how many parsed User-Agents are remembered; 0 means 4096,
	// which is at most about 4 MB.
	CacheSize int
	// Places tells where addresses are. Nil knows no place.
	Places Places
}

// Places tells where an address is: the network as far as it is known, the
// address in it. It never fails, and takes no longer than a look at memory.
type Places interface {
	Place(addr netip.Addr) devices.Network
}

// Observer looks at requests. It is safe for concurrent use.
type Observer struct {
	proxies       []netip.Prefix
	proxyHeader   string // canonical
	hops          func(lines []string) iter.Seq[netip.Addr]
	secureCookies bool
	now           func() time.Time
	agents        *agents
	places        Places
}

// New returns an observer. The first one of a process compiles the User-Agent
// definitions, which takes about 0.2 s.
func New(c Config) *Observer {
	o := &Observer{secureCookies: c.SecureCookies, now: c.Now, agents: newAgents(c.CacheSize), places: c.Places}
	o.proxyHeader = http.CanonicalHeaderKey(cmp.Or(c.ProxyHeader, DefaultProxyHeader))
	o.hops = hopsOf(o.proxyHeader)
	for _, p := range c.TrustedProxies {
		o.proxies = append(o.proxies, unmapPrefix(p))
	}
	return o
}

// Observe returns the sighting of the request's own sender.
func (o *Observer) Observe(r *http.Request, e devices.Entrance) devices.Sighting {
	return o.whole(r.Header, o.ClientAddr(r), e)
}

// whole returns the sighting of a request whose headers are all there: it does
// not have what it does not say.
func (o *Observer) whole(h http.Header, addr netip.Addr, e devices.Entrance) devices.Sighting {
	s := o.look(h, addr, e)
	if _, told := s.Fingerprint[devices.SignalBrowser]; !told && h.Get("User-Agent") == "" {
		s.Fingerprint[devices.SignalBrowser] = ""
	}
	if _, told := s.Fingerprint[devices.SignalLanguage]; !told && h.Get("Accept-Language") == "" {
		s.Fingerprint[devices.SignalLanguage] = ""
	}
	return s
}

// ObserveHeaders returns the sighting of somebody else's request, told by who
// received it: headers as far as they were passed on, and the address, which
// is taken as it is and may be invalid. A header that was not passed on could
// not be looked at. Header names may be in any case.
func (o *Observer) ObserveHeaders(h http.Header, addr netip.Addr, e devices.Entrance) devices.Sighting {
	canonical := make(http.Header, len(h))
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		canonical[name] = append(canonical[name], values...)
	}
	return o.look(canonical, plain(addr), e)
}

// ProxyHeader returns the canonical name of the only header from which clients'
// addresses are read.
func (o *Observer) ProxyHeader() string { return o.proxyHeader }

// Known reports whether Observe costs no parsing: the User-Agent of the
// request is remembered, or there is none. A false answer may be true a moment
// later, and the other way round.
func (o *Observer) Known(r *http.Request) bool { return o.agents.known(r.Header.Get("User-Agent")) }

// Parses returns how many User-Agents have been parsed so far. It grows by
// one for each header that was not remembered.
func (o *Observer) Parses() int64 { return o.agents.parses.Load() }

func (o *Observer) look(h http.Header, addr netip.Addr, e devices.Entrance) devices.Sighting {
	looks := o.agents.read(h.Get("User-Agent"))
	seen := merge(looks, readHints(h))
	if language := language(h); language != "" {
		seen[devices.SignalLanguage] = language
	}
	network := devices.Network{Addr: addr}
	if o.places != nil {
		network = o.places.Place(addr)
	}
	return devices.Sighting{
		At: o.now(), Entrance: e, Fingerprint: seen,
		Network: network,
		Proof:   devices.Proof{CookieHashes: o.cookieHashes(h)},
	}
}
