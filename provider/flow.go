package provider

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"
)

// flow is an authorization or logout request on its way through the pages. It
// travels sealed in their addresses and forms, so that nothing is stored for a
// stranger.
type flow struct {
	Query string    `json:"q"` // the request, encoded
	At    time.Time `json:"t"` // when it came in
	// SignIn is the sign-in that a form was shown to; empty for other purposes.
	SignIn string `json:"s,omitempty"`
}

// flowFor is how long a flow may take.
const flowFor = 30 * time.Minute

// The purposes under which state is sealed. What is sealed for one is no good
// for another.
const (
	authorizePurpose = "authorize flow"
	logoutPurpose    = "logout flow"
	// A form that asks names the sign-in that it was shown to.
	consentPurpose = "consent form"
	leavePurpose   = "logout form"
	loginPurpose   = "sign-in form"
	seedPurpose    = "sign-in seed"
)

func (p *Provider) sealFlow(purpose string, f flow) (string, error) {
	raw, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return p.Sealer.Seal(purpose, raw, nil)
}

var errFlow = fosite.ErrInvalidRequest.WithDescription(
	"This sign-in has expired or its address is incomplete. Go back to the app and start again.")

// expired is an errFlow of a request that can be made anew.
type expired struct {
	error
	query string
}

func (e expired) Unwrap() error { return e.error }

func (p *Provider) openFlow(purpose, sealed string) (flow, error) {
	raw, err := p.Sealer.Open(purpose, sealed, nil)
	if err != nil {
		return flow{}, errFlow.WithWrap(err)
	}
	var f flow
	if err := json.Unmarshal(raw, &f); err != nil {
		return flow{}, errFlow.WithWrap(err)
	}
	if age := p.Now().Sub(f.At); age > flowFor || age < -time.Minute {
		return flow{}, expired{errFlow, f.Query}
	}
	return f, nil
}

// visit sends the browser to one of the provider's own pages with an
// authorization request.
func (p *Provider) visit(w http.ResponseWriter, r *http.Request, endpoint string, f flow) {
	p.carry(w, r, endpoint, authorizePurpose, f)
}

func (p *Provider) carry(w http.ResponseWriter, r *http.Request, endpoint, purpose string, f flow) {
	sealed, err := p.sealFlow(purpose, f)
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", p.URL(endpoint)+"?"+url.Values{"flow": {sealed}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}
