package pages_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// app is an address that only an app on the device answers.
const app = "com.example.app:/arrived"

// places is a client's web server. It redirects to the address in the query
// parameter "to".
type places struct{}

func (places) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if to := r.URL.Query().Get("to"); to != "" {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	_, _ = w.Write([]byte("arrived"))
}

// onward returns the address of a server's callback that redirects to another
// address.
func onward(server, to string) string { return server + "/on?" + url.Values{"to": {to}}.Encode() }

// TestEveryKindOfClientIsReached: a browser applies form-action to each redirect
// that follows a form. The answer to a sign-in, a consent and a logout reaches
// the client all the same, and whatever the client redirects to.
func TestEveryKindOfClientIsReached(t *testing.T) {
	h := house.Open(t, house.SQLite, house.Set("devices.max_new_per_hour", 0))
	ada := h.User("ada@example.com")
	here := places{}
	web, other := httptest.NewTLSServer(here), httptest.NewServer(here)
	t.Cleanup(web.Close)
	t.Cleanup(other.Close)
	browser := chromium(t)
	for _, kind := range []struct{ name, callback, arrives string }{
		{"an app", app, "com.example.app:"},
		{"a loopback address", other.URL + "/cb", other.URL},
		{"a web site", web.URL + "/cb", web.URL},
		{"a web site that opens its app", onward(web.URL, app), "com.example.app:"},
		{"a loopback address that opens its app", onward(other.URL, app), "com.example.app:"},
		{"a web site that redirects to a loopback address", onward(web.URL, other.URL+"/there"), other.URL},
		{"a web site over another one to its app", onward(web.URL, onward(other.URL, app)), "com.example.app:"},
	} {
		t.Run(kind.name, func(t *testing.T) {
			client := h.Client("--public", "--ask", "--redirect-uri", kind.callback, "--post-logout-redirect-uri", kind.callback)
			client.Redirect = kind.callback
			hand := h.NewHand(client, windowsHeaders())
			authorize := strings.TrimPrefix(hand.NewAsk("openid", nil).URL, h.Issuer)
			// 1. From the consent. A browser that asks whether to open an app takes
			// no clicks, so each step has a browser of its own.
			c := anywhere(t, browser, h)
			c.signIn(authorize, ada)
			c.click("button[value=allow]")
			c.reaches(kind.arrives)
			// 2. From the sign-in.
			c = anywhere(t, browser, h)
			c.signIn(authorize, ada)
			c.reaches(kind.arrives)
			// 3. From the logout, which asks because the hint is of another sign-in.
			if answer, err := hand.SignIn(ada, "openid", nil); err != nil || answer.Status != http.StatusOK {
				t.Fatal(answer.Status, err)
			}
			c = anywhere(t, browser, h)
			c.signIn("/login", ada)
			c.sees("You are signed in")
			c.visit("/oauth2/sessions/logout?" + url.Values{
				"id_token_hint": {hand.Tokens.ID}, "post_logout_redirect_uri": {kind.callback},
			}.Encode())
			c.click("button[value=allow]")
			c.reaches(kind.arrives)
		})
	}
}

// anywhere opens a browser that may visit other servers, and trusts their
// certificates.
func anywhere(t *testing.T, browser context.Context, h *house.House) *chrome {
	t.Helper()
	c := open(t, browser, h, windows())
	c.away = true
	_, err := chromedp.Call(c.ctx, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	c.must(err)
	return c
}

// reaches fails unless the browser asks for an address that begins so.
func (c *chrome) reaches(prefix string) {
	c.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c.mu.Lock()
		found := slices.ContainsFunc(c.asked, func(asked string) bool { return strings.HasPrefix(asked, prefix) })
		c.mu.Unlock()
		if found {
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var asked []string
	for _, at := range c.asked {
		path, _, _ := strings.Cut(at, "?")
		asked = append(asked, path)
	}
	c.t.Errorf("the browser did not reach %s: %q\n%q", prefix, asked, c.problems)
}
