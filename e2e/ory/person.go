package ory

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Answer is an answer to a client.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Text returns a field of the answer's JSON.
func (a Answer) Text(name string) string {
	var body map[string]any
	_ = json.Unmarshal(a.Body, &body) // a page has none
	text, _ := body[name].(string)
	return text
}

// Person is somebody with a browser, and with clients that look as it does.
type Person struct {
	Stack   *Stack
	Gateway string // where Hydra is reached
	Looks   http.Header
	Email   string
	// Subject is the identity at Kratos, once registered.
	Subject string

	http *http.Client
}

// Password is everybody's.
const Password = "Tr0ub4dor-and-3-x"

// NewPerson returns somebody whom nobody knows.
func (s *Stack) NewPerson(gateway string, looks http.Header) *Person {
	jar, _ := cookiejar.New(nil) // fails only with options
	return &Person{
		Stack: s, Gateway: gateway, Looks: looks, Email: strings.ToLower(rand.Text()) + "@example.com",
		http: &http.Client{
			Jar: jar, Timeout: 30 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 8},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Elsewhere is the same person with another browser.
func (p *Person) Elsewhere(looks http.Header) *Person {
	other := p.Stack.NewPerson(p.Gateway, looks)
	other.Email, other.Subject = p.Email, p.Subject
	return other
}

// Forget empties the cookie jar.
func (p *Person) Forget() { p.http.Jar, _ = cookiejar.New(nil) }

// Cookie returns the value of a cookie that would be sent there, or "".
func (p *Person) Cookie(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	for _, c := range p.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Do sends a request with the person's looks.
func (p *Person) Do(method, address string, header http.Header, body []byte) (Answer, error) {
	r, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for _, h := range []http.Header{p.Looks, header} {
		for name, values := range h {
			r.Header[name] = values
		}
	}
	answer, err := p.http.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return Answer{answer.StatusCode, answer.Header, text}, err
}

func (p *Person) json(method, address string, what any) (Answer, error) {
	var body []byte
	if what != nil {
		var err error
		if body, err = json.Marshal(what); err != nil {
			return Answer{}, err
		}
	}
	return p.Do(method, address, http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}, body)
}

// flow is what Kratos says of a self-service flow.
type flow struct {
	ID string
	UI struct {
		Action string
		Nodes  []struct{ Attributes struct{ Name, Value any } }
	}
}

func (p *Person) flow(kind, query string) (flow, error) {
	var f flow
	a, err := p.json(http.MethodGet, "http://"+p.Stack.KratosPublic+"/self-service/"+kind+query, nil)
	if err == nil {
		err = json.Unmarshal(a.Body, &f)
	}
	if err != nil || f.ID == "" {
		return f, fmt.Errorf("start %s: %d %s: %w", kind, a.Status, a.Body, errors.Join(err, errors.New("no flow")))
	}
	return f, nil
}

func (f flow) csrf() any {
	for _, n := range f.UI.Nodes {
		if n.Attributes.Name == "csrf_token" {
			return n.Attributes.Value
		}
	}
	return ""
}

// Register registers the person in the browser.
func (p *Person) Register() error {
	f, err := p.flow("registration/browser", "")
	if err != nil {
		return err
	}
	a, err := p.json(http.MethodPost, f.UI.Action, map[string]any{
		"method": "password", "password": Password, "traits": map[string]any{"email": p.Email}, "csrf_token": f.csrf(),
	})
	var told struct{ Identity struct{ ID string } }
	if err == nil {
		err = json.Unmarshal(a.Body, &told)
	}
	if p.Subject = told.Identity.ID; err != nil || p.Subject == "" {
		return fmt.Errorf("register: %d %s: %w", a.Status, a.Body, errors.Join(err, errors.New("no identity")))
	}
	return nil
}

// SignIn signs in at Kratos in the browser and returns Kratos' answer.
func (p *Person) SignIn(query string) (Answer, error) {
	f, err := p.flow("login/browser", query)
	if err != nil {
		return Answer{}, err
	}
	return p.submitLogin(f)
}

func (p *Person) submitLogin(f flow) (Answer, error) {
	return p.json(http.MethodPost, f.UI.Action, map[string]any{
		"method": "password", "password": Password, "identifier": p.Email, "csrf_token": f.csrf(),
	})
}

// AppSignIn signs in at Kratos as a native app does, with what it says of its
// device.
func (p *Person) AppSignIn(device map[string]any) (Answer, error) {
	f, err := p.flow("login/api", "")
	if err != nil {
		return Answer{}, err
	}
	return p.json(http.MethodPost, f.UI.Action, map[string]any{
		"method": "password", "password": Password, "identifier": p.Email,
		"transient_payload": map[string]any{"device": device},
	})
}

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

// SetCookie puts a cookie into the jar.
func (p *Person) SetCookie(address, name, value string) {
	if u, err := url.Parse(address); err == nil {
		p.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
	}
}

// ChangePassword changes the password of who is signed in.
func (p *Person) ChangePassword(to string) error {
	f, err := p.flow("settings/browser", "")
	if err != nil {
		return err
	}
	a, err := p.json(http.MethodPost, f.UI.Action, map[string]any{
		"method": "password", "password": to, "csrf_token": f.csrf(),
	})
	if err != nil || a.Status != http.StatusOK {
		return fmt.Errorf("change the password: %d %s: %w", a.Status, a.Body, err)
	}
	return nil
}
