package ory

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
)

// Current returns a proxy before the public port of a Hydra v2.3.0 that reads
// paths as Hydra v25.4 and later do: it decodes them, trims slashes at their
// end, redirects from a path that is not clean, and answers 404 to a path that
// has an encoded slash left.
func Current(address string) http.Handler {
	hydra := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", address, p.In.Host
		p.Out.URL.Path, p.Out.URL.RawPath, p.Out.URL.RawQuery = p.In.URL.Path, "", p.In.URL.RawQuery
		p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimRight(r.URL.Path, "/")
		switch clean := path.Clean("/" + r.URL.Path); {
		case strings.Contains(strings.ToLower(r.URL.EscapedPath()), "%2f"):
			http.NotFound(w, r) // a slash inside of a segment
		case r.URL.Path != "" && clean != r.URL.Path:
			to := url.URL{Path: clean, RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, to.String(), http.StatusTemporaryRedirect)
		default:
			hydra.ServeHTTP(w, r)
		}
	})
}
