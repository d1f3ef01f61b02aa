package operator_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/webui/operator"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

func TestEveryTextIsTranslated(t *testing.T) {
	pagetest.Translated(t, os.DirFS("."), 60, os.DirFS(".."))
	pagetest.NothingBare(t, os.DirFS("."))
	pagetest.LinksAreWhole(t, os.DirFS("."))
}

func TestEveryPageHasASample(t *testing.T) {
	files, err := filepath.Glob("templates/pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, file := range files {
		page := strings.TrimSuffix(filepath.Base(file), ".html")
		if !slices.ContainsFunc(operator.Samples(""), func(s operator.Sample) bool { return s.Page == page }) {
			t.Errorf("%s has no sample", page)
		}
	}
}

// TestPagesInEveryLanguage: whatever a stranger can put into a page stays text,
// and the page is whole in every language.
func TestPagesInEveryLanguage(t *testing.T) {
	pages := newPages(t)
	for i, evil := range append(pagetest.Hostile(), "Ada’s phone") {
		for _, language := range []string{"en", "de", "fr", "es", "zh", "ja"}[:1+5*(i%2)] {
			for _, s := range operator.Samples(evil) {
				w := httptest.NewRecorder()
				pages.Render(w, httptest.NewRequest("GET", "/pages?ui_locales="+language, nil), http.StatusOK, s.Page, s.Data)
				text := w.Body.String()
				if w.Code != http.StatusOK || !strings.Contains(text, `<html lang="`+language+`"`) {
					t.Fatalf("%s in %s with %q: %d", s.Page, language, evil, w.Code)
				}
				pagetest.Check(t, text)
				pagetest.CheckLinks(t, s.Page, evil, text)
			}
		}
	}
}

// TestTheLanguageStays: the links at the foot keep what was asked for, and what
// was chosen is remembered.
func TestTheLanguageStays(t *testing.T) {
	h := newHouse(t)
	door := h.door()
	chosen := ask(door, "GET", "/pages?subject=ada&ui_locales=de", nil)
	text, cookies := body(t, chosen), chosen.Cookies()
	if !strings.Contains(text, "Adresse oder Netz") || !strings.Contains(text, `href="?subject=ada&amp;ui_locales=ja"`) || len(cookies) != 1 {
		t.Fatalf("%v %s", cookies, text)
	}
	next := ask(door, "GET", "/pages/events", nil, func(r *http.Request) { r.AddCookie(cookies[0]) })
	if text := body(t, next); !strings.Contains(text, "Ereignisse") {
		t.Errorf("forgotten: %s", text)
	}
}

// TestWhatWentWrong: each in words, with its status.
func TestWhatWentWrong(t *testing.T) {
	h := newHouse(t)
	door := h.door()
	if a := ask(door, "GET", "/pages/devices/unknown", nil); a.StatusCode != 404 || !strings.Contains(body(t, a), "Device not found") {
		t.Errorf("an unknown device: %d", a.StatusCode)
	}
	long := func(r *http.Request) {
		r.Body = http.NoBody
		r.URL.RawQuery = "%zz"
		r.Header.Set("Content-Type", "text/x; ;")
	}
	if a := ask(door, "POST", "/pages/revoke", map[string][]string{}, long); a.StatusCode != 422 {
		t.Errorf("a form that cannot be read: %d", a.StatusCode)
	}
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/pages", "/pages/events", "/pages/events/stream", "/pages/devices/x", "/pages/revoke?subject=ada"} {
		if a := ask(door, "GET", path, nil); a.StatusCode != 503 {
			t.Errorf("%s without a database: %d", path, a.StatusCode)
		}
	}
}
