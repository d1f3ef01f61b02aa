package provider

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/lanyard-id/lanyard/loopback"
)

// validateRedirect reports what is wrong with a redirect URI at registration:
// it must be absolute, without fragment, user, wildcard or control character,
// and either https, http on loopback (RFC 8252 §7.3), or of a private-use
// scheme that is a reversed domain name (RFC 8252 §7.1), which leaves out
// javascript and data.
func validateRedirect(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case strings.Contains(raw, "*"):
		// Nothing would ever match it, and who writes it believes that much
		// would (RFC 9700 §2.1).
		return errors.New("holds a wildcard, and addresses are compared byte for byte: register each of them")
	case strings.Contains(raw, "#"):
		return errors.New("holds a fragment (#…): leave it out")
	case err != nil, strings.ContainsAny(raw, "\\ "), strings.ContainsFunc(raw, isControl):
		return errors.New("is no URL: write it as browsers send it, without spaces or backslashes")
	case !u.IsAbs():
		return errors.New("is not absolute: write it whole, as in https://app.example.com/callback")
	case u.User != nil:
		return errors.New("holds a user or a password: leave it out")
	}
	return secureRedirect(u)
}

func secureRedirect(u *url.URL) error {
	web := u.Scheme == "https" || u.Scheme == "http"
	switch {
	case web && (u.Hostname() == "" || !validPort(u)):
		return errors.New("names no host, or a port that does not exist")
	case u.Scheme == "http" && !loopback.Host(u.Hostname()):
		return errors.New("is http: use https; http is for this machine alone (127.0.0.1, [::1], localhost)")
	case web || strings.Contains(u.Scheme, ".") && !strings.HasPrefix(u.Scheme, "."):
		return nil
	}
	return fmt.Errorf("has the scheme %q: use https, or for an app a reversed domain name as in com.example.app:/callback", u.Scheme)
}

// validPort reports whether the URL has no port or one that there is.
func validPort(u *url.URL) bool {
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && n > 0
}

// matchRedirect reports whether the redirect URI of a request is one of the
// registered: the same bytes (RFC 9700 §2.1), but for the port of a loopback
// address (RFC 8252 §7.3).
func matchRedirect(raw string, registered []string) bool {
	for _, known := range registered {
		if raw == known || sameButPort(raw, known) {
			return true
		}
	}
	return false
}

// sameButPort reports whether two http URLs on the same loopback IP literal
// are the same bytes after their ports are taken out.
func sameButPort(raw, known string) bool {
	rawHost, rawRest, ok := splitLoopback(raw)
	knownHost, knownRest, known2 := splitLoopback(known)
	return ok && known2 && rawHost == knownHost && rawRest == knownRest
}

// splitLoopback cuts "http://127.0.0.1:8080/cb" into its host and what comes
// after the port.
func splitLoopback(raw string) (host, rest string, ok bool) {
	after, isHTTP := strings.CutPrefix(raw, "http://")
	if !isHTTP {
		return "", "", false
	}
	for _, literal := range []string{"127.0.0.1", "[::1]"} {
		rest, ok := strings.CutPrefix(after, literal)
		if !ok {
			continue
		}
		if port, isPort := strings.CutPrefix(rest, ":"); isPort {
			rest = strings.TrimLeft(port, "0123456789")
			digits := strings.TrimSuffix(port, rest)
			if n, err := strconv.ParseUint(digits, 10, 16); err != nil || n == 0 || digits[0] == '0' {
				return "", "", false
			}
		}
		if rest != "" && !strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, "?") {
			return "", "", false
		}
		return literal, rest, true
	}
	return "", "", false
}
