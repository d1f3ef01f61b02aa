package observe

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Request is what [Observer.Observe] reads of a request, unread: it is small,
// and making one parses no User-Agent. A server that does not know yet whether a
// stranger's request is worth a parse hands it on.
type Request struct {
	At time.Time `json:"at"`
	// Addr is the client's address.
	Addr netip.Addr `json:"addr"`
	// Headers are User-Agent, Accept-Language and the client hints, each cut to
	// what would be read of it.
	Headers map[string]string `json:"headers,omitempty"`
	// Cookies are the hashes of the secrets in the device cookie.
	Cookies [][]byte `json:"cookies,omitempty"`
}

// hintHeaders are the client hints that are read.
var hintHeaders = []string{
	"Sec-Ch-Ua", "Sec-Ch-Ua-Full-Version-List", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
	"Sec-Ch-Ua-Platform-Version", "Sec-Ch-Ua-Model", "Sec-Ch-Ua-Form-Factors",
}

// maxLanguage is more than the bytes of Accept-Language that are read.
const maxLanguage = 64

// Keep returns what Observe reads of a request.
func (o *Observer) Keep(r *http.Request) Request {
	kept := Request{At: o.now(), Addr: o.ClientAddr(r), Headers: map[string]string{}, Cookies: o.cookieHashes(r.Header)}
	put := func(name, value string) {
		if value != "" {
			kept.Headers[name] = value
		}
	}
	agent := r.Header.Get("User-Agent")
	put("User-Agent", agent[:min(len(agent), maxAgent)])
	language, _, _ := strings.Cut(strings.Trim(r.Header.Get("Accept-Language"), " \t"), ",")
	put("Accept-Language", language[:min(len(language), maxLanguage)])
	for _, name := range hintHeaders {
		put(name, field(r.Header, name))
	}
	return kept
}

// ObserveKept returns the sighting that Observe would have returned for the
// request.
func (o *Observer) ObserveKept(kept Request, e devices.Entrance) devices.Sighting {
	h := make(http.Header, len(kept.Headers))
	for name, value := range kept.Headers {
		h.Set(name, value)
	}
	s := o.whole(h, kept.Addr, e)
	s.At, s.Proof.CookieHashes = kept.At, kept.Cookies
	return s
}
