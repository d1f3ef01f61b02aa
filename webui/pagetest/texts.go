package pagetest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// Translated checks that every text of a package is there in every language
// that has a catalog, in its own or in one of the others', and that its own
// have no more than it says. The package is a folder with Go files, templates
// and locales; it must say at least that many texts.
func Translated(t *testing.T, own fs.FS, least int, others ...fs.FS) {
	t.Helper()
	wanted := Said(t, own)
	if len(wanted) < least {
		t.Fatalf("only %d texts found", len(wanted))
	}
	plurals := entries(t, own, "en")
	reference := slices.Sorted(maps.Keys(entries(t, own, "de")))
	for _, code := range []string{"de", "fr", "es", "zh", "ja"} {
		all := entries(t, own, code)
		elsewhere := map[string]bool{}
		for _, other := range others {
			for text := range entries(t, other, code) {
				elsewhere[text] = true
			}
		}
		for text := range wanted {
			if all[text] == nil && !elsewhere[text] {
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
			got, want := verb().FindAllString(one, -1), verb().FindAllString(text, -1)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q says %v, the English %v", code, one, got, want)
			}
		}
	}
}

// entries returns a catalog; English may have none.
func entries(t *testing.T, from fs.FS, code string) map[string]json.RawMessage {
	t.Helper()
	text, err := fs.ReadFile(from, "locales/"+code+".json")
	if errors.Is(err, fs.ErrNotExist) && code == "en" {
		return nil
	}
	var all map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Said returns every text that a package says: those of its templates, those
// given to T and say, and the values of every map in a file words.go.
func Said(t *testing.T, own fs.FS) map[string]bool {
	t.Helper()
	texts := map[string]bool{}
	call := regexp.MustCompile(`[{(]t "([^"]+)"`)
	templates(t, own, func(_ string, text string) {
		for _, found := range call.FindAllStringSubmatch(text, -1) {
			texts[found[1]] = true
		}
	})
	files, err := fs.Glob(own, "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			saidIn(t, own, file, texts)
		}
	}
	maps.DeleteFunc(texts, func(text string, _ bool) bool { // numbers alone are written by the language
		return !strings.ContainsFunc(verb().ReplaceAllString(text, ""), unicode.IsLetter)
	})
	return texts
}

// verb finds the places of a text that its arguments fill.
func verb() *regexp.Regexp { return regexp.MustCompile(`%(\[\d\])?[dsv]`) }

// templates calls fn with every template of a package.
func templates(t *testing.T, own fs.FS, fn func(file, text string)) {
	t.Helper()
	err := fs.WalkDir(own, "templates", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(own, file)
		fn(file, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func saidIn(t *testing.T, own fs.FS, file string, texts map[string]bool) {
	t.Helper()
	source, err := fs.ReadFile(own, file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
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
			if path.Base(file) == "words.go" {
				keep(n.Value)
			}
		}
		return true
	})
}

// names are what is called the same in every language.
func names() []string { return []string{"Lanyard", "Windows", "AS"} }

// NothingBare checks that templates say nothing themselves: every word comes
// from the catalogs or from the data.
func NothingBare(t *testing.T, own fs.FS) {
	t.Helper()
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	templates(t, own, func(file, text string) {
		bare := func(text string) {
			words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
			for _, word := range words {
				if !slices.Contains(names(), word) {
					t.Errorf("%s says %q by itself", file, strings.TrimSpace(text))
					return
				}
			}
		}
		z := html.NewTokenizer(strings.NewReader(action.ReplaceAllString(text, "")))
		for {
			switch kind := z.Next(); kind {
			case html.ErrorToken:
				return
			case html.TextToken:
				bare(string(z.Text()))
			case html.StartTagToken, html.SelfClosingTagToken:
				token := z.Token()
				if token.Data == "noscript" {
					z.NextIsNotRawText()
				}
				for _, a := range token.Attr {
					if slices.Contains([]string{"aria-label", "placeholder", "title", "alt"}, a.Key) {
						bare(a.Val)
					}
				}
			}
		}
	})
}

// LinksAreWhole checks that templates print addresses with a query as a whole.
// What a template adds behind a question mark is encoded as one value, so an
// encoded query there is encoded twice.
func LinksAreWhole(t *testing.T, own fs.FS) {
	t.Helper()
	glued := regexp.MustCompile(`\?[^"{}]*\{\{|\}\}[^"]*&(amp;)?[a-z_]+=`)
	link := regexp.MustCompile(`(?:href|action|formaction|src|data-[a-z]+)="((?:[^"{]|\{\{.*?\}\})*)"`)
	templates(t, own, func(file, text string) {
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			if glued.MatchString(found[1]) {
				t.Errorf("%s puts an address together: %s", file, found[0])
			}
		}
	})
}
