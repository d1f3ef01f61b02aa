package ory_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"
)

// Ory's servers and Traefik are tools of modules of their own: what they need
// is not what lanyard needs, nor what the other needs.
func TestToolsHaveModulesOfTheirOwn(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	own := read("../../go.mod")
	for folder, tool := range map[string][2]string{
		"hydra":   {"github.com/ory/hydra/v2", "v2.3.0"},
		"kratos":  {"github.com/ory/kratos", "v1.3.1"},
		"traefik": {"github.com/traefik/traefik/v3", "v3.6.12"},
	} {
		mod := read(filepath.Join(folder, "go.mod"))
		if !strings.Contains(mod, "\ntool "+tool[0]) || !strings.Contains(mod, "\t"+tool[0]+" "+tool[1]+" ") {
			t.Errorf("%s/go.mod has no tool %s of %s", folder, tool[0], tool[1])
		}
		if strings.Contains(own, tool[0]+" ") {
			t.Errorf("lanyard's own go.mod requires %s", tool[0])
		}
	}
}

// Every block of YAML in the guide can be read, whether a test runs it or not.
func TestTheGuidesBlocksCanBeRead(t *testing.T) {
	text, err := os.ReadFile("../../docs/ory.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 7 {
		t.Errorf("only %d blocks", len(blocks))
	}
	for _, b := range blocks {
		// A block may be a list, which is not read by itself.
		under := "block:\n  " + strings.ReplaceAll(b[1], "\n", "\n  ")
		if parsed, err := yaml.Parser().Unmarshal([]byte(under)); err != nil || parsed["block"] == nil {
			t.Errorf("%v in:\n%s", err, b[1])
		}
	}
}
