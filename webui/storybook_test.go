package webui_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/lanyard-id/lanyard/webui"
)

// The data of the pages, as the provider declares it.
type (
	login struct {
		Action, Flow, Identifier, ClientName, Error string
		FormAction                                  []string
	}
	consent struct {
		Action, Flow, ClientName, ClientURI, LogoURI, Subject string
		Scopes                                                []scope
		FormAction                                            []string
	}
	scope  struct{ Name, Text string }
	logout struct {
		Action, ClientName, Subject, Hint, ClientID, RedirectURI, State string
		FormAction                                                      []string
	}
	failure struct {
		Status                       int
		Title, Text, Code, RequestID string
	}
	notice struct{ Title, Text, Link, LinkText string }
)

// story is a page with sample data.
type story struct {
	page string
	data any
}

// storybook shows every page full, and as empty as it gets.
func storybook() []story {
	app := []string{"https://shop.example"}
	all := []story{
		{"login", login{"https://id.example/login", "f-1", "ada", "Shop", "Check both and try again.", app}},
		{"login", login{Action: "https://id.example/login"}},
		{"consent", consent{
			"https://id.example/consent", "f-1", "Shop", "https://shop.example/about", "https://cdn.example/logo.png",
			"ada", []scope{{"openid", "Know who you are"}, {"devices", "See, rename and end your devices"}}, app,
		}},
		{"consent", consent{Action: "https://id.example/consent", Flow: "f-1", ClientName: "shop", Subject: "ada"}},
		{"logout", logout{"https://id.example/out", "Shop", "ada", "e30.e30.x", "shop", "https://shop.example/bye", "s", app}},
		{"logout", logout{Action: "https://id.example/out", Subject: "ada"}},
		{"error", failure{400, "This request cannot be completed", "Go back and try again.", "invalid_request", "r-1"}},
		{"error", failure{Status: 500, Title: "This request cannot be completed", Text: "Try again."}},
		{"notice", notice{"You are signed out", "You can close this page.", "/devices", "Your devices"}},
		{"notice", notice{Title: "You are signed out", Text: "You can close this page."}},
	}
	return append(all, owners("Ada’s phone")...)
}

// owners are the stories of the owner's pages.
func owners(text string) (all []story) {
	for _, sample := range webui.Samples(text) {
		all = append(all, story{sample.Page, sample.Data})
	}
	return all
}

func newPages(t testing.TB) *webui.Pages {
	t.Helper()
	p, err := webui.NewPages()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func render(t testing.TB, p *webui.Pages, target string, s story) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	p.Render(w, httptest.NewRequest("GET", target, nil), http.StatusOK, s.page, s.data)
	return w.Result()
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryPageHasAStory(t *testing.T) {
	files, err := filepath.Glob("templates/pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, file := range files {
		page := strings.TrimSuffix(filepath.Base(file), ".html")
		if !slices.ContainsFunc(storybook(), func(s story) bool { return s.page == page }) {
			t.Errorf("%s has no story", page)
		}
	}
}

func TestStorybook(t *testing.T) {
	p := newPages(t)
	for i, s := range storybook() {
		t.Run(fmt.Sprintf("%s %d", s.page, i), func(t *testing.T) {
			r := render(t, p, "/login", s)
			if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Fatalf("%d %s", r.StatusCode, r.Header.Get("Content-Type"))
			}
			checkPage(t, body(t, r))
		})
	}
}

// checkPage checks what holds for every page: it is well-formed, it runs
// nothing, and whoever cannot see it can use it.
func checkPage(t *testing.T, text string) {
	t.Helper()
	balanced(t, text)
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ids, labelled, count := map[string]int{}, map[string]bool{}, map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		ids[attr(n, "id")]++
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("<%s %s> is against the policy", n.Data, a.Key)
			}
		}
	}
	for n := range root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "input" && attr(n, "type") != "hidden" && !labelled[attr(n, "id")]:
			t.Errorf("input %q has no label", attr(n, "name"))
		case n.Data == "img" && !has(n, "alt"):
			t.Error("an image has no alt")
		case n.Data == "form" && attr(n, "method") != "post" && attr(n, "action") != "/pages":
			t.Error("a form is not posted")
		case n.Data == "html" && attr(n, "lang") == "":
			t.Error("no language")
		case n.Data == "title" && (n.FirstChild == nil || strings.TrimSpace(n.FirstChild.Data) == ""):
			t.Error("no title")
		}
		for ref := range strings.FieldsSeq(attr(n, "aria-describedby") + " " + attr(n, "aria-labelledby")) {
			if ids[ref] == 0 {
				t.Errorf("nothing has the id %q", ref)
			}
		}
	}
	delete(ids, "")
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q is there %d times", id, n)
		}
	}
	for _, tag := range []string{"h1", "main", "title"} {
		if count[tag] != 1 {
			t.Errorf("%d <%s>", count[tag], tag)
		}
	}
	if count["script"] > 1 || strings.Contains(text, "<script>") || count["style"]+count["iframe"]+count["object"] > 0 {
		t.Error("a page brings what its policy forbids")
	}
}

