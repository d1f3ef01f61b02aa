package provider_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// quotedLines returns the quoted strings of a file in testdata.
func quotedLines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		text, err := strconv.Unquote(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, text)
	}
	return lines
}

// manyURIs is what the files in testdata are about.
func manyURIs() oauth.Client {
	return oauth.Client{ID: "many", RedirectURIs: []string{
		callback, "https://notes.example.com/cb?tenant=1", "http://127.0.0.1/native", "http://[::1]/native",
		"http://localhost:3000/dev", "com.example.notes:/oauth",
	}}
}

// page fails the test where an answer is not an error page that leads nowhere.
func (a answer) page(t *testing.T, status int) {
	t.Helper()
	if a.Status != status || a.Header.Get("Location") != "" || a.Header.Get("Refresh") != "" ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("got %d, Location %q, %s, want a page with %d", a.Status, a.Header.Get("Location"),
			a.Header.Get("Content-Type"), status)
	}
	if strings.Contains(strings.ToLower(a.Raw), "http-equiv") || strings.Contains(a.Raw, "<script") {
		t.Errorf("a page that may lead somewhere: %s", a.Raw)
	}
	if how := a.Header.Get("Content-Security-Policy"); !strings.Contains(how, "default-src 'none'") ||
		!strings.Contains(how, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy %q", how)
	}
}

// TestBadRedirects shows that no trick makes the server redirect to an address
// that is not registered, byte for byte (RFC 9700 §4.1.3, cases C10 and T25):
// signed in or not, with a good request or a bad one, in a query or a form.
func TestBadRedirects(t *testing.T) {
	h := newHouse(t)
	h.client(manyURIs())
	stranger, laptop := h.browser(devicestest.LaptopHeaders()), h.browser(devicestest.LaptopHeaders())
	laptop.code(ada, ask("client_id", "many"))
	bad := quotedLines(t, "bad_redirects.txt")
	if len(bad) < 150 {
		t.Fatalf("a corpus of %d", len(bad))
	}
	h.unchanged(t, func() {
		for _, uri := range bad {
			t.Run(uri, func(t *testing.T) {
				q := ask("client_id", "many")
				q.Set("redirect_uri", uri)
				stranger.do("GET", "/oauth2/auth?"+q.Encode(), nil).page(t, 400)
				laptop.do("GET", "/oauth2/auth?"+q.Encode(), nil).page(t, 400)
				laptop.do("POST", "/oauth2/auth", q).page(t, 400)
				q.Set("scope", "unheard-of")
				q.Set("prompt", "none")
				stranger.do("GET", "/oauth2/auth?"+q.Encode(), nil).page(t, 400)
				q = ask("client_id", "many")
				q["redirect_uri"] = []string{callback, uri}
				laptop.do("GET", "/oauth2/auth?"+q.Encode(), nil).page(t, 400)
			})
		}
	})
}

// TestGoodRedirects goes where it may, with its own bytes before the answer.
func TestGoodRedirects(t *testing.T) {
	h := newHouse(t)
	h.client(manyURIs())
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, uri := range quotedLines(t, "good_redirects.txt") {
		for name, pairs := range map[string][]string{"code": nil, "error": {"scope", "unheard-of"}} {
			t.Run(uri+" with "+name, func(t *testing.T) {
				to, a := laptop.authorize(ada, ask(append(pairs, "client_id", "many", "redirect_uri", uri)...))
				answered := to.String()
				rest, ok := strings.CutPrefix(answered, uri)
				if !ok || rest == "" || !strings.ContainsRune("?&", rune(rest[0])) || to.Query().Get(name) == "" {
					t.Errorf("went to %s (%d)", answered, a.Status)
				}
				if code := to.Query().Get("code"); code != "" {
					laptop.token(redeem(code, "client_id", "many", "redirect_uri", uri)).want(t, 200, "")
				}
			})
		}
	}
}

