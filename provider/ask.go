package provider

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/provider/local"
)

// ask is a validated authorization request.
type ask struct {
	fosite.AuthorizeRequester
	client *client
	state  string
	sent   bool // the request named its redirect URI
	prompt []string
	flow   flow
	// consentAt is when the consent was given that lets the request pass; zero
	// if it needs none.
	consentAt time.Time
}

// readAsk parses and checks an authorization request. The ask is not nil, and
// its redirect URI set, where the error may go to the client.
func (p *Provider) readAsk(w http.ResponseWriter, r *http.Request) (*ask, error) {
	if err := strictForm(w, r); err != nil {
		return nil, err
	}
	return p.parseAsk(r, flow{Query: r.Form.Encode(), At: p.Now()})
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
			"The app sent a redirect URI that is not registered for it.")
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
		return fosite.ErrInvalidRequest.WithDescription("This app is not registered here.").WithWrap(err)
	}
	return err
}

// check holds the request to what this server demands beyond fosite.
func (a *ask) check() error {
	form := a.GetRequestForm()
	if form.Get("response_type") != "code" { // fosite reads it in any letters
		return fosite.ErrUnsupportedResponseType
	}
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
		if _, err := strconv.ParseUint(age, 10, 63); err != nil {
			return fosite.ErrInvalidRequest.WithHint("max_age is a number of seconds.")
		}
	}
	if err := target(a, a.client); err != nil {
		return err
	}
	if len(form.Get("claims")) > maxClaims {
		return fosite.ErrInvalidRequest.WithHintf("The claims parameter is longer than %d bytes.", maxClaims)
	}
	if claims := form.Get("claims"); claims != "" && json.Unmarshal([]byte(claims), &map[string]json.RawMessage{}) != nil {
		return fosite.ErrInvalidRequest.WithHint("The claims parameter is no JSON object.")
	}
	return nil
}

// maxClaims bounds a claims parameter, in bytes: a grant remembers it.
const maxClaims = 4 << 10

// isChallenge reports whether s is a SHA-256 in base64url (RFC 7636 §4.2).
func isChallenge(s string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(sum) == 32
}

// permitted returns a claims request without what the client's scopes, as it
// was registered, do not let it have. It gets no error for those (OIDC Core
// §5.5.1), and no claim either.
func permitted(request json.RawMessage, scopes []string) json.RawMessage {
	kept := map[string]map[string]json.RawMessage{}
	for _, place := range []string{"id_token", "userinfo"} {
		var claims map[string]json.RawMessage
		_ = json.Unmarshal(section(request, place), &claims) // what does not parse asks for nothing
		for name := range claims {
			if scope := local.ScopeOf(name); scope != "" && !slices.Contains(scopes, scope) {
				delete(claims, name)
			}
		}
		if len(claims) > 0 {
			kept[place] = claims
		}
	}
	raw, _ := json.Marshal(kept) // it came from JSON
	return raw
}

// wanted returns what the subject must agree to: the scopes, and those that
// the claims parameter amounts to (OIDC Core §5.5), so that no client gets by
// one way what it was not given by the other.
func (a *ask) wanted() []string {
	wanted := slices.Clone(a.GetRequestedScopes())
	request := permitted(json.RawMessage(a.GetRequestForm().Get("claims")), a.client.GetScopes())
	for _, place := range []string{"id_token", "userinfo"} {
		var claims map[string]json.RawMessage
		_ = json.Unmarshal(section(request, place), &claims) // what is not there asks for nothing
		for claim := range claims {
			if scope := local.ScopeOf(claim); scope != "" && !slices.Contains(wanted, scope) {
				wanted = append(wanted, scope)
			}
		}
	}
	return wanted
}

// about reports whether the subject is one that the claims parameter lets the
// ID token be about (OIDC Core §5.5.1).
func (a *ask) about(subject string) bool {
	var asked struct {
		Subject struct {
			Value  string   `json:"value"`
			Values []string `json:"values"`
		} `json:"sub"`
	}
	request := json.RawMessage(a.GetRequestForm().Get("claims"))
	_ = json.Unmarshal(section(request, "id_token"), &asked) // what does not parse asks for nobody
	one, some := asked.Subject.Value, asked.Subject.Values
	return (one == "" || one == subject) && (len(some) == 0 || slices.Contains(some, subject))
}

func (a *ask) prompts(value string) bool { return slices.Contains(a.prompt, value) }

// redirectURI returns where the answer goes, in the bytes that a redemption
// must repeat.
func (a *ask) redirectURI() string {
	if a.sent {
		return a.GetRequestForm().Get("redirect_uri")
	}
	return a.client.RedirectURIs[0] // fosite has seen that it is the only one
}
