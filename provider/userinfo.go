package provider

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/ory/fosite"
)

// userinfo is GET and POST /userinfo (OIDC Core §5.3).
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		p.fail(w, r, errMethod)
		return
	}
	if err := bearerForm(w, r); err != nil {
		p.failBearer(w, r, err)
		return
	}
	access, err := p.Present(r, "/userinfo")
	if err != nil {
		p.failBearer(w, r, err)
		return
	}
	if !slices.Contains(access.Scopes, scopeOpenID) {
		p.failBearer(w, r, errScope)
		return
	}
	claims, err := p.Identity.Claims(r.Context(), access.Grant.Subject, access.Scopes,
		access.client.claimsFor(access.Grant, "userinfo"))
	if err != nil {
		p.failBearer(w, r, trouble{err})
		return
	}
	claims["sub"] = access.Grant.Subject
	writeJSON(w, http.StatusOK, claims)
}

// bearerForm parses a posted form, which may hold the token; a body of
// another type is of no interest.
func bearerForm(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost && r.Header.Get("Content-Type") != "" {
		return strictForm(w, r)
	}
	return nil
}

var errScope = errors.New("the access token lacks a scope")

// failBearer answers as RFC 6750 §3.1 and RFC 9449 §7.1 say. A request without
// a token is told no error code.
func (p *Provider) failBearer(w http.ResponseWriter, r *http.Request, err error) {
	challenge := `Bearer realm="` + p.Issuer + `"`
	proved := `DPoP algs="` + strings.Join(proofNames(), " ") + `"`
	var known *fosite.RFC6749Error
	err = p.limited(r, err)
	switch {
	case errors.Is(err, ErrNoToken):
		w.Header().Set("WWW-Authenticate", challenge)
		w.Header().Add("WWW-Authenticate", proved)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_request"})
	case errors.Is(err, ErrToken):
		w.Header().Set("WWW-Authenticate", challenge+`, error="invalid_token"`)
		w.Header().Add("WWW-Authenticate", proved+`, error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{
			"error": "invalid_token", "error_description": "The access token is not valid, or no longer.",
		})
	case errors.Is(err, errScope):
		w.Header().Set("WWW-Authenticate", challenge+`, error="insufficient_scope", scope="openid"`)
		writeJSON(w, http.StatusForbidden, map[string]string{"error": "insufficient_scope"})
	case errors.As(err, &known) && known.CodeField < 500:
		w.Header().Set("WWW-Authenticate", challenge+`, error="invalid_request"`)
		p.fail(w, r, err)
	default:
		p.fail(w, r, err)
	}
}
