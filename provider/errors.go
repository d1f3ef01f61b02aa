package provider

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
)

// retryAfter is the seconds after which a client may try again when the
// store is in trouble.
const retryAfter = "2"

var errTooLarge = &fosite.RFC6749Error{
	ErrorField: "invalid_request", CodeField: http.StatusRequestEntityTooLarge,
	DescriptionField: "The request body is too large.",
}

// errTooMany is answered to a tooMany. RFC 6749 §5.2 has no code of its own for
// it; this one is no verdict on a token.
var errTooMany = &fosite.RFC6749Error{
	ErrorField: "temporarily_unavailable", CodeField: http.StatusTooManyRequests,
	DescriptionField: "Too many requests. Keep the tokens and try again after the seconds of Retry-After.",
}

// errRefused is the one answer to every token that is no good here. It names
// no reason: reasons are for the owner, never for a thief.
var errRefused = &fosite.RFC6749Error{
	ErrorField: "invalid_grant", CodeField: http.StatusBadRequest,
	DescriptionField: "The grant or refresh token is not valid here. Sign in again.",
}

// trouble marks errors that are the server's, not the client's. It outlives
// fosite's wrapping, which would otherwise turn them into a 4xx.
type trouble struct{ cause error }

func (t trouble) Error() string { return t.cause.Error() }
func (t trouble) Unwrap() error { return t.cause }

// oauthError translates what the rooms below answer into the protocol's
// words. What it does not know is trouble: 503, so that the client keeps its
// tokens.
func oauthError(err error) *fosite.RFC6749Error {
	var known *fosite.RFC6749Error
	var t trouble
	var many tooMany
	switch {
	case errors.As(err, &many):
		return errTooMany.WithWrap(many)
	case errors.As(err, &t):
		return fosite.ErrTemporarilyUnavailable.WithWrap(err)
	case errors.As(err, &known):
		if known.CodeField == http.StatusConflict || known.CodeField >= 500 && known.ErrorField == "error" {
			return fosite.ErrTemporarilyUnavailable.WithWrap(err)
		}
		return known
	case errors.Is(err, devices.ErrRefused), errors.Is(err, devices.ErrNotFound):
		return errRefused.WithWrap(err)
	default:
		return fosite.ErrTemporarilyUnavailable.WithWrap(err)
	}
}

// fail answers a request that is not a browser's with an OAuth error (RFC
// 6749 §5.2).
func (p *Provider) fail(w http.ResponseWriter, r *http.Request, err error) {
	err = p.limited(r, err)
	e := oauthError(err)
	retryHeader(w, err)
	if e.CodeField >= 500 {
		p.Log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "err", err)
		w.Header().Set("Retry-After", retryAfter)
	}
	if e.CodeField == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+p.Issuer+`", charset="UTF-8"`)
	}
	writeJSON(w, e.CodeField, map[string]string{
		"error": e.ErrorField, "error_description": printable(e.GetDescription()),
	})
}

// retryHeader says when to try again after a tooMany.
func retryHeader(w http.ResponseWriter, err error) {
	var many tooMany
	if errors.As(err, &many) {
		w.Header().Set("Retry-After", strconv.Itoa(int(many.wait.Seconds())+1))
	}
}

// printable keeps the characters that RFC 6749 §5.2 allows in a description.
func printable(text string) string {
	out := make([]rune, 0, len(text))
	for _, c := range text {
		switch {
		case c == '"', c == '\\':
			out = append(out, '\'')
		case c >= 0x20 && c <= 0x7e:
			out = append(out, c)
		}
	}
	return string(out)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the connection is gone if it fails
}

// ErrorPage is the data of the page "error".
type ErrorPage struct {
	Status                       int
	Title, Text, Code, RequestID string
	Link, LinkText               string // a way on; may be empty
}

// failPage answers a browser that must not be sent anywhere.
func (p *Provider) failPage(w http.ResponseWriter, r *http.Request, err error) {
	e := oauthError(err)
	page := ErrorPage{
		Status: e.CodeField, Title: "This request cannot be completed",
		Text: printable(inWords(e)), Code: e.ErrorField,
	}
	if e.CodeField >= 500 {
		page.RequestID = rand.Text()[:12]
		p.Log.ErrorContext(r.Context(), "request failed", "request_id", page.RequestID, "path", r.URL.Path, "err", err)
		w.Header().Set("Retry-After", retryAfter)
		page.Text = "The problem is on our side. Try again in a moment."
	}
	if late := (expired{}); errors.As(err, &late) {
		page.Text = "This page was open for more than half an hour. Start again. Nothing was lost."
		page.Link, page.LinkText = p.URL("/oauth2/auth")+"?"+late.query, "Start again"
	}
	p.Pages.Render(w, r, e.CodeField, "error", page)
}

// failCookies answers somebody whose browser sends no cookie although it was given
// one. They would be asked to sign in again, and again.
func (p *Provider) failCookies(w http.ResponseWriter, r *http.Request) {
	p.Pages.Render(w, r, http.StatusBadRequest, "error", ErrorPage{
		Status: http.StatusBadRequest, Title: "Cookies are blocked",
		Text: "Sign-in needs a cookie. " +
			"Allow cookies for this site, then go back to the app and start again.",
	})
}

// failForeign answers a form that another site sent.
func (p *Provider) failForeign(w http.ResponseWriter, r *http.Request) {
	p.Pages.Render(w, r, http.StatusForbidden, "error", ErrorPage{
		Status: http.StatusForbidden, Title: "Nothing was changed",
		Text: "The form was sent from another website. If you meant to do this, do it from here.",
	})
}

// inWords returns what a person can make use of: what this server says, not
// fosite's standing advice to developers.
func inWords(e *fosite.RFC6749Error) string {
	if e.HintField != "" && e.HintField != fosite.ErrInvalidRequest.HintField {
		return e.HintField
	}
	return e.DescriptionField
}

// redirectWith sends the browser to the client with an answer, which always
// names the issuer (RFC 9207). 303, so that a form is not posted on (RFC 9700
// §4.12).
func (p *Provider) redirectWith(w http.ResponseWriter, to *url.URL, state string, answer url.Values) {
	answer.Set("iss", p.Issuer)
	if state != "" {
		answer.Set("state", state)
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", extended(to, answer))
	w.WriteHeader(http.StatusSeeOther)
}

// extended returns the URI with parameters behind its own query, whose bytes
// stay as they were registered.
func extended(to *url.URL, by url.Values) string {
	target := *to
	if target.RawQuery != "" && len(by) > 0 {
		target.RawQuery += "&"
	}
	target.RawQuery += by.Encode()
	return target.String()
}
