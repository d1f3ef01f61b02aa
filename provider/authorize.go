package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/provider/tokens"
)

// The grant types, the scopes that mean something to the server, and the ways
// in which clients authenticate.
const (
	grantCode        = "authorization_code"
	grantRefresh     = "refresh_token"
	grantCredentials = "client_credentials"

	scopeOpenID  = "openid"
	scopeOffline = "offline_access"

	methodNone      = "none"
	methodBasic     = "client_secret_basic"
	methodPost      = "client_secret_post"
	methodAssertion = "private_key_jwt"
)

// authorize is GET and POST /oauth2/auth (RFC 6749 §4.1.1, OIDC Core §3.1.2).
// A request whose client or redirect URI is wrong gets a page; what is wrong
// after that goes to the client.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	observe.AskForHints(w.Header())
	a, err := p.readAsk(w, r)
	switch {
	case err != nil:
		p.failAsk(w, r, a, err)
	case r.Method == http.MethodPost:
		// Browsers keep the cookies back where another site posts. They send
		// them where that leads.
		p.visit(w, r, resumeEndpoint, a.flow)
	default:
		p.decide(w, r, a)
	}
}

// resumeEndpoint is where a request goes on after sign-in and consent.
const resumeEndpoint = "/oauth2/auth/resume"

// justSignedIn marks the step after a sign-in.
const justSignedIn = "signed_in"

// resume is GET /oauth2/auth/resume.
func (p *Provider) resume(w http.ResponseWriter, r *http.Request) {
	observe.AskForHints(w.Header())
	if err := strictForm(w, r); err != nil {
		p.failPage(w, r, err)
		return
	}
	a, err := p.flowAsk(r, r.Form.Get("flow"))
	if err != nil {
		p.failAsk(w, r, a, err)
		return
	}
	if r.Form.Get(justSignedIn) != "" && len(r.CookiesNamed(p.cookieName())) == 0 {
		p.failCookies(w, r)
		return
	}
	p.decide(w, r, a)
}

// decide answers an authorization request, or sends the browser to the page
// that must come first.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request, a *ask) {
	// 1. Who is here?
	in, err := p.signIn(r)
	if err != nil {
		p.failAsk(w, r, a, err)
		return
	}
	if must, err := p.mustSignIn(r, a, in); err != nil {
		p.failAsk(w, r, a, err)
		return
	} else if must {
		p.visit(w, r, "/login", a.flow)
		return
	}
	// 2. Did they let the client have it?
	if must, err := p.mustConsent(r, a, in); err != nil {
		p.failAsk(w, r, a, err)
		return
	} else if must {
		p.visit(w, r, "/consent", a.flow)
		return
	}
	// 3. The code.
	code, err := p.saveCode(r, a, in)
	if errors.Is(err, devices.ErrOutdated) { // the sign-in or the consent has ended meanwhile
		p.visit(w, r, resumeEndpoint, a.flow)
		return
	}
	if err != nil {
		p.failAsk(w, r, a, err)
		return
	}
	p.redirectWith(w, a.GetRedirectURI(), a.state, url.Values{"code": {code}})
}

// mustSignIn reports whether the subject must prove who they are before this
// request goes on (OIDC Core §3.1.2.3).
func (p *Provider) mustSignIn(r *http.Request, a *ask, in *oauth.SignIn) (bool, error) {
	need := in == nil
	if in != nil {
		since := in.AuthTime.Before(a.flow.At)
		need = since && (a.prompts("login") || a.prompts("select_account") || tooOld(a, in, a.flow.At))
	}
	if !need {
		others, err := p.meansOthers(r.Context(), a, in)
		switch {
		case err != nil:
			return false, err
		case others && !in.AuthTime.Before(a.flow.At):
			// Asked once, and it was somebody else again.
			return false, fosite.ErrLoginRequired
		}
		need = others
	}
	if need && a.prompts("none") {
		return false, fosite.ErrLoginRequired
	}
	return need, nil
}

