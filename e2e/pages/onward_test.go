package pages_test

import (
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
	c := open(t, chromium(t), h, windows())
	c.away = true
	_, err := chromedp.Call(c.ctx, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	c.must(err)
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
			c.t = t
			client := h.Client("--public", "--ask", "--redirect-uri", kind.callback, "--post-logout-redirect-uri", kind.callback)
			client.Redirect = kind.callback
			hand := h.NewHand(client, windowsHeaders())
			ask := func(prompt string) string {
				c.forget()
				return strings.TrimPrefix(hand.NewAsk("openid", url.Values{"prompt": {prompt}}).URL, h.Issuer)
			}
			c.visit(ask("consent"))
			c.prove(ada)
			c.click("button[value=allow]")
			c.reaches(kind.arrives)

			c.visit(ask("login"))
			c.prove(ada)
			c.reaches(kind.arrives)

			// The hint is of another sign-in, so the page asks.
			if answer, err := hand.SignIn(ada, "openid", nil); err != nil || answer.Status != http.StatusOK {
				t.Fatal(answer.Status, err)
			}
			c.forget()
			c.visit("/oauth2/sessions/logout?" + url.Values{
				"id_token_hint": {hand.Tokens.ID}, "post_logout_redirect_uri": {kind.callback},
			}.Encode())
			c.click("button[value=allow]")
			c.reaches(kind.arrives)
		})
	}
}

// forget forgets whom the browser has asked.
func (c *chrome) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = nil
}

// reaches fails unless the browser asks for an address that begins so.
func (c *chrome) reaches(prefix string) {
	c.t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
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

