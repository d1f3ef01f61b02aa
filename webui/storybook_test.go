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

	"github.com/lanyard-id/lanyard/webui"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

// The data of the pages, as the provider declares it.
type (
	login struct {
		Action, Flow, Form, Identifier, ClientName, Error string
		Count                                             int
		LeadsAway                                         bool
	}
	consent struct {
		Action, Flow, ClientName, ClientURI, LogoURI, Subject, Shown, SwitchAccount string
		Scopes                                                                      []string
		LeadsAway                                                                   bool
	}
	logout struct {
		Action, ClientName, Subject, Shown string
		LeadsAway                          bool
	}
	failure struct {
		Status                       int
		Title, Text, Code, RequestID string
		Link, LinkText               string
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
	const app = true
	all := []story{
		{"login", login{"https://id.example/login", "f-1", "s-1", "ada", "Shop", "Check both and try again.", 0, app}},
		{"login", login{Action: "/login", Error: "Too many attempts. Wait %d seconds and try again.", Count: 7}},
		{"login", login{Action: "https://id.example/login"}},
		{"consent", consent{
			"https://id.example/consent", "f-1", "Shop", "https://shop.example/about", "https://cdn.example/logo.png",
			"ada", "s-1", "https://id.example/login?flow=f-1", []string{"openid", "devices"}, app,
		}},
		{"consent", consent{Action: "https://id.example/consent", Flow: "f-1", ClientName: "shop", Subject: "ada"}},
		{"logout", logout{"https://id.example/out", "Shop", "ada", "s-1", app}},
		{"logout", logout{Action: "https://id.example/out", Subject: "ada"}},
		{"error", failure{400, "This request cannot be completed", "Go back and try again.", "invalid_request", "r-1", "https://id.example/oauth2/auth?x=1", "Start again"}},
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
			pagetest.Check(t, body(t, r))
		})
	}
}

// TestHostileValues: whatever a stranger can put into a page stays text, and a
// link to a script leads nowhere.
func TestHostileValues(t *testing.T) {
	p := newPages(t)
	for _, evil := range pagetest.Hostile() {
		for _, s := range append(owners(evil), []story{
			{"login", login{evil, evil, evil, evil, evil, evil, 0, false}},
			{"consent", consent{evil, evil, evil, evil, evil, evil, evil, evil, []string{evil}, false}},
			{"logout", logout{evil, evil, evil, evil, false}},
			{"error", failure{400, evil, evil, evil, evil, evil, evil}},
			{"notice", notice{evil, evil, evil, evil}},
		}...) {
			r := render(t, p, "/login", s)
			text := body(t, r)
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s with %q: %d", s.page, evil, r.StatusCode)
			}
			pagetest.Check(t, text)
			pagetest.CheckLinks(t, s.page, evil, text)
			csp := r.Header.Get("Content-Security-Policy")
			if strings.Contains(strings.Replace(csp, " script-src 'self'; style-src", "", 1), "script-src") || strings.ContainsAny(csp, "\r\n\x00\"") ||
				strings.Count(strings.Replace(csp, "script-src 'self'; ", "", 1), ";") != 5 {
				t.Errorf("%s with %q: policy %s", s.page, evil, csp)
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
		"a nested field is missing":  {"consent", map[string]any{"Action": "/", "Scopes": []int{1}}},
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