// TestRedirectOmitted shows that a redirect URI may be left out where there is
// one to choose from, and not in OpenID Connect.
func TestRedirectOmitted(t *testing.T) {
	h := newHouse(t)
	h.client(manyURIs())
	laptop := h.browser(devicestest.LaptopHeaders())
	to, _ := laptop.authorize(ada, ask("redirect_uri", "", "scope", "offline_access"))
	if !strings.HasPrefix(to.String(), callback+"?") || to.Query().Get("code") == "" {
		t.Errorf("went to %s", to)
	}
	laptop.do("GET", "/oauth2/auth?"+ask("redirect_uri", "").Encode(), nil).page(t, 400)
	laptop.do("GET", "/oauth2/auth?"+ask("redirect_uri", "", "client_id", "many", "scope", "devices").Encode(), nil).page(t, 400)
}

// TestUnknownClient gets a page: nobody knows where else to send the browser.
func TestUnknownClient(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, id := range []string{"nobody", "Notes", "notes ", "", "notes%00", strings.Repeat("n", 10_000)} {
		for _, prompt := range []string{"", "none"} {
			h.unchanged(t, func() {
				laptop.do("GET", "/oauth2/auth?"+ask("client_id", id, "prompt", prompt).Encode(), nil).page(t, 400)
			})
		}
	}
	twice := ask()
	twice.Add("client_id", "notes")
	laptop.do("GET", "/oauth2/auth?"+twice.Encode(), nil).page(t, 400)
}

// TestRegistration refuses redirect URIs that no client should have.
func TestRegistration(t *testing.T) {
	good := oauth.Client{ID: "c", AuthMethod: "none", GrantTypes: []string{"authorization_code"}}
	for _, uri := range append(manyURIs().RedirectURIs, "https://[2001:db8::1]/cb", "http://127.0.0.1:3000/cb", "https://a") {
		c := good
		c.RedirectURIs = []string{uri}
		if err := provider.ValidateClient(c); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"", "/cb", "cb", "//a/cb", "https://", "https:///cb", "https:cb", "http://a/cb", "http://10.0.0.1/cb", "https://a/cb#x",
		"https://a/cb#", "https://user@a/cb", "https://user:x@a/cb", "https://@a/cb", "javascript:alert(1)", "data:text/html,x",
		"myapp:/cb", "myapp://cb", ".app:/cb", "https://a/\ncb", "https://a/c b", "https:\\\\a\\cb", "https://a\\cb",
		"http://localhost.evil.example.net/cb", "http://[::2]/cb", "https://a/cb\x7f", "https://a:x/cb", "vbscript:x", "ftp://a/cb",
		"https://*.example.com/cb", "https://example.com/*", "https://example.com/cb?to=*", "com.example.app:/*", "*",
		"https://a:0/cb", "https://a:65536/cb", "com.example.*:/cb",
	} {
		for _, c := range []oauth.Client{{RedirectURIs: []string{uri}}, {RedirectURIs: []string{callback}, PostLogout: []string{uri}}} {
			c.ID, c.AuthMethod, c.GrantTypes = good.ID, good.AuthMethod, slices.Clone(good.GrantTypes)
			if err := provider.ValidateClient(c); err == nil {
				t.Errorf("%q can be registered", uri)
			}
		}
	}
}

// TestMistakesSayWhatToDo: who registers a redirect URI in vain learns why, and
// which member it is about.
func TestMistakesSayWhatToDo(t *testing.T) {
	for uri, want := range map[string]string{
		"https://*.example.com/cb": "wildcard", "https://example.com/*": "register each", "/cb": "absolute",
		"https://a/cb#x": "fragment", "http://a/cb": "use https", "javascript:alert(1)": `scheme "javascript"`,
		"data:text/html,x": `scheme "data"`, "myapp:/cb": "com.example.app", "https://u@a/cb": "user",
		"https://a/c b": "spaces", "https:///cb": "no host", "https://a:65536/cb": "port",
	} {
		for member, c := range map[string]oauth.Client{
			"redirect_uris":             {RedirectURIs: []string{uri}},
			"post_logout_redirect_uris": {RedirectURIs: []string{callback}, PostLogout: []string{uri}},
		} {
			c.ID, c.AuthMethod, c.GrantTypes = "c", "none", []string{"authorization_code"}
			found := provider.Mistakes(provider.ValidateClient(c))
			if len(found) != 1 || found[0].Member != member ||
				!strings.Contains(found[0].What, strconv.Quote(uri)) || !strings.Contains(found[0].What, want) {
				t.Errorf("%s: %v, want %s and a word of %s", uri, found, member, want)
			}
		}
	}
}
