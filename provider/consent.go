package provider

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// ConsentPage is the data of the page "consent".
type ConsentPage struct {
	Action, Flow, ClientName, ClientURI, LogoURI, Subject string
	// Shown seals what the page asks, for the sign-in that it asks.
	Shown string
	// SwitchAccount is where somebody else signs in for the same request.
	SwitchAccount string
	Scopes        []string
	LeadsAway     bool   // as in [LoginPage]
	UILocales     string // as the client asks for them
}

// showConsent is GET /consent.
func (p *Provider) showConsent(w http.ResponseWriter, r *http.Request) {
	a, in, err := p.consenting(w, r)
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	if in == nil {
		p.visit(w, r, "/login", a.flow)
		return
	}
	p.askConsent(w, r, a, in)
}

func (p *Provider) askConsent(w http.ResponseWriter, r *http.Request, a *ask, in *oauth.SignIn) {
	shown, err := p.sealFlow(consentPurpose, flow{Query: asked(a), At: p.Now(), SignIn: in.ID})
	if err != nil {
		p.failPage(w, r, err)
		return
	}
	p.Pages.Render(w, r, http.StatusOK, "consent", ConsentPage{
		Action: p.URL("/consent"), Flow: r.Form.Get("flow"), Shown: shown,
		SwitchAccount: p.URL("/login") + "?" + url.Values{"flow": {r.Form.Get("flow")}}.Encode(),
		ClientName:    a.client.label(), ClientURI: a.client.ClientURI, LogoURI: a.client.LogoURI,
		Subject: p.called(r.Context(), in.Subject),
		Scopes:  a.wanted(), LeadsAway: true,
		UILocales: a.GetRequestForm().Get("ui_locales"),
	})
}

// asked is what a consent page asks: which client, what for.
func asked(a *ask) string {
	return url.Values{"client_id": {a.client.ID}, "scope": a.wanted(), "flow": {a.flow.Query}}.Encode()
}

// answers reports whether the form is one that this sign-in was shown for just
// this request. Somebody else may have signed in since, and the client may ask
// for more.
func (p *Provider) answers(r *http.Request, a *ask, in *oauth.SignIn) bool {
	f, err := p.openFlow(consentPurpose, r.PostForm.Get("shown"))
	return err == nil && f.SignIn == in.ID && f.Query == asked(a)
}

func (p *Provider) consenting(w http.ResponseWriter, r *http.Request) (*ask, *oauth.SignIn, error) {
	if err := strictForm(w, r); err != nil {
		return nil, nil, err
	}
	a, err := p.flowAsk(r, r.Form.Get("flow"))
	if err != nil {
		return nil, nil, err
	}
	in, err := p.signIn(r)
	return a, in, err
}

// consent is POST /consent.
func (p *Provider) consent(w http.ResponseWriter, r *http.Request) {
	a, in, err := p.consenting(w, r)
	switch {
	case err != nil:
		p.failPage(w, r, err)
		return
	case in == nil:
		p.visit(w, r, "/login", a.flow)
		return
	case !p.answers(r, a, in):
		p.askConsent(w, r, a, in)
		return
	case r.PostForm.Get("decision") != "allow":
		p.failAsk(w, r, a, fosite.ErrAccessDenied)
		return
	}
	given := oauth.Consent{
		Subject: in.Subject, ClientID: a.client.ID, Scopes: a.wanted(), At: p.Now(),
		By: devices.Credential{SignIn: in.ID},
	}
	switch err := p.Storage.Consents.PutConsent(r.Context(), given); {
	case errors.Is(err, devices.ErrOutdated), errors.Is(err, devices.ErrDisabled):
		p.visit(w, r, "/login", a.flow) // the sign-in has ended meanwhile
		return
	case err != nil:
		p.failPage(w, r, trouble{err})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", p.URL(resumeEndpoint)+"?"+url.Values{"flow": {r.Form.Get("flow")}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}
