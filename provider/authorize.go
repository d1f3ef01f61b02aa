package provider

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// ask is a validated authorization request.
type ask struct {
	fosite.AuthorizeRequester
	client *client
	state  string
	sent   bool // the request named its redirect URI
	prompt []string
	flow   flow
}

// authorize is GET and POST /oauth2/auth (RFC 6749 §4.1.1, OIDC Core §3.1.2).
// A request whose client or redirect URI is wrong gets a page; what is wrong
// after that goes to the client.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	observe.AskForHints(w.Header())
	// 1. What is asked, and by whom?
	a, err := p.readAsk(w, r)
	if err != nil {
		p.failAsk(w, r, a, err)
		return
	}
	// 2. Who is here?
	sighting := p.Observer.Observe(r, devices.EntranceProvider)
	in, err := p.signIn(r, sighting)
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
	// 3. Did they let the client have it?
	if must, err := p.mustConsent(r, a, in); err != nil {
		p.failAsk(w, r, a, err)
		return
	} else if must {
		p.visit(w, r, "/consent", a.flow)
		return
	}
	// 4. The code.
	code, err := p.saveCode(r, a, in)
	if err != nil {
		p.failAsk(w, r, a, err)
		return
	}
	p.redirectWith(w, a.GetRedirectURI(), a.state, url.Values{"code": {code}})
}

// readAsk parses and checks an authorization request. The ask is not nil, and
// its redirect URI set, where the error may go to the client.
func (p *Provider) readAsk(w http.ResponseWriter, r *http.Request) (*ask, error) {
	if err := strictForm(w, r); err != nil {
		return nil, err
	}
	f := flow{Query: r.Form.Encode(), At: p.Now()}
	if sealed := r.Form.Get("flow"); sealed != "" {
		opened, err := p.openFlow(sealed)
		if err != nil {
			return nil, err
		}
		if r.Form, err = url.ParseQuery(opened.Query); err != nil {
			return nil, errFlow.WithWrap(err)
		}
		f = opened
	}
	return p.parseAsk(r, f)
}

func (p *Provider) parseAsk(r *http.Request, f flow) (*ask, error) {
	form := r.Form
	found, err := p.GetClient(r.Context(), form.Get("client_id"))
	if err != nil {
		return nil, wrapUnknownClient(err)
	}
	c := found.(*client)
	raw := form.Get("redirect_uri")
	if raw != "" && !matchRedirect(raw, c.RedirectURIs) {
		return nil, fosite.ErrInvalidRequest.WithDescription(
			"The application sent a redirect URI that is not registered for it.")
	}
	a := &ask{client: c, state: form.Get("state"), sent: raw != "", flow: f}
	objects := form.Get("request") != ""
	fetched := form.Get("request_uri") != ""
	form.Del("request")
	form.Del("request_uri")
	// fosite demands eight characters of state; RFC 9700 §2.1 lets PKCE do
	// its work. The client's own goes back to it.
	form.Set("state", "a-state-that-fosite-likes")
	a.AuthorizeRequester, err = p.oauth2.NewAuthorizeRequest(r.Context(), r)
	switch {
	case a.AuthorizeRequester.GetRedirectURI() == nil || !a.IsRedirectURIValid():
		if err == nil {
			err = fosite.ErrInvalidRequest
		}
		return nil, err
	case err != nil:
		return a, err
	case objects:
		return a, fosite.ErrRequestNotSupported
	case fetched:
		return a, fosite.ErrRequestURINotSupported
	}
	return a, a.check()
}

func wrapUnknownClient(err error) error {
	if errors.Is(err, fosite.ErrNotFound) {
		return fosite.ErrInvalidRequest.WithDescription("The application is not registered here.").WithWrap(err)
	}
	return err
}

