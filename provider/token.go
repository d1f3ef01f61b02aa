package provider

import (
	"context"
	"net/http"
	"slices"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
)

// token is POST /oauth2/token (RFC 6749 §3.2). It orders the steps and
// decides nothing.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	// 1. Is it a token request at all?
	if err := p.posted(w, r); err != nil {
		p.fail(w, r, err)
		return
	}
	if grant := r.PostForm.Get("grant_type"); !slices.Contains([]string{"", grantCode, grantRefresh, grantCredentials}, grant) {
		p.fail(w, r, fosite.ErrUnsupportedGrantType)
		return
	}
	// 2. Which key is shown?
	shown, err := p.proof(r, "/oauth2/token", "")
	if err != nil {
		p.fail(w, r, err)
		return
	}
	seen := devices.Sighting{Proof: devices.Proof{KeyThumbprint: shown.Thumbprint}}
	// 3. Is the client who it says, and the grant genuine? Rotates nothing.
	request, err := p.oauth2.NewAccessRequest(context.WithValue(r.Context(), sightingKey{}, seen), r, &pending{})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	// 4. Who shows it? What costs a row or a parse is not for strangers.
	if err := p.once(r.Context(), shown); err != nil {
		p.fail(w, r, err)
		return
	}
	seen = p.Observer.Observe(r, devices.EntranceProvider)
	seen.Proof.KeyThumbprint = shown.Thumbprint
	// 5. Judge, write, and mint from the row.
	answer, err := p.oauth2.NewAccessResponse(context.WithValue(r.Context(), sightingKey{}, seen), request)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer.ToMap())
}

// posted lets a well-formed POST pass, with its form parsed.
func (p *Provider) posted(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return errMethod
	}
	if err := strictForm(w, r); err != nil {
		return err
	}
	if len(r.Header.Values("Authorization")) > 1 {
		return fosite.ErrInvalidRequest.WithHint("The request has two Authorization headers.")
	}
	if len(r.URL.RawQuery) > 0 {
		// Credentials and tokens in an address end in logs (RFC 6749 §2.3.1).
		return fosite.ErrInvalidRequest.WithHint("Send the parameters in the body.")
	}
	return nil
}

var errMethod = &fosite.RFC6749Error{
	ErrorField: "invalid_request", CodeField: http.StatusMethodNotAllowed,
	DescriptionField: "Use POST.",
}

// sightingKey finds the sighting of a request in the context that fosite
// hands to its handlers. Until the request is known to be genuine it holds no
// more than the key.
type sightingKey struct{}

func sightingOf(ctx context.Context) devices.Sighting {
	s, _ := ctx.Value(sightingKey{}).(devices.Sighting)
	return s
}