// meansOthers reports whether the request is about another subject than the
// one who is signed in, by its hint or by the claims that it asks for.
func (p *Provider) meansOthers(ctx context.Context, a *ask, in *oauth.SignIn) (bool, error) {
	if hint := a.GetRequestForm().Get("id_token_hint"); hint != "" {
		claims, err := p.hinted(ctx, hint)
		switch {
		case errors.Is(err, errHint):
			return false, fosite.ErrInvalidRequest.WithHint("The id_token_hint was not issued here.").WithWrap(err)
		case err != nil:
			return false, err
		case claims.Subject != in.Subject:
			return true, nil
		}
	}
	return !a.about(in.Subject), nil
}

// tooOld reports whether max_age was over when the request came in. An
// authentication made for this very request is never too old.
func tooOld(a *ask, in *oauth.SignIn, at time.Time) bool {
	raw := a.GetRequestForm().Get("max_age")
	seconds, err := strconv.ParseInt(raw, 10, 64)
	const ages = 1 << 32 // seconds, that a Duration can hold
	return err == nil && at.Sub(in.AuthTime) > time.Duration(min(seconds, ages))*time.Second
}

// mustConsent reports whether the subject must be asked. First-party clients
// are the operator's own; for all others offline access is asked for like any
// scope (OIDC Core §11).
func (p *Provider) mustConsent(r *http.Request, a *ask, in *oauth.SignIn) (bool, error) {
	need := !a.client.SkipConsent || a.prompts("consent")
	if need {
		given, err := p.Storage.Consents.Consent(r.Context(), in.Subject, a.client.ID)
		switch {
		case errors.Is(err, devices.ErrNotFound):
		case err != nil:
			return false, trouble{err}
		default:
			need = !covers(given.Scopes, a.wanted()) ||
				a.prompts("consent") && given.At.Before(a.flow.At)
			a.consentAt = given.At
		}
	}
	if need && a.prompts("none") {
		return false, fosite.ErrConsentRequired
	}
	return need, nil
}

func covers(given, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(scope string) bool { return !slices.Contains(given, scope) })
}

func (p *Provider) saveCode(r *http.Request, a *ask, in *oauth.SignIn) (string, error) {
	now := p.Now()
	form := a.GetRequestForm()
	code, hash := tokens.NewCode()
	record := oauth.Code{
		Hash: hash, GrantID: p.NewID(), ClientID: a.client.ID,
		Subject: in.Subject, DeviceID: in.DeviceID, SID: in.ID,
		RedirectURI: a.redirectURI(), RedirectSent: a.sent,
		Scopes: a.GetRequestedScopes(), Audience: a.GetRequestedAudience(),
		Challenge: form.Get("code_challenge"), Nonce: form.Get("nonce"),
		KeyThumb: form.Get("dpop_jkt"), AuthTime: in.AuthTime, ACR: in.ACR, AMR: in.AMR,
		CreatedAt: now, ExpiresAt: now.Add(p.Lifetimes.Code), ConsentAt: a.consentAt,
	}
	if claims := form.Get("claims"); claims != "" {
		record.Claims = permitted(json.RawMessage(claims), a.client.GetScopes())
	}
	err := p.Storage.Codes.SaveCode(r.Context(), record)
	if err != nil && !errors.Is(err, devices.ErrOutdated) {
		err = trouble{err}
	}
	return code, err
}

// failAsk answers a bad request: to the client where its redirect URI is
// good, else with a page. The server's own trouble is a page too: the client
// could do nothing about it.
func (p *Provider) failAsk(w http.ResponseWriter, r *http.Request, a *ask, err error) {
	e := oauthError(err)
	if a == nil || a.AuthorizeRequester == nil || e.CodeField >= 500 {
		p.failPage(w, r, err)
		return
	}
	p.redirectWith(w, a.GetRedirectURI(), a.state, url.Values{
		"error": {e.ErrorField}, "error_description": {printable(e.GetDescription())},
	})
}
