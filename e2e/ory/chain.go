package ory

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Redirect is where every client of these tests lives.
const Redirect = "http://127.0.0.1:3999/cb"

// NewClient registers a client at Hydra and returns its ID and secret, which a
// public one has not.
func (s *Stack) NewClient(public bool) (id, secret string, err error) {
	what := map[string]any{
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
		"scope": "openid offline_access", "redirect_uris": []string{Redirect},
		"token_endpoint_auth_method": "none", "metadata": map[string]any{"first_party": true},
	}
	if !public {
		what["token_endpoint_auth_method"] = "client_secret_basic"
	}
	a, err := s.Admin(http.MethodPost, "/admin/clients", what)
	return a.Text("client_id"), a.Text("client_secret"), err
}

// Admin calls Hydra's admin API.
func (s *Stack) Admin(method, path string, what any) (Answer, error) {
	p := &Person{http: http.DefaultClient}
	a, err := p.json(method, "http://"+s.HydraAdmin+path, what)
	if err == nil && a.Status >= 400 {
		err = fmt.Errorf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a, err
}

// Chain is a client's access for a person.
type Chain struct {
	Person                       *Person
	ClientID, Secret             string
	Code, Verifier, Access, Held string
	Device                       string // as the access token says
}

// ask starts an authorization request and returns where Hydra sends the
// browser.
func (p *Person) ask(c *Chain) (string, error) {
	c.Verifier = rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(c.Verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {c.ClientID}, "redirect_uri": {Redirect},
		"scope": {"openid offline_access"}, "state": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	return p.location(p.Gateway + "/oauth2/auth?" + query.Encode())
}

// location visits an address and returns where it leads.
func (p *Person) location(address string) (string, error) {
	a, err := p.Do(http.MethodGet, address, http.Header{"Accept": {"text/html"}}, nil)
	if err != nil {
		return "", err
	}
	next := a.Header.Get("Location")
	if a.Status/100 != 3 || next == "" {
		return "", fmt.Errorf("%s leads nowhere: %d %s", address, a.Status, a.Body)
	}
	return next, nil
}

func param(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// Authorize goes through login and consent and redeems the code. Where the
// consent is not the bridge's, it is given through Hydra's admin API with
// that device in the session.
func (p *Person) Authorize(clientID, secret, device string) (*Chain, Answer, error) {
	c := &Chain{Person: p, ClientID: clientID, Secret: secret}
	next, err := p.ask(c)
	if err != nil {
		return c, Answer{}, err
	}
	return p.onward(c, next, device)
}

// onward goes on with a sign-in from there and redeems the code.
func (p *Person) onward(c *Chain, next, device string) (*Chain, Answer, error) {
	var err error
	for hop := 0; err == nil && !strings.HasPrefix(next, Redirect); hop++ {
		switch {
		case hop > 12:
			err = fmt.Errorf("the sign-in goes in circles at %s", next)
		case strings.Contains(next, "/self-service/login/browser"):
			next, err = p.kratosLogin(next)
		case param(next, "consent_challenge") != "" && strings.HasPrefix(next, NoConsent):
			next, err = p.Stack.consent(param(next, "consent_challenge"), device)
		case strings.HasPrefix(next, NoLogin):
			next, err = p.Stack.login(param(next, "login_challenge"), p.Subject)
		default:
			next, err = p.location(next)
		}
	}
	if err != nil {
		return c, Answer{}, err
	}
	if c.Code = param(next, "code"); c.Code == "" {
		return c, Answer{}, fmt.Errorf("no code came back: %s", next)
	}
	a, err := c.Redeem()
	return c, a, err
}

// Visit visits an address and returns where it leads, "" where it does not.
func (p *Person) Visit(address string) (string, error) {
	a, err := p.Do(http.MethodGet, address, http.Header{"Accept": {"text/html"}}, nil)
	return a.Header.Get("Location"), err
}

// Begin begins a sign-in, and returns where its login is.
func (p *Person) Begin(clientID string) (*Chain, string, error) {
	c := &Chain{Person: p, ClientID: clientID}
	next, err := p.ask(c)
	return c, next, err
}

// Resume goes on with a sign-in that was begun.
func (p *Person) Resume(c *Chain, login string) (*Chain, Answer, error) {
	return p.onward(c, login, "")
}

// ConsentOf goes through a sign-in as far as the consent, and returns where
// that is.
func (p *Person) ConsentOf(clientID string) (string, error) {
	next, err := p.ask(&Chain{Person: p, ClientID: clientID})
	for hop := 0; err == nil && param(next, "consent_challenge") == ""; hop++ {
		switch {
		case hop > 12:
			err = fmt.Errorf("the sign-in goes in circles at %s", next)
		case strings.Contains(next, "/self-service/login/browser"):
			next, err = p.kratosLogin(next)
		default:
			next, err = p.location(next)
		}
	}
	return next, err
}

// Where Hydra sends the browser where nobody is: login and consent are then
// given through its admin API.
const (
	NoLogin   = "http://127.0.0.1:3998/login"
	NoConsent = "http://127.0.0.1:3998/consent"
)

// kratosLogin goes through Kratos' login for Hydra's challenge.
func (p *Person) kratosLogin(next string) (string, error) {
	to, err := p.location(next)
	id := param(to, "flow")
	if err != nil || id == "" {
		return to, err // signed in already
	}
	var f flow
	a, err := p.json(http.MethodGet, "http://"+p.Stack.KratosPublic+"/self-service/login/flows?id="+id, nil)
	if err == nil {
		err = json.Unmarshal(a.Body, &f)
	}
	if err != nil {
		return "", fmt.Errorf("read the login: %w", err)
	}
	if a, err = p.submitLogin(f); err != nil {
		return "", err
	}
	if to := a.Text("redirect_browser_to"); to != "" {
		return to, nil
	}
	return "", fmt.Errorf("sign in at Kratos: %d %s", a.Status, a.Body)
}

// consent is an existing consent application in one call.
func (s *Stack) consent(challenge, device string) (string, error) {
	session := map[string]any{}
	if device != "" {
		session["access_token"] = map[string]any{"device_id": device}
	}
	a, err := s.Admin(http.MethodPut, "/admin/oauth2/auth/requests/consent/accept?consent_challenge="+url.QueryEscape(challenge),
		map[string]any{"grant_scope": []string{"openid", "offline_access"}, "session": session})
	return a.Text("redirect_to"), err
}

// login is an existing login application in one call.
func (s *Stack) login(challenge, subject string) (string, error) {
	a, err := s.Admin(http.MethodPut, "/admin/oauth2/auth/requests/login/accept?login_challenge="+url.QueryEscape(challenge),
		map[string]any{"subject": subject, "remember": true, "remember_for": 3600})
	return a.Text("redirect_to"), err
}

// Redeem exchanges the code.
func (c *Chain) Redeem() (Answer, error) {
	return c.Token(url.Values{
		"grant_type": {"authorization_code"}, "code": {c.Code}, "code_verifier": {c.Verifier}, "redirect_uri": {Redirect},
	})
}

// Refresh presents the refresh token that the chain holds.
func (c *Chain) Refresh() (Answer, error) {
	return c.Token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.Held}})
}

// Stolen is the chain in somebody else's hands.
func (c *Chain) Stolen(thief *Person) *Chain {
	stolen := *c
	stolen.Person = thief
	return &stolen
}

// Token posts to the token endpoint. A good answer becomes the chain's.
func (c *Chain) Token(form url.Values) (Answer, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if c.Secret == "" {
		form.Set("client_id", c.ClientID)
	} else {
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.Secret))
	}
	a, err := c.Person.Do(http.MethodPost, c.Person.Gateway+"/oauth2/token", header, []byte(form.Encode()))
	if err == nil && a.Status == http.StatusOK {
		c.Access, c.Held = a.Text("access_token"), a.Text("refresh_token")
	}
	return a, err
}

// Introspect asks Hydra about a token.
func (s *Stack) Introspect(token string) (map[string]any, error) {
	p := &Person{http: http.DefaultClient}
	a, err := p.Do(http.MethodPost, "http://"+s.HydraAdmin+"/admin/oauth2/introspect",
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(url.Values{"token": {token}}.Encode()))
	if err != nil {
		return nil, err
	}
	var said map[string]any
	return said, json.Unmarshal(a.Body, &said)
}
