package house

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
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

// build builds the binary, or finds that the last one is not out of date, and
// gives it another name: go build removes the old file and writes a new one, so
// these tests keep theirs whatever is built meanwhile.
func build() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	last, done, err := cache(root)
	if err != nil {
		return err
	}
	defer done()
	// No tables for debuggers, as in a release: linking takes half as long.
	args, cgo := []string{"build", "-ldflags", "-s -w"}, "CGO_ENABLED=0"
	if os.Getenv("LANYARD_RACE") == "1" {
		args, cgo, last = append(args, "-race"), "CGO_ENABLED=1", last+"-race"
	}
	b := exec.Command("go", append(args, "-o", last, ".")...)
	b.Dir, b.Env = root, append(os.Environ(), cgo)
	if out, err := b.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if built.dir, err = os.MkdirTemp(filepath.Dir(last), "run-"); err != nil {
		return err
	}
	built.path = filepath.Join(built.dir, "lanyard")
	return os.Link(last, built.path)
}

// cache returns where the last binary of a checkout is kept, and keeps
// everybody else away until done: packages are tested at once, and the second
// one then finds what the first has built.
func cache(root string) (last string, done func(), err error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(dir, "lanyard-e2e")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256([]byte(root))
	last = filepath.Join(dir, "lanyard-"+hex.EncodeToString(sum[:6]))
	lock, err := os.Create(last + ".lock")
	if err != nil {
		return "", nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	return last, func() { _ = lock.Close() }, nil // closing gives the lock back
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
