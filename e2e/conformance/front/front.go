// Package front stands before a lanyard as the proxy does at which TLS ends.
//
// # Guarantees
//
//   - What the server answers passes unchanged: redirects, cookies, bodies.
//   - Only [Complete] changes requests, and only those that lack PKCE.
//
// # Not here
//
// It is for tests and for the official conformance suite. Nobody should run
// it before a server that anybody relies on: [Complete] takes from clients
// what PKCE gives them.
package front

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
)

// To returns a proxy to the server at this URL, which must have the proxy
// among its trusted ones.
func To(server *url.URL) http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(server)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
}

// maxForm is the largest form that is completed, in bytes.
const maxForm = 64 << 10

// Complete adds PKCE (RFC 7636) to the authorization and token requests of
// clients that send none, with one verifier for all of them. The official
// suite is such a client in all modules but one; the server demands PKCE of
// everybody.
func Complete(next http.Handler) http.Handler {
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	challenge := url.Values{
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/oauth2/auth" && r.Method == http.MethodGet:
			if query := r.URL.Query(); !query.Has("code_challenge") {
				r.URL.RawQuery += "&" + challenge.Encode()
			}
		case r.URL.Path == "/oauth2/auth" && r.Method == http.MethodPost:
			complete(w, r, func(form url.Values) string {
				if form.Has("code_challenge") {
					return ""
				}
				return "&" + challenge.Encode()
			})
		case r.URL.Path == "/oauth2/token" && r.Method == http.MethodPost:
			complete(w, r, func(form url.Values) string {
				if form.Get("grant_type") != "authorization_code" || form.Has("code_verifier") {
					return ""
				}
				return "&code_verifier=" + verifier
			})
		}
		next.ServeHTTP(w, r)
	})
}

// complete appends to the body of a form what is missing in it.
func complete(w http.ResponseWriter, r *http.Request, missing func(url.Values) string) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxForm)); err == nil {
		if form, err := url.ParseQuery(body.String()); err == nil {
			body.WriteString(missing(form))
		}
	}
	r.Body = http.NoBody
	if body.Len() > 0 {
		r.Body = io.NopCloser(&body)
	}
	r.ContentLength = int64(body.Len())
	r.Header.Set("Content-Length", strconv.Itoa(body.Len()))
}
