package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/cmd"
)

// A file that a setting or a flag names by mistake is not read for ever.
func TestFilesThatNobodyWrote(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("# nothing\n"), 200_000), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "has more than 1048576 bytes"
	for _, source := range []cmd.Source{
		{File: big}, {Dir: t.TempDir(), Environ: []string{"LANYARD_SECRETS_SYSTEM_FILE=" + big}},
	} {
		if _, err := source.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %.200v", source, err)
		}
	}
	c, _ := load(t, "policy: {file: "+big+"}")
	if got := strings.Join(c.Complete(), "\n"); !strings.Contains(got, "policy.file: read policy: "+big+" "+want) {
		t.Error(got)
	}
}
