package ory

import (
	"bytes"
	"cmp"
	"crypto/rand"
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
	// Secret is the password where it was changed; empty is Password.
	Secret string

	http *http.Client
}

// Password is everybody's at first.
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

// post sends a form as a page does.
func (p *Person) post(address string, fields map[string]string) (Answer, error) {
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"}}
	return p.Do(http.MethodPost, address, header, []byte(form.Encode()))
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
		"method": "password", "password": cmp.Or(p.Secret, Password), "identifier": p.Email, "csrf_token": f.csrf(),
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

// SetCookie puts a cookie into the jar.
func (p *Person) SetCookie(address, name, value string) {
	if u, err := url.Parse(address); err == nil {
		p.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
	}
}

// ChangePassword changes the password of who is signed in. The query, such as
// "&revoke=others", goes behind the form's address.
func (p *Person) ChangePassword(to, query string) error {
	f, err := p.flow("settings/browser", "")
	if err != nil {
		return err
	}
	a, err := p.json(http.MethodPost, f.UI.Action+query, map[string]any{
		"method": "password", "password": to, "csrf_token": f.csrf(),
	})
	if err != nil || a.Status != http.StatusOK {
		return fmt.Errorf("change the password: %d %s: %w", a.Status, a.Body, err)
	}
	return nil
}
