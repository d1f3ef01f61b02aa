package house

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	// The tests drive a binary that they build themselves. Linking the same
	// code tells go test when a result that it has kept is out of date.
	_ "github.com/lanyard-id/lanyard/cmd"
)

// built is the binary of this test run. A test binary has no other place to
// keep what its tests share.
var built struct {
	sync.Once
	dir, path string
	err       error
}

// Main runs the tests of a package that uses houses and removes what they
// built. Call it from TestMain with os.Exit around it.
func Main(m *testing.M) int {
	defer func() {
		if built.dir != "" {
			_ = os.RemoveAll(built.dir) // what is left is in the temporary directory
		}
	}()
	return m.Run()
}

// Binary returns the path of the lanyard binary, which it builds once for all
// tests of the process, static as it is released. Where LANYARD_BINARY names
// one, that one is tested; LANYARD_RACE=1 builds with the race detector.
func Binary(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		if built.path = os.Getenv("LANYARD_BINARY"); built.path == "" {
			built.err = build()
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

func build() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	if built.dir, err = os.MkdirTemp("", "lanyard-e2e-"); err != nil {
		return err
	}
	built.path = filepath.Join(built.dir, "lanyard")
	args, cgo := []string{"build", "-o", built.path}, "CGO_ENABLED=0"
	if os.Getenv("LANYARD_RACE") == "1" {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	b := exec.Command("go", append(args, ".")...)
	b.Dir, b.Env = root, append(os.Environ(), cgo)
	if out, err := b.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("the tests run outside the module")
	}
	return filepath.Dir(mod), nil
}
