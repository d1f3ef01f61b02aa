package cmd

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the generated parts of docs/")

// holds fails where the part of a document between the markers is not want.
func holds(t *testing.T, file, marker, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "<!-- "+marker+":")
	opening, rest, closed := strings.Cut(rest, "-->\n")
	got, after, ended := strings.Cut(rest, "<!-- /"+marker+" -->")
	if !found || !closed || !ended {
		t.Fatalf("%s has no part marked %q", file, marker)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s is behind the code; run: go test ./cmd -run Docs -update", file)
	}
	changed := before + "<!-- " + marker + ":" + opening + "-->\n" + want + "<!-- /" + marker + " -->" + after
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDocsNameEveryKey(t *testing.T) {
	s, err := compileSchema()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| key | default | meaning |\n|---|---|---|\n")
	for _, l := range s.leaves {
		standard, err := json.Marshal(l.Default)
		if err != nil {
			t.Fatal(err)
		}
		meaning := l.Description
		if len(l.Enum) > 0 {
			meaning += " One of `" + strings.Join(l.Enum, "`, `") + "`."
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", l.key, strings.Trim(string(standard), `"`), meaning)
	}
	table := strings.ReplaceAll(b.String(), "| `` |", "| |")
	holds(t, "../docs/configuration.md", "keys", table)
	holds(t, "../README.md", "keys", table)
}

func TestDocsNameEveryCommand(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Name("lanyard"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, leaf := range parser.Model.Leaves(true) {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", strings.TrimSuffix(leaf.Summary(), " [flags]"), leaf.Help)
		if flags := flagRows(leaf); flags != "" {
			b.WriteString("| flag | meaning |\n|---|---|\n" + flags + "\n")
		}
	}
	holds(t, "../docs/cli.md", "commands", b.String())
}

func flagRows(command *kong.Node) string {
	var b strings.Builder
	for _, arg := range command.Positional {
		fmt.Fprintf(&b, "| `<%s>` | %s |\n", arg.Name, arg.Help)
	}
	for _, f := range command.Flags {
		name := "--" + f.Name
		if !f.IsBool() {
			name += "=" + f.FormatPlaceHolder()
		}
		help := f.Help
		if f.HasDefault && f.Default != "" {
			help += " Default: " + f.Default + "."
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, help)
	}
	return b.String()
}

// The struct and the schema have the same keys: the schema fills the struct,
// so a field without a key would stay empty for ever.
func TestSchemaFillsEveryField(t *testing.T) {
	s, err := compileSchema()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, l := range s.leaves {
		if l.Default == nil || l.Description == "" {
			t.Errorf("%s has no default or no description", l.key)
		}
		if names[envName(l.key)] {
			t.Errorf("two keys have the variable %s", envName(l.key))
		}
		names[envName(l.key)] = true
	}
	if got, want := settings(reflect.TypeFor[Config]()), len(s.leaves); got != want {
		t.Errorf("the struct has %d settings, the schema %d", got, want)
	}
}

// settings counts the fields of a configuration that a key fills.
func settings(section reflect.Type) int {
	count := 0
	for field := range section.Fields() {
		switch key := field.Tag.Get("koanf"); {
		case key == "" || key == "-":
		case field.Type.Kind() == reflect.Struct:
			count += settings(field.Type)
		default:
			count++
		}
	}
	return count
}
