package provider

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"
)

// flow is an authorization request on its way through sign-in and consent. It
// travels sealed in the address of the pages, so that nothing is stored for a
// stranger.
type flow struct {
	Query string    `json:"q"` // the request, encoded
	At    time.Time `json:"t"` // when it came in
}

// flowFor is how long a flow may take.
const flowFor = 30 * time.Minute

const flowPurpose = "authorize flow"

func (p *Provider) sealFlow(f flow) (string, error) {
	raw, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return p.Sealer.Seal(flowPurpose, raw, nil)
}

var errFlow = fosite.ErrInvalidRequest.WithDescription(
	"This sign-in has expired or its address is incomplete. Go back to the application and start again.")

// expired is an errFlow of a request that can be made anew.
type expired struct {
	error
	query string
}

func (e expired) Unwrap() error { return e.error }

func (p *Provider) openFlow(sealed string) (flow, error) {
	raw, err := p.Sealer.Open(flowPurpose, sealed, nil)
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

// visit sends the browser to one of the provider's own pages with a flow.
func (p *Provider) visit(w http.ResponseWriter, r *http.Request, endpoint string, f flow) {
	sealed, err := p.sealFlow(f)
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
