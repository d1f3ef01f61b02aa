package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard/devices"
)

// Problem is the body of every answer that is not a success (RFC 9457). Type
// is always about:blank: Code is what programs tell problems apart by, and it
// never changes its meaning.
type Problem struct {
	Type   string         `json:"type" doc:"Always about:blank; see code."`
	Title  string         `json:"title" doc:"The status in words."`
	Status int            `json:"status" doc:"The HTTP status."`
	Code   string         `json:"code" doc:"What went wrong, for programs." example:"device_not_found"`
	Detail string         `json:"detail" doc:"What went wrong and what to do, for people."`
	Errors []FieldProblem `json:"errors,omitempty" nullable:"false" doc:"The fields at fault."`

	headers http.Header
}

// FieldProblem is one thing wrong with what was sent.
type FieldProblem struct {
	Field   string `json:"field" doc:"Where it is." example:"body.name"`
	Message string `json:"message" doc:"What is wrong with it."`
}

// Error returns the code.
func (p *Problem) Error() string { return p.Code }

// GetStatus returns the HTTP status to answer with.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with the answer.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType returns the media type of a problem (RFC 9457 §3).
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// The problems that are not of the domain.
var (
	errNotFound    = errors.New("no such path")
	errMethod      = errors.New("method not allowed")
	errTooLarge    = errors.New("body too large")
	errMediaType   = errors.New("not JSON")
	errCrossSite   = errors.New("request from another site")
	errAdminLocal  = errors.New("admin API without tokens is for this machine only")
	errNoGrant     = errors.New("no such grant")
	errNoConsent   = errors.New("no such consent")
	errNoSubject   = errors.New("no such subject")
	errOperator    = errors.New("no or wrong operator token")
	errUnavailable = errors.New("store trouble")
	errInternal    = errors.New("bug")
)

// translations is the one table from errors to problems. What is not in it is
// trouble.
var translations = [...]struct {
	err          error
	status       int
	code, detail string
}{
	{ErrNoToken, 401, "token_missing", "Send an access token in the Authorization header."},
	{ErrInvalidToken, 401, "invalid_token", "The access token is expired, revoked or not valid here. Get a new one."},
	{ErrInvalidSession, 401, "invalid_session", "The session of the pages has ended or is not valid here. Sign in again."},
	{ErrInsufficientScope, 403, "insufficient_scope", "The access token lacks the scope devices."},
	{ErrRateLimited, 429, "rate_limited", "Too many requests. Try again later."},
	{devices.ErrNoDevice, 401, "device_uid_missing", "The access token belongs to no device. Sign in again."},
	{devices.ErrNotRecognized, 401, "device_not_recognized", "Your device is not known. Sign in again on it."},
	{devices.ErrRevoked, 401, "device_revoked", "Your device has been signed out. Sign in again on it."},
	{devices.ErrDisabled, 401, "subject_disabled", "This account may not be used."},
	{devices.ErrOutdated, 401, "invalid_token", "The access token or session has just ended. Sign in again."},
	{devices.ErrNotFound, 404, "device_not_found", "There is no such device."},
	{devices.ErrNoEditPermission, 403, "device_lacks_edit_permission", "Your device may not change other devices."},
	{devices.ErrNoDeletePermission, 403, "device_lacks_delete_permission", "Your device may not sign out other devices."},
	{devices.ErrStepUpRequired, 403, "step_up_required", "Your device is new here. Sign in again, then repeat the request."},
	{devices.ErrEditingDisabled, 409, "device_editing_disabled", "This device cannot be changed now."},
	{devices.ErrDeletionDisabled, 409, "device_deletion_disabled", "This device is too new to be signed out by another one."},
	{devices.ErrInvalid, 422, validationFailed, "The request is not valid. See errors."},
	{errNotFound, 404, "not_found", "There is nothing at this path."},
	{errNoGrant, 404, "grant_not_found", "There is no such grant."},
	{errNoConsent, 404, "consent_not_found", "The client has no access to what is this subject's."},
	{errNoSubject, 404, "subject_not_found", "There is no such subject."},
	{errMethod, 405, "method_not_allowed", "This path does not take that method. See the Allow header."},
	{errTooLarge, 413, "body_too_large", "The body is larger than 64 KiB."},
	{errMediaType, 415, "unsupported_media_type", "Send the body as application/json."},
	{errCrossSite, 403, "cross_site_request", "Requests from other sites are refused."},
	{errAdminLocal, 403, "admin_local_only", "Without admin tokens, only this machine may call, by a loopback name."},
	{errOperator, 401, "invalid_token", "Send one of the configured admin tokens in the Authorization header."},
	{errUnavailable, 503, "temporarily_unavailable", "The server cannot answer right now. Try again."},
	{errInternal, 500, "internal", "Something went wrong on the server. The request id finds it in the log."},
}

