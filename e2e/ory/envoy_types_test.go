package ory_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Envoy's samples are read with the types of Envoy's own API, in a module of
// their own: lanyard does not need them.
func TestEnvoysSamples(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mod), "go-control-plane/envoy ") {
		t.Error("lanyard's own go.mod requires Envoy's types")
	}
	c := exec.CommandContext(t.Context(), "go", "test", "./...")
	c.Dir, c.Env = "envoy", append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What docs/ory.md shows of Envoy is in the files that are tested.
func TestTheGuideShowsEnvoysSamples(t *testing.T) {
	plain := func(text string) string { return regexp.MustCompile(`(?m)^ +`).ReplaceAllString(text, "") }
	guide, err := os.ReadFile("../../docs/ory.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```yaml\n# docs/ory/(envoy[a-z-]*\\.yaml)[^\n]*\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	if len(shown) != 2 {
		t.Fatalf("docs/ory.md shows %d samples for Envoy, want 2", len(shown))
	}
	for _, block := range shown {
		file, err := os.ReadFile(filepath.Join("../../docs/ory", block[1]))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plain(string(file)), plain(block[2])) {
			t.Errorf("docs/ory/%s has not what docs/ory.md shows of it:\n%s", block[1], block[2])
		}
	}
}