// balanced checks that every element is closed where it should be: the parser
// would forgive.
func balanced(t *testing.T, text string) {
	t.Helper()
	void := []string{"meta", "link", "input", "img", "br", "hr"}
	var open []string
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("never closed: %v", open)
			}
			return
		case html.StartTagToken:
			if tag := z.Token().Data; !slices.Contains(void, tag) {
				open = append(open, tag)
			}
		case html.EndTagToken:
			tag := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != tag {
				t.Fatalf("</%s> closes %v", tag, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// TestHostileValues: whatever a stranger can put into a page stays text, and a
// link to a script leads nowhere.
func TestHostileValues(t *testing.T) {
	p := newPages(t)
	for _, evil := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus=alert(1) x='`,
		`javascript:alert(1)`, "java\tscript:alert(1)", ` javascript:alert(1)`, `JaVaScRiPt:alert(1)//https://x`,
		`data:text/html,<script>alert(1)</script>`, `vbscript:x`, `</title><script>alert(1)</script>`,
		`{{.Flow}}`, `&lt;script&gt;`, "\x00<script>", "\xff\xfe<b>", `--><svg onload=alert(1)>`, "a\r\nSet-Cookie: x=1",
		`</bdi></main><form action="https://evil.example">`, "\u202etxt.exe", "https://x/\"onload=alert(1)",
		`x; script-src *`, "https://evil.example; script-src *", `https://evil.example/ onload=`,
	} {
		e := []string{evil}
		for _, s := range append(owners(evil), []story{
			{"login", login{evil, evil, evil, evil, evil, e}},
			{"consent", consent{evil, evil, evil, evil, evil, evil, []scope{{evil, evil}}, e}},
			{"logout", logout{evil, evil, evil, evil, evil, evil, evil, e}},
			{"error", failure{400, evil, evil, evil, evil}},
			{"notice", notice{evil, evil, evil, evil}},
		}...) {
			r := render(t, p, "/login", s)
			text := body(t, r)
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s with %q: %d", s.page, evil, r.StatusCode)
			}
			checkPage(t, text)
			checkLinks(t, s.page, evil, text)
			csp := r.Header.Get("Content-Security-Policy")
			if strings.Contains(strings.Replace(csp, " script-src 'self'; style-src", "", 1), "script-src") || strings.ContainsAny(csp, "\r\n\x00\"") ||
				strings.Count(strings.Replace(csp, "script-src 'self'; ", "", 1), ";") != 5 {
				t.Errorf("%s with %q: policy %s", s.page, evil, csp)
			}
		}
	}
}

func checkLinks(t *testing.T, page, evil, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		for _, key := range []string{"href", "src", "action"} {
			link := strings.ToLower(strings.TrimSpace(attr(n, key)))
			for _, scheme := range []string{"javascript:", "data:", "vbscript:", "java\tscript:"} {
				if strings.HasPrefix(link, scheme) {
					t.Errorf("%s with %q: %s=%q", page, evil, key, link)
				}
			}
		}
	}
}

func TestWhatCannotBeDrawnIsACleanFailure(t *testing.T) {
	p := newPages(t)
	var logged bytes.Buffer
	p.Log = slog.New(slog.NewTextHandler(&logged, nil))
	for name, s := range map[string]story{
		"a field is missing":         {"login", struct{ Action, Flow string }{"/login", "f"}},
		"a nested field is missing":  {"consent", map[string]any{"Action": "/", "Scopes": []struct{ Name string }{{"x"}}}},
		"a key is missing":           {"notice", map[string]any{"Title": "x"}},
		"no data":                    {"login", nil},
		"no such page":               {"devices", notice{}},
		"a page that is no page":     {"layout", notice{}},
		"a page of another's making": {"../layout", notice{}},
	} {
		logged.Reset()
		r := render(t, p, "/login", s)
		text := body(t, r)
		if r.StatusCode != http.StatusInternalServerError || strings.Contains(text, "<") {
			t.Errorf("%s: %d %q", name, r.StatusCode, text)
		}
		if r.Header.Get("Content-Security-Policy") == "" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", name, r.Header)
		}
		if !strings.Contains(logged.String(), "draw page") {
			t.Errorf("%s: nobody hears of it", name)
		}
	}
}
