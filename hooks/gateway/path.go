package gateway

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// endpoint is Hydra's token endpoint.
const endpoint = "/oauth2/token"

// asksForToken reports whether a path, decoded once, is the token endpoint's in
// any spelling. Hydra v25.4 and later trim slashes at its end, and a proxy
// between the gateway and Hydra may decode again, merge slashes, resolve dot
// segments, drop parameters (";x=1") or white space, and ignore case.
func asksForToken(written string) bool {
	if written == endpoint {
		return true
	}
	for range 3 {
		decoded, err := url.PathUnescape(written)
		if err != nil || decoded == written {
			break
		}
		written = decoded
	}
	segments := strings.FieldsFunc(written, func(r rune) bool { return r == '/' || r == '\\' })
	for i, s := range segments {
		s, _, _ = strings.Cut(s, ";")
		segments[i] = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	}
	return strings.EqualFold(path.Clean("/"+strings.Join(segments, "/")), endpoint)
}
