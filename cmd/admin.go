package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/api"
)

// adminFlags say how to reach the admin API.
type adminFlags struct {
	AdminURL   string `placeholder:"URL" help:"The admin API (LANYARD_ADMIN_URL; default: the configuration's admin.listen)."`
	AdminToken string `placeholder:"TOKEN" help:"Bearer token for it (LANYARD_ADMIN_TOKEN; default: the first of the configuration's admin.tokens)."`
	Offline    bool   `help:"Work on the database itself; no server needs to run."`
}

// adminClient calls the admin API.
type adminClient struct {
	base  string // without a slash at its end
	token string
	http  *http.Client
	close func() error
}

// withAdmin runs fn with a client of the admin API. Offline it is the same
// API, served within this process on the database.
func (a *app) withAdmin(flags adminFlags, fn func(*adminClient) error) error {
	client, err := a.adminClient(flags)
	if err != nil {
		return err
	}
	return errors.Join(fn(client), client.close())
}

func (a *app) adminClient(flags adminFlags) (*adminClient, error) {
	if flags.Offline {
		if flags.AdminURL != "" {
			return nil, usagef("--offline and --admin-url exclude each other")
		}
		return a.offlineClient()
	}
	given := firstOf(flags.AdminURL, a.getenv("LANYARD_ADMIN_URL"))
	token := firstOf(flags.AdminToken, a.getenv("LANYARD_ADMIN_TOKEN"))
	if given != "" {
		if checkHTTPURL(given) != nil {
			return nil, usagef("--admin-url: must be an absolute http or https URL")
		}
		return newAdminClient(given, token), nil
	}
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	// A token from the configuration goes to the configured address only.
	if token == "" && len(c.Admin.Tokens) > 0 {
		token = c.Admin.Tokens[0].Reveal()
	}
	return newAdminClient("http://"+dialable(c.Admin.Listen), token), nil
}

func newAdminClient(base, token string) *adminClient {
	return &adminClient{
		base: strings.TrimRight(base, "/"), token: token, close: func() error { return nil },
		http: &http.Client{
			Timeout: 90 * time.Second, // more than the API lets a reader wait
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse // the token is for that address only
			},
		},
	}
}

// dialable turns a listener's address into one to call.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// maxAnswer is the most that is read of one answer.
const maxAnswer = 16 << 20

// call sends a request and reads the answer's JSON into what answer points
// at, where it is not nil.
func (c *adminClient) call(
	ctx context.Context, method, path string, query url.Values, body, answer any,
) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, sent)
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	w, err := c.http.Do(r)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer))
	if err != nil || ctx.Err() != nil {
		return c.unreachable(ctx, err)
	}
	if w.StatusCode/100 != 2 {
		return c.refused(w.StatusCode, text)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s does not answer like an admin API: %w", c.base, err)
	}
	return nil
}

func (c *adminClient) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("no answer from the admin API: %w (is the server running? or try --offline)", err)
}

// misused returns what the admin API does not take as the mistake in the
// command line that it is.
func misused(p api.Problem) error {
	lines := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		place, name, _ := strings.Cut(e.Field, ".")
		if place == "query" {
			name = "--" + name
		}
		lines[i] = name + ": " + e.Message
	}
	return usageError{errors.New(strings.Join(lines, "\n"))}
}

// refused returns a problem (RFC 9457) in its own words.
func (c *adminClient) refused(status int, text []byte) error {
	var p api.Problem
	if err := json.Unmarshal(text, &p); err != nil || p.Detail == "" {
		return fmt.Errorf("%s answered %d %s; is that the admin listener (admin.listen)?", c.base, status, http.StatusText(status))
	}
	if status == http.StatusUnprocessableEntity && len(p.Errors) > 0 {
		return misused(p)
	}
	detail := p.Detail
	if status == http.StatusUnauthorized {
		detail += " (set LANYARD_ADMIN_TOKEN)"
	}
	return fmt.Errorf("%s [%s]", detail, p.Code)
}
