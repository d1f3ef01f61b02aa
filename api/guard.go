package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard decides who may use the admin API: who holds a token or, where none
// is configured, who calls from this very machine and is no web page.
type guard struct {
	sums [][sha256.Size]byte // of the tokens
}

func newGuard(tokens []string) guard {
	g := guard{}
	for _, t := range tokens {
		g.sums = append(g.sums, sha256.Sum256([]byte(t)))
	}
	return g
}

// check returns an error for a request that must be turned away. It is asked
// before anything is routed. Health is for everybody: it says one word.
func (g guard) check(r *http.Request) error {
	switch {
	case r.URL.Path == healthAlive, r.URL.Path == healthReady:
		return nil
	case http.NewCrossOriginProtection().Check(r) != nil:
		return errCrossSite
	case len(g.sums) > 0:
		return g.checkToken(r)
	default:
		return checkLocal(r)
	}
}

// checkToken compares sums, which are of one length and which a caller cannot
// steer, with all tokens whatever the outcome.
func (g guard) checkToken(r *http.Request) error {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return ErrNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return errOperator
	}
	sum, good := sha256.Sum256([]byte(token)), 0
	for _, s := range g.sums {
		good |= subtle.ConstantTimeCompare(s[:], sum[:])
	}
	if good != 1 {
		return errOperator
	}
	return nil
}

// checkLocal refuses whoever is not a plain program on this machine. A browser
// runs here too, with pages from anywhere: the name in Host shows a page that
// rebound its name to us, Origin and Sec-Fetch-Site one that reaches across.
func checkLocal(r *http.Request) error {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || !loopbackName(r.Host) {
		return errAdminLocal
	}
	for _, relayed := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(relayed) != "" {
			return errAdminLocal // the peer is only a proxy
		}
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case r.Header.Get("Origin") != "":
		return errCrossSite
	case site != "" && site != "none" && site != "same-origin":
		return errCrossSite
	}
	return nil
}

// loopbackName reports whether a Host header names this machine.
func loopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
