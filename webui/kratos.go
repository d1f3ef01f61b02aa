package webui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// Kratos asks an Ory Kratos about the browser that a request comes from.
type Kratos interface {
	// Whoami returns the session of the browser. The error is
	// devices.ErrNotFound where it has none, devices.ErrStepUpRequired where
	// Kratos wants a second factor first; any other is trouble.
	Whoami(r *http.Request) (records.KratosSession, error)
	// Logout ends the session of the browser; having none is no error.
	Logout(r *http.Request) error
}

// issuerKratos is the issuer of sessions that hang on one of Kratos'.
const issuerKratos = "kratos"

// kratosWay signs owners in with a session of Kratos.
type kratosWay struct {
	Kratos
	public string // Kratos' URL, as browsers reach it
	url    func(path string) string
	now    func() time.Time
}

func (k *kratosWay) issuer() string { return issuerKratos }

// begin leads to Kratos' own pages. Kratos sends a browser that is signed in
// straight back.
func (k *kratosWay) begin(_ context.Context, a *attempt, _ string) (string, error) {
	query := url.Values{"return_to": {k.url("/devices/callback") + "?" + url.Values{"state": {a.State}}.Encode()}}
	if a.Fresh {
		query.Set("refresh", "true")
	}
	if a.Factor {
		query.Set("aal", "aal2")
	}
	return k.public + "/self-service/login/browser?" + query.Encode(), nil
}

func (k *kratosWay) finish(r *http.Request, _ attempt) (proof, error) {
	asked := k.now()
	is, err := k.Whoami(r)
	switch {
	case errors.Is(err, devices.ErrNotFound):
		return proof{}, fmt.Errorf("%w: Kratos knows no session of this browser", errDenied)
	case errors.Is(err, devices.ErrStepUpRequired):
		return proof{}, errFactor
	case err != nil:
		return proof{}, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	now := k.now()
	return proof{
		undated: is.AuthTime.IsZero(),
		session: records.Session{
			Subject: is.Subject, Issuer: issuerKratos, SID: is.ID, Name: Cut(is.Name, 100),
			AuthTime: ourTime(is.AuthTime, ahead(is.Clock, asked, now), now),
		},
		ties: []devices.Tie{
			{Kind: devices.TieKratosSession, Ref: is.ID},
			{Kind: devices.TieKratosNew, Ref: devices.KratosNew(is.Subject, is.IssuedAt)},
		},
	}, nil
}

// still asks Kratos each time: nobody else is told of a logout there.
func (k *kratosWay) still(r *http.Request, s records.Session) (records.Session, error) {
	is, err := k.Whoami(r)
	switch {
	case errors.Is(err, devices.ErrNotFound), errors.Is(err, devices.ErrStepUpRequired),
		err == nil && (is.ID != s.SID || is.Subject != s.Subject):
		return s, ErrNoSession
	case err != nil:
		return s, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	if is.AuthTime.Before(s.AuthTime) {
		s.AuthTime = is.AuthTime // a later one was not proven in this browser
	}
	return s, nil
}

func (k *kratosWay) leave(r *http.Request, _ records.Session, _ string) (string, error) {
	return "", k.Logout(r)
}
