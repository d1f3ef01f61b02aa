package webui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

func TestHeaders(t *testing.T) {
	p := newPages(t)
	const base = "default-src 'none'; style-src 'self'; img-src 'self'%s; %sframe-ancestors 'none'; base-uri 'none'"
	for _, tc := range []struct {
		name, logo string
		away       bool
		images     string
	}{
		{"leads nowhere", "", false, ""},
		{"leads to a client", "", true, ""},
		{"with a logo", "https://cdn.example/logo.png", false, " https://cdn.example"},
		{"with a logo from a port", "https://cdn.example:8443/a?b#c", false, " https://cdn.example:8443"},
		{"with a logo in the clear", "http://cdn.example/logo.png", false, ""},
		{"with a wild logo", "https://*/logo.png", false, ""},
		{"with a logo of a policy", "https://x;script-src/logo.png", false, ""},
		{"with a logo of a person", "https://ada:pw@cdn.example/", false, " https://cdn.example"},
	} {
		data := consent{ClientName: "Shop", LogoURI: tc.logo, LeadsAway: tc.away}
		forms := "form-action 'self'; "
		if tc.away {
			forms = ""
		}
		for _, data := range []any{data, &data} {
			h := render(t, p, "/consent", story{"consent", data}).Header
			if got, want := h.Get("Content-Security-Policy"), fmt.Sprintf(base, tc.images, forms); got != want {
				t.Errorf("%s\n got %s\nwant %s", tc.name, got, want)
			}
			for key, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
				"Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			} {
				if got := h.Get(key); got != want {
					t.Errorf("%s: %s: %q, want %q", tc.name, key, got, want)
				}
			}
		}
	}
}

func TestRenderStatus(t *testing.T) {
	w := httptest.NewRecorder()
	newPages(t).Render(w, httptest.NewRequest("POST", "/login", nil), http.StatusUnauthorized, "login",
		login{Action: "/login", Identifier: "ada", Error: "Check both."})
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `role="alert"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestAssets follows the links of pages at several depths as a browser would.
func TestAssets(t *testing.T) {
	p := newPages(t)
	mux := http.NewServeMux()
	p.Mount(mux)
	for _, target := range []string{
		"/login", "/", "/oauth2/auth", "/oauth2/sessions/logout", "/devices/", "/devices/a%2Fb", "/a/b/c/d/e",
	} {
		page, err := url.Parse("https://id.example" + target)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links(t, body(t, render(t, p, target, story{"notice", notice{Title: "x"}}))) {
			ref, err := page.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest("GET", ref.EscapedPath(), nil))
			if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
				t.Errorf("%s from %s: %d %v", ref, target, w.Code, w.Header())
			}
		}
	}
}

func links(t *testing.T, text string) (links []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Data == "link" {
			links = append(links, pagetest.Attr(n, "href"))
		}
	}
	if len(links) != 2 {
		t.Fatalf("links %v", links)
	}
	return links
}

func TestAssetHeaders(t *testing.T) {
	p := newPages(t)
	mux := http.NewServeMux()
	p.Mount(mux)
	style := links(t, body(t, render(t, p, "/", story{"notice", notice{}})))[1]
	for _, tc := range []struct {
		path   string
		status int
		kind   string
		keep   string
	}{
		{"/" + style, 200, "text/css; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/0123456789abcdef/style.css", 200, "text/css; charset=utf-8", "no-store"},
		{"/assets/0123456789abcdef/icon.svg", 200, "image/svg+xml", "no-store"},
		{"/assets/0123456789abcdef/other.css", 404, "text/plain; charset=utf-8", ""},
		{"/assets/0123456789abcdef/..%2fassets.go", 404, "text/plain; charset=utf-8", ""},
		{"/assets/style.css", 404, "text/plain; charset=utf-8", ""},
		{"/assets/", 404, "text/plain; charset=utf-8", ""},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", tc.path, nil))
		h := w.Header()
		if w.Code != tc.status || h.Get("Content-Type") != tc.kind || h.Get("Cache-Control") != tc.keep ||
			h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", tc.path, w.Code, h)
		}
	}
}

// TestStyleIsSmall keeps the pages quick on a phone.
func TestStyleIsSmall(t *testing.T) {
	css, err := os.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	if len(css) > 8<<10 || !strings.Contains(string(css), "prefers-color-scheme: dark") {
		t.Errorf("%d bytes", len(css))
	}
}

func ExamplePages_Render() {
	pages, err := webui.NewPages()
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	pages.Render(w, httptest.NewRequest("GET", "/login", nil), http.StatusOK, "notice",
		struct{ Title, Text, Link, LinkText string }{Title: "You are signed out", Text: "You can close this page."})
	fmt.Println(w.Code, strings.Contains(w.Body.String(), "<h1>You are signed out</h1>"))
	// Output: 200 true
}

func BenchmarkRender(b *testing.B) {
	p := newPages(b)
	b.ReportAllocs()
	for b.Loop() {
		render(b, p, "/login", storybook()[0])
	}
}

// A site that leads the browser to the end of a sign-in that it did not begin
// does not end the one that is on its way.
func TestAnotherSiteEndsNoSignIn(t *testing.T) {
	h := newHouse(t)
	b := h.browser(onWindows)
	b.get("/devices")
	at, page := b.at, b.page
	b.get("/devices/callback?code=x&state=another")
	b.is("/devices/callback", http.StatusBadRequest)
	b.get("/devices/callback?error=access_denied")
	b.is("/devices/callback", http.StatusBadRequest)
	b.at, b.page = at, page
	b.prove()
	b.is("/devices", http.StatusOK)
}
