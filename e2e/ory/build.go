package ory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Binaries are where the built servers are.
type Binaries struct{ Hydra, Kratos string }

// The environment variables that name other binaries than those of this
// package's modules: those of another version. They come both or not at all.
const (
	hydraBinary  = "E2E_HYDRA"
	kratosBinary = "E2E_KRATOS"
)

// Build returns the binaries of Hydra and Kratos: those that E2E_HYDRA
// and E2E_KRATOS name, or else v2.3.0 and v1.3.1, which it builds if
// the cache does not have them. It writes its progress to out.
func Build(ctx context.Context, out io.Writer) (Binaries, error) {
	if named := (Binaries{os.Getenv(hydraBinary), os.Getenv(kratosBinary)}); named.Hydra != "" && named.Kratos != "" {
		fmt.Fprintf(out, "running %s and %s\n", named.Hydra, named.Kratos)
		return named, nil
	} else if named != (Binaries{}) {
		return Binaries{}, fmt.Errorf("set both %s and %s, or neither", hydraBinary, kratosBinary)
	}
	hydra, err := cached(ctx, out, "hydra", "github.com/ory/hydra/v2")
	if err != nil {
		return Binaries{}, err
	}
	kratos, err := cached(ctx, out, "kratos", "github.com/ory/kratos")
	return Binaries{hydra, kratos}, err
}

// BuildTraefik is Build for Traefik, which takes ten minutes of two cores.
func BuildTraefik(ctx context.Context, out io.Writer) (string, error) {
	return cached(ctx, out, "traefik", "github.com/traefik/traefik/v3/cmd/traefik")
}

// cached builds a tool while nobody else does.
func cached(ctx context.Context, out io.Writer, name, tool string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "lanyard-e2e")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(cache, "lock"))
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // closing gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	return build(ctx, out, cache, name, tool)
}

// build builds a tool of the module in the folder of that name. The binary's
// name holds what it was built from.
func build(ctx context.Context, out io.Writer, cache, name, tool string) (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("the source of this file is not known")
	}
	module := filepath.Join(filepath.Dir(here), name)
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(mod, runtime.Version()...))
	binary := filepath.Join(cache, name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	began := time.Now()
	fmt.Fprintf(out, "building %s; the first time takes minutes\n", tool)
	// Paths stay in and C stays out, as in the lanyard that tests build: what
	// the two have in common is compiled once.
	c := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", binary+".new", tool)
	c.Dir, c.Env = module, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	c.Stderr = out
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", tool, err)
	}
	fmt.Fprintf(out, "built %s in %s\n", tool, time.Since(began).Round(time.Second))
	return binary, os.Rename(binary+".new", binary)
}

// output is what a process has printed.
func output(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}

// jsonnet returns the path of the file that is shipped for Kratos.
func jsonnet() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "hooks", "kratos", "device.jsonnet")
}

// split returns host and port of an address.
func split(address string) (string, int) {
	host, text, err := net.SplitHostPort(address)
	port, err2 := strconv.Atoi(text)
	if err != nil || err2 != nil {
		return address, 0
	}
	return host, port
}