const validationFailed = "validation_failed"

// retryAfter is what trouble asks for, in seconds.
const retryAfter = "2"

// translate returns the problem for an error of the table, or nil.
func translate(err error) *Problem {
	for _, t := range translations {
		if errors.Is(err, t.err) {
			return &Problem{
				Type: "about:blank", Title: http.StatusText(t.status), Status: t.status,
				Code: t.code, Detail: t.detail, headers: http.Header{},
			}
		}
	}
	return nil
}

// invalid returns the problem that lists these fields.
func invalid(fields ...FieldProblem) *Problem {
	p := translate(devices.ErrInvalid)
	p.Errors = fields
	return p
}

// problem turns an error into what is answered. An error that is neither of
// the domain nor of this door is trouble: logged here, and 503, so that no
// client takes it for the end of its session.
func (d *door) problem(ctx context.Context, err error) *Problem {
	var ready *Problem
	if errors.As(err, &ready) {
		return ready
	}
	p := translate(err)
	switch {
	case p == nil:
		p = translate(errUnavailable)
		if errors.Is(ctx.Err(), context.Canceled) {
			break // the caller hung up: nobody's trouble
		}
		d.log.ErrorContext(ctx, "trouble", "request_id", requestID(ctx), "err", err)
	case errors.Is(err, devices.ErrInvalid):
		p.Errors = fieldsOf(err)
	}
	d.dress(p, err)
	return p
}

// dress adds the headers that go with a problem.
func (d *door) dress(p *Problem, err error) {
	bearer := `Bearer realm="` + d.realm + `"`
	var limited rateLimited
	h := p.headers
	switch {
	case errors.Is(err, ErrNoToken):
		// RFC 6750 §3.1: no error code where no token was sent.
		h.Set("WWW-Authenticate", bearer)
	case p.Status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", bearer+`, error="invalid_token"`)
	case errors.Is(err, ErrInsufficientScope):
		h.Set("WWW-Authenticate", bearer+`, error="insufficient_scope", scope="`+Scope+`"`)
	case errors.Is(err, devices.ErrStepUpRequired):
		h.Set("WWW-Authenticate", bearer+ // RFC 9470 §3
			`, error="insufficient_user_authentication", max_age="`+strconv.Itoa(d.freshFor)+`"`)
	case errors.As(err, &limited):
		h.Set("Retry-After", strconv.Itoa(int(limited.wait.Seconds())+1))
	case p.Status == http.StatusServiceUnavailable, p.Status == http.StatusTooManyRequests:
		h.Set("Retry-After", retryAfter)
	}
}

// fieldsOf reads the field out of an ErrInvalid, whose text is "invalid
// value: <field>: <message>".
func fieldsOf(err error) []FieldProblem {
	_, text, _ := strings.Cut(err.Error(), devices.ErrInvalid.Error()+": ")
	field, message, found := strings.Cut(text, ": ")
	if !found {
		return nil
	}
	return []FieldProblem{{Field: "body." + field, Message: message}}
}

// transform replaces the errors that huma makes by problems. It drops the
// values that huma would echo, and the text of everything that is a bug.
func (d *door) transform(ctx huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	switch {
	case model.Status == http.StatusServiceUnavailable:
		return translate(errUnavailable), nil // logged by whose operation it is
	case model.Status >= http.StatusInternalServerError:
		d.log.ErrorContext(ctx.Context(), "internal error",
			"request_id", requestID(ctx.Context()), "err", model.Detail, "details", model.Errors)
		return translate(errInternal), nil
	}
	p := &Problem{
		Type: "about:blank", Title: http.StatusText(model.Status), Status: model.Status,
		Code:   strings.ReplaceAll(strings.ToLower(http.StatusText(model.Status)), " ", "_"),
		Detail: model.Detail,
	}
	if model.Status == http.StatusUnprocessableEntity {
		p = invalid()
	}
	for _, e := range model.Errors {
		p.Errors = append(p.Errors, FieldProblem{Field: e.Location, Message: e.Message})
	}
	return p, nil
}

// fail answers with the problem of an error.
func (d *door) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := d.problem(r.Context(), err)
	h := w.Header()
	for key, values := range p.headers {
		h[key] = values
	}
	h.Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}
