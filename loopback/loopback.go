package loopback

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Host reports whether a host, with or without a port, names this machine: by
// localhost or an address of the loopback interface.
func Host(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if inner, opened := strings.CutPrefix(host, "["); opened && strings.HasSuffix(inner, "]") {
		host = strings.TrimSuffix(inner, "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Why a request is refused.
var (
	// ErrElsewhere: it comes from another machine, or a proxy relayed it.
	ErrElsewhere = errors.New("request from another machine")
	// ErrCrossSite: a page of another site made a browser on this machine send
	// it.
	ErrCrossSite = errors.New("request from another site")
)

// Check returns an error unless a program or a browser on this machine sent the
// request on its own account. The Host header shows a page that rebound its
// name to this address; Origin and Sec-Fetch-Site show a page that reaches
// across, with GET too. The proxyHeader is the one in which the operator's proxies
// name the client; empty for none.
func Check(r *http.Request, proxyHeader string) error {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || !Host(r.Host) ||
		relayed(r.Header) || len(r.Header.Values(proxyHeader)) > 0 {
		return ErrElsewhere
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return ErrCrossSite
	}
	for _, origin := range r.Header.Values("Origin") {
		if from, err := url.Parse(origin); err != nil || from.Scheme != scheme || from.Host != r.Host {
			return ErrCrossSite
		}
	}
	return nil
}

// relayed reports whether a proxy on this machine passed a request on, as far as
// the headers that proxies add show.
func relayed(h http.Header) bool {
	for name := range h {
		switch {
		case strings.HasPrefix(name, "X-Forwarded"), strings.HasSuffix(name, "Forwarded-For"), strings.HasSuffix(name, "-Client-Ip"):
			return true
		case slices.Contains([]string{
			"Forwarded", "Via", "X-Real-Ip", "Cf-Connecting-Ip", "X-Azure-Clientip", "X-Envoy-External-Address", "X-Original-Host",
		}, name):
			return true
		}
	}
	return false
}