// check holds the request to what this server demands beyond fosite.
func (a *ask) check() error {
	form := a.GetRequestForm()
	if !slices.Contains(a.client.GrantTypes, grantCode) {
		return fosite.ErrUnauthorizedClient.WithHint("The client is not registered for the authorization code grant.")
	}
	if form.Get("code_challenge_method") != "S256" || !isChallenge(form.Get("code_challenge")) {
		return fosite.ErrInvalidRequest.WithHint(
			"Send a PKCE code_challenge with code_challenge_method=S256 (RFC 7636).")
	}
	if a.GetRequestedScopes().Has(scopeOffline) && !slices.Contains(a.client.GrantTypes, grantRefresh) {
		return fosite.ErrInvalidScope.WithHint("The client is not registered for the refresh_token grant.")
	}
	if thumb := form.Get("dpop_jkt"); thumb != "" && !isChallenge(thumb) {
		return fosite.ErrInvalidRequest.WithHint("dpop_jkt is a SHA-256 in base64url (RFC 9449 §10).")
	}
	a.prompt = strings.Fields(form.Get("prompt"))
	for _, value := range a.prompt {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, value) {
			return fosite.ErrInvalidRequest.WithHint("The prompt has an unknown value.")
		}
	}
	if slices.Contains(a.prompt, "none") && len(a.prompt) > 1 {
		return fosite.ErrInvalidRequest.WithHint("The prompt none goes with no other.")
	}
	if age := form.Get("max_age"); age != "" {
		if n, err := strconv.Atoi(age); err != nil || n < 0 {
			return fosite.ErrInvalidRequest.WithHint("max_age is a number of seconds.")
		}
	}
	if claims := form.Get("claims"); claims != "" && !json.Valid([]byte(claims)) {
		return fosite.ErrInvalidRequest.WithHint("The claims parameter is no JSON.")
	}
	return nil
}

// isChallenge reports whether s is a SHA-256 in base64url (RFC 7636 §4.2).
func isChallenge(s string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(sum) == 32
}

func (a *ask) prompts(value string) bool { return slices.Contains(a.prompt, value) }

// mustSignIn reports whether the subject must prove who they are before this
// request goes on (OIDC Core §3.1.2.3).
func (p *Provider) mustSignIn(r *http.Request, a *ask, in *oauth.SignIn) (bool, error) {
	need := in == nil
	if in != nil {
		since := in.AuthTime.Before(a.flow.At)
		need = since && (a.prompts("login") || a.prompts("select_account") || tooOld(a, in, a.flow.At))
	}
	if hint := a.GetRequestForm().Get("id_token_hint"); hint != "" && !need {
		claims, err := p.hinted(r.Context(), hint)
		switch {
		case err != nil && !errors.Is(err, errHint):
			return false, err
		case err != nil:
			return false, fosite.ErrInvalidRequest.WithHint("The id_token_hint was not issued here.").WithWrap(err)
		}
		need = claims.Subject != in.Subject
	}
	if need && a.prompts("none") {
		return false, fosite.ErrLoginRequired
	}
	return need, nil
}

// tooOld reports whether max_age was over when the request came in. An
// authentication made for this very request is never too old.
func tooOld(a *ask, in *oauth.SignIn, at time.Time) bool {
	raw := a.GetRequestForm().Get("max_age")
	seconds, err := strconv.Atoi(raw)
	return raw != "" && err == nil && at.Sub(in.AuthTime) > time.Duration(seconds)*time.Second
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
			need = !covers(given.Scopes, a.GetRequestedScopes()) ||
				a.prompts("consent") && given.At.Before(a.flow.At)
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
		RedirectURI: form.Get("redirect_uri"), RedirectSent: a.sent,
		Scopes: a.GetRequestedScopes(), Audience: a.GetRequestedAudience(),
		Challenge: form.Get("code_challenge"), Nonce: form.Get("nonce"),
		KeyThumb: form.Get("dpop_jkt"), AuthTime: in.AuthTime, ACR: in.ACR, AMR: in.AMR,
		CreatedAt: now, ExpiresAt: now.Add(p.Lifetimes.Code),
	}
	if claims := form.Get("claims"); claims != "" {
		record.Claims = json.RawMessage(claims)
	}
	if err := p.Storage.Codes.SaveCode(r.Context(), record); err != nil {
		return "", trouble{err}
	}
	return code, nil
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
