// Package whoami asks Ory Kratos' public API in the name of a browser: whose
// session it has, and to end that session. Of the browser's cookies Kratos sees
// its own and no other.
package whoami

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// Cookie is the name of Kratos' session cookie.
const Cookie = "ory_kratos_session"

// maxBody is more than any session, in bytes.
const maxBody = 256 << 10

// Client asks one Kratos.
type Client struct {
	URL  string // Kratos' public URL, as this server reaches it
	HTTP *http.Client
}

// Session is a live session at Kratos.
type Session struct {
	ID       string
	Subject  string // the identity's ID
	Name     string // what the identity is called; may be empty
	AuthTime time.Time
	IssuedAt time.Time
	Clock    time.Time // Kratos' own time when it answered, in seconds; zero: unknown
}

// Whoami returns the session of the browser that a request comes from. The
// error is devices.ErrNotFound where it has none, devices.ErrStepUpRequired
// where Kratos wants a second factor first; any other is trouble.
func (c *Client) Whoami(r *http.Request) (Session, error) {
	cookie, err := own(r)
	if err != nil {
		return Session{}, err
	}
	var said answer
	status, header, err := c.ask(r.Context(), "/sessions/whoami", cookie, &said)
	switch {
	case err != nil:
		return Session{}, fmt.Errorf("ask Kratos whose session it is: %w", err)
	case status == http.StatusUnauthorized:
		return Session{}, devices.ErrNotFound
	case status == http.StatusForbidden:
		return Session{}, devices.ErrStepUpRequired
	case status != http.StatusOK:
		return Session{}, fmt.Errorf("ask Kratos whose session it is: status %d", status)
	case !said.Active || said.ID == "" || said.Identity.ID == "" || said.Identity.State == "inactive":
		return Session{}, devices.ErrNotFound
	}
	clock, _ := http.ParseTime(header.Get("Date")) // zero where it says none
	return Session{
		ID: said.ID, Subject: said.Identity.ID, Name: said.name(), AuthTime: said.AuthenticatedAt, IssuedAt: said.IssuedAt,
		Clock: clock,
	}, nil
}

// Logout ends the session of the browser that a request comes from, as its
// logout link would. Having none is no error.
func (c *Client) Logout(r *http.Request) error {
	cookie, err := own(r)
	if errors.Is(err, devices.ErrNotFound) {
		return nil
	}
	var flow struct {
		Token string `json:"logout_token"`
	}
	status, _, err := c.ask(r.Context(), "/self-service/logout/browser", cookie, &flow)
	if err == nil && status == http.StatusUnauthorized {
		return nil
	}
	if err == nil && status == http.StatusOK {
		status, _, err = c.ask(r.Context(), "/self-service/logout?token="+url.QueryEscape(flow.Token), cookie, nil)
	}
	if err != nil || status >= http.StatusBadRequest {
		return errors.Join(fmt.Errorf("end the session at Kratos: status %d", status), err)
	}
	return nil
}

// own returns Kratos' cookie. Which of several is meant, nobody knows.
func own(r *http.Request) (*http.Cookie, error) {
	cookies := r.CookiesNamed(Cookie)
	if len(cookies) != 1 || cookies[0].Value == "" {
		return nil, devices.ErrNotFound
	}
	return &http.Cookie{Name: Cookie, Value: cookies[0].Value}, nil
}

// ask gets a path with the cookie, and reads the answer into what, if it is a
// good one. It follows nothing: a redirect is an answer.
func (c *Client) ask(ctx context.Context, path string, cookie *http.Cookie, what any) (int, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+path, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.AddCookie(cookie)
	still := *c.HTTP
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a, err := still.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = a.Body.Close() }() // it was read
	if what == nil || a.StatusCode != http.StatusOK {
		return a.StatusCode, a.Header, nil
	}
	return a.StatusCode, a.Header, json.NewDecoder(io.LimitReader(a.Body, maxBody)).Decode(what)
}

// answer is what Kratos says of a session.
type answer struct {
	ID              string    `json:"id"`
	Active          bool      `json:"active"`
	AuthenticatedAt time.Time `json:"authenticated_at"`
	IssuedAt        time.Time `json:"issued_at"`
	Identity        struct {
		ID        string                     `json:"id"`
		State     string                     `json:"state"`
		Traits    map[string]json.RawMessage `json:"traits"`
		Addresses []struct {
			Value string `json:"value"`
		} `json:"verifiable_addresses"`
	} `json:"identity"`
}

// name returns what the identity is called. What traits there are is up to the
// operator; a name is commonly a text, or has a first and a last part.
func (a answer) name() string {
	var whole string
	var parts struct{ First, Last string }
	raw := a.Identity.Traits["name"]
	if json.Unmarshal(raw, &whole) == nil && whole != "" {
		return whole
	}
	if json.Unmarshal(raw, &parts) == nil {
		if both := strings.TrimSpace(parts.First + " " + parts.Last); both != "" {
			return both
		}
	}
	if len(a.Identity.Addresses) > 0 {
		return a.Identity.Addresses[0].Value
	}
	return ""
}
