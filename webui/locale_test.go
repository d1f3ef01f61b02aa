package webui

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
)

// said returns every text that pages say: those of the templates, and those in
// the code that turns facts into words.
func said(t *testing.T) map[string]bool {
	t.Helper()
	texts := map[string]bool{}
	call := regexp.MustCompile(`[{(]t "([^"]+)"`)
	err := fs.WalkDir(files, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		for _, found := range call.FindAllSubmatch(text, -1) {
			texts[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			saidIn(t, file, texts)
		}
	}
	return texts
}

func saidIn(t *testing.T, file string, texts map[string]bool) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(e ast.Expr) {
		if literal, is := e.(*ast.BasicLit); is && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			texts[text] = true
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch called := n.Fun.(type) {
			case *ast.SelectorExpr:
				name = called.Sel.Name
			case *ast.Ident:
				name = called.Name
			}
			if name == "T" || name == "say" {
				for _, arg := range n.Args {
					keep(arg)
				}
			}
		case *ast.KeyValueExpr:
			if file == "words.go" {
				keep(n.Value)
			}
		}
		return true
	})
}

func entries(t *testing.T, code string) map[string]json.RawMessage {
	t.Helper()
	text, err := os.ReadFile("locales/" + code + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryTextIsTranslated: no page falls back to English halfway.
func TestEveryTextIsTranslated(t *testing.T) {
	wanted := said(t)
	if len(wanted) < 150 {
		t.Fatalf("only %d texts found", len(wanted))
	}
	verb := regexp.MustCompile(`%(\[\d\])?[ds]`)
	plurals := entries(t, "en")
	reference := slices.Sorted(maps.Keys(entries(t, "de")))
	for _, code := range codes()[1:] {
		all := entries(t, code)
		for text := range wanted {
			if all[text] == nil {
				t.Errorf("%s: not translated: %q", code, text)
			}
		}
		if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, reference) {
			t.Errorf("%s: other texts than de", code)
		}
		for text, raw := range all {
			var one string
			if json.Unmarshal(raw, &one) != nil {
				if plurals[text] == nil {
					t.Errorf("%s: %q has plurals, the English has none", code, text)
				}
				continue
			}
			got, want := verb.FindAllString(one, -1), verb.FindAllString(text, -1)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q says %v, the English %v", code, one, got, want)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	l, err := loadLocales([]fs.FS{files})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, query, asked, cookie, accept, want string }{
		{"nothing said", "", "", "", "", "en"},
		{"the browser's", "", "", "", "fr-CA,fr;q=0.9,en;q=0.8", "fr"},
		{"the best that there is", "", "", "", "sv,ja;q=0.5", "ja"},
		{"none of them", "", "", "", "sv", "en"},
		{"chosen earlier", "", "", "de", "fr", "de"},
		{"asked for", "es", "", "de", "fr", "es"},
		{"asked for, several", "xx es", "", "", "fr", "es"},
		{"asked of the client", "", "zh-TW", "", "fr", "zh"},
		{"nonsense", "<script>", "\x00", "<>", ";;;q=q", "en"},
		{"very much of it", strings.Repeat("a ", 5000), "", "", strings.Repeat("de,", 5000), "de"},
	} {
		r := httptest.NewRequest("GET", "/devices", nil)
		query := r.URL.Query()
		query.Set("ui_locales", tt.query)
		r.URL.RawQuery = query.Encode()
		r.Header.Set("Accept-Language", tt.accept)
		if tt.cookie != "" {
			r.Header.Set("Cookie", languageCookie+"="+tt.cookie)
		}
		if got := l.choose(r, tt.asked).Code; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	for tag, want := range map[string]string{"ar": "rtl", "he": "rtl", "fa": "rtl", "en": "ltr", "ja": "ltr", "az-Arab": "rtl"} {
		if got := direction(language.Make(tag)); got != want {
			t.Errorf("%s runs %s", tag, got)
		}
	}
}

func TestPluralsAndDates(t *testing.T) {
	l, err := loadLocales([]fs.FS{files})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 13, 5, 9, 0, time.UTC)
	want := map[string][]string{
		"en": {"1 minute ago", "2 hours ago", "10 Mar 2026, 08:30 UTC", "Renewed 1,234 times", "Renewed once"},
		"de": {"vor 1 Minute", "vor 2 Stunden", "10. März 2026, 08:30 UTC", "1.234-mal erneuert", "Einmal erneuert"},
		"fr": {"il y a 1 minute", "il y a 2 heures", "10 mars 2026, 08:30 UTC", "Renouvelé 1\u00a0234 fois", "Renouvelé une fois"},
		"es": {"hace 1 minuto", "hace 2 horas", "10 mar 2026, 08:30 UTC", "Renovado 1.234 veces", "Renovado una vez"},
		"zh": {"1 分钟前", "2 小时前", "2026年3月10日 08:30 UTC", "已续期 1,234 次", "已续期 1 次"},
		"ja": {"1 分前", "2 時間前", "2026年3月10日 08:30 UTC", "1,234 回更新", "1 回更新"},
	}
	for _, locale := range l.all {
		got := []string{
			locale.Stamp(now.Add(-time.Minute), now).Text, locale.Stamp(now.Add(-2*time.Hour), now).Text,
			locale.Stamp(time.Date(2026, 3, 10, 8, 30, 0, 0, time.UTC), now).Text,
			locale.T("Renewed %d times", 1234), locale.T("Renewed %d times", 1),
		}
		for i := range got {
			if got[i] != want[locale.Code][i] {
				t.Errorf("%s: %q, want %q", locale.Code, got[i], want[locale.Code][i])
			}
		}
	}
	if s := l.all[0].Stamp(now.Add(time.Hour), now); s.Relative || s.Exact != "2026-11-23 14:05:09 UTC" {
		t.Errorf("a time to come: %+v", s)
	}
}
