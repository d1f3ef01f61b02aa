package e2e_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tracked returns the files that git knows, by their paths from the root.
func tracked(t *testing.T) []string {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z")
	list.Dir = ".."
	_, _ = os.Stat("../.git/index") // so that a cached result ends with it
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if _, err := os.Stat(filepath.Join("..", name)); err == nil {
			files = append(files, name)
		}
	}
	if len(files) < 50 {
		t.Fatalf("git knows %d files only", len(files))
	}
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ours reports whether the file is Go that is shipped.
func ours(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

func TestNoFileIsTooLong(t *testing.T) {
	const most = 400
	for _, name := range tracked(t) {
		if lines := bytes.Count(read(t, name), []byte("\n")); ours(name) && lines > most {
			t.Errorf("%s has %d lines; split it (at most %d)", name, lines, most)
		}
	}
}

// Work that is left belongs into an issue, where somebody finds it; a test
// that is skipped proves nothing.
func TestNothingIsPutOff(t *testing.T) {
	putOff := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|\bt\.Sk` + `ip(f|Now)?\(`)
	for _, name := range tracked(t) {
		switch filepath.Base(name) {
		case "go.sum", "package-lock.json", "LICENSE":
			continue // not ours to write
		}
		if filepath.Ext(name) == ".png" {
			continue // no text
		}
		for i, line := range strings.Split(string(read(t, name)), "\n") {
			if word := putOff.FindString(line); word != "" {
				t.Errorf("%s:%d: %s", name, i+1, word)
			}
		}
	}
}

func TestInterfacesAreSmall(t *testing.T) {
	const most = 6
	for _, name := range tracked(t) {
		if !ours(name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, is := n.(*ast.TypeSpec)
			if !is {
				return true
			}
			if i, is := spec.Type.(*ast.InterfaceType); is {
				methods := 0
				for _, m := range i.Methods.List {
					methods += len(m.Names) // an embedded interface has none
				}
				if methods > most {
					t.Errorf("%s: %s has %d methods (at most %d)", name, spec.Name, methods, most)
				}
			}
			return true
		})
	}
}

// A room says what it is and what it is not.
func TestEveryRoomIntroducesItself(t *testing.T) {
	rooms := map[string]string{}
	for _, name := range tracked(t) {
		if folder, _, nested := strings.Cut(name, "/"); nested && ours(name) && strings.Count(name, "/") == 1 {
			rooms[folder] = folder + "/doc.go"
		}
	}
	for folder, doc := range rooms {
		if slices.Contains([]string{"e2e", "bench"}, folder) {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", doc))
		if err != nil || !bytes.Contains(text, []byte("\n// # Not here\n")) {
			t.Errorf("%s: a room has a package comment that ends with what is not here (%v)", doc, err)
		}
	}
}

// TestBrowserStateIsDocumented: docs/browser-state.md lists every cookie and every
// hidden field of a form.
func TestBrowserStateIsDocumented(t *testing.T) {
	page := string(read(t, "docs/browser-state.md"))
	cookie := regexp.MustCompile(`"(?:__Host-)?(lanyard_[a-z_]+)"`)
	field := regexp.MustCompile(`<input type="hidden" name="(\w+)"`)
	found := 0
	for _, name := range tracked(t) {
		names := cookie
		switch {
		case strings.HasSuffix(name, ".html") && strings.HasPrefix(name, "webui/"):
			names = field
		case !ours(name) || name == "cmd/metrics.go":
			continue
		}
		for _, held := range names.FindAllStringSubmatch(string(read(t, name)), -1) {
			if found++; !strings.Contains(page, "`"+held[1]+"`") {
				t.Errorf("docs/browser-state.md does not say what `%s` of %s is", held[1], name)
			}
		}
	}
	if found < 25 {
		t.Errorf("only %d cookies and fields were found", found)
	}
}
