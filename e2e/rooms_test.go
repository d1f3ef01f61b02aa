package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/lanyard-id/lanyard"

// pkg is a package, as go list shows it.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string // direct, without those of tests
	Deps       []string // all, however far
}

// room returns the top-level folder of a package of ours ("" for main), and
// reports whether it is ours.
func room(importPath string) (string, bool) {
	rest, ours := strings.CutPrefix(importPath, module)
	name, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	return name, ours && (rest == "" || rest[0] == '/')
}

// wirers may import every room: cmd wires them, the others drive the whole.
var wirers = []string{"cmd", "e2e", "bench"}

// leaves are rooms that every room may import, and that import no other room.
var leaves = []string{"accesskey", "bounded", "loopback", "ratelimit", "seal"}

// mayImport are the arrows between rooms, besides those that point at
// devices.
func mayImport(from, to string) bool {
	fromRoom, _ := room(from)
	toRoom, _ := room(to)
	switch {
	case fromRoom == toRoom, slices.Contains(wirers, fromRoom):
		return true
	case fromRoom == "":
		return toRoom == "cmd"
	case fromRoom == "devices":
		return false
	case slices.Contains(leaves, toRoom):
		return true
	case slices.Contains(leaves, fromRoom):
		return false
	case toRoom == "devices":
		return true
	case to == module+"/provider/oauth": // records of an authorization server
		return fromRoom == "store" || fromRoom == "api"
	case to == module+"/webui/records": // records of the pages
		return fromRoom == "store"
	case to == module+"/resource/dpop": // what a proof of a key proves
		return fromRoom == "provider"
	case toRoom == "migrations":
		return fromRoom == "store"
	default:
		return false
	}
}

// homes says which packages may import a library themselves.
var homes = []struct {
	library string
	under   []string
}{
	{"github.com/ory/fosite", []string{"/provider"}},
	{"github.com/uptrace/bun", []string{"/store", "/migrations"}},
	{"github.com/ory/client-go", []string{"/hooks/ory"}},
	{"github.com/ua-parser", []string{"/devices/observe"}},
	{"github.com/danielgtaylor/huma", []string{"/api", "/provider"}},
	{"github.com/knadh/koanf", []string{"/cmd", "/e2e"}},
	{"github.com/alecthomas/kong", []string{"/cmd"}},
	{"github.com/KimMachineGun/automemlimit", []string{"/cmd"}},
	{"github.com/coreos/go-oidc", []string{"/webui", "/resource", "/e2e", "/examples"}},
	{"github.com/chromedp/chromedp", []string{"/e2e"}},
	{"github.com/oschwald/maxminddb-golang", []string{"/geo"}},
	{"github.com/maxmind/mmdbwriter", []string{"/geo/geotest"}},
}

// never says what a package may not depend on, however far.
var never = map[string][]string{
	"/devices":         {"net/http", "database/sql", "github.com/", "golang.org/", "modernc.org/"},
	"/devices/observe": {"database/sql", "github.com/ory/fosite", "github.com/uptrace/bun"},
}

// drawers are names under which anything would fit.
var drawers = []string{"util", "utils", "common", "x", "helper", "helpers", "misc", "shared", "base"}

// wrong returns what is wrong with the arrows between the packages.
func wrong(packages []pkg) []string {
	var found []string
	complain := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, p := range packages {
		if _, ours := room(p.ImportPath); !ours {
			continue
		}
		if slices.Contains(drawers, path.Base(p.ImportPath)) {
			complain("%s: a name under which anything would fit", p.ImportPath)
		}
		for _, to := range p.Imports {
			if _, ours := room(to); ours && !mayImport(p.ImportPath, to) {
				complain("%s must not import %s", p.ImportPath, to)
			}
			for _, h := range homes {
				if under(to, h.library) && !slices.ContainsFunc(h.under, func(home string) bool {
					return under(p.ImportPath, module+home)
				}) {
					complain("%s must not import %s: only %v may", p.ImportPath, to, h.under)
				}
			}
		}
		for _, banned := range never[strings.TrimPrefix(p.ImportPath, module)] {
			for _, dep := range p.Deps {
				if under(dep, banned) {
					complain("%s must not depend on %s", p.ImportPath, dep)
				}
			}
		}
	}
	return found
}

// under reports whether the package is that one or below it. A prefix that
// ends in a slash is a family.
func under(importPath, prefix string) bool {
	return importPath == prefix || strings.HasPrefix(importPath, strings.TrimSuffix(prefix, "/")+"/")
}

// listed returns the packages of this module and all they depend on.
func listed(t *testing.T) []pkg {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// When an arrow turns round, this says which.
func TestArrowsBetweenRooms(t *testing.T) {
	packages := listed(t)
	if len(packages) < 100 {
		t.Fatalf("go list shows %d packages only", len(packages))
	}
	for _, complaint := range wrong(packages) {
		t.Error(complaint)
	}
}

func TestDomainIsStandardLibraryOnly(t *testing.T) {
	standard := map[string]bool{}
	packages := listed(t)
	for _, p := range packages {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range packages {
		if p.ImportPath != module+"/devices" {
			continue
		}
		for _, dep := range p.Deps {
			if !standard[dep] {
				t.Errorf("devices must not depend on %s", dep)
			}
		}
		return
	}
	t.Error("there is no package devices")
}

// The rules themselves are tried on packages that break them.
func TestWrongArrowsAreFound(t *testing.T) {
	for _, tt := range []struct {
		name      string
		from      string
		imports   []string
		deps      []string
		complaint string
	}{
		{"a room imports another", "/api", []string{module + "/store"}, nil, " must not import " + module + "/store"},
		{"the domain imports a room", "/devices", []string{module + "/store"}, nil, " must not import " + module + "/store"},
		{"the domain imports its own eyes' room", "/devices/observe", []string{module + "/provider/oauth"}, nil, " must not import " + module + "/provider/oauth"},
		{"the domain hears of HTTP", "/devices", nil, []string{"net/http"}, " must not depend on net/http"},
		{"the domain gets a library", "/devices", nil, []string{"github.com/google/uuid"}, " must not depend on github.com/google/uuid"},
		{"the eyes see SQL", "/devices/observe", nil, []string{"database/sql/driver"}, " must not depend on database/sql/driver"},
		{"fosite outside provider", "/api", []string{"github.com/ory/fosite/handler/oauth2"}, nil, " must not import github.com/ory/fosite/handler/oauth2: only [/provider] may"},
		{"Bun outside store", "/provider", []string{"github.com/uptrace/bun"}, nil, " must not import github.com/uptrace/bun: only [/store /migrations] may"},
		{"client-go outside hooks/ory", "/hooks/kratos", []string{"github.com/ory/client-go"}, nil, " must not import github.com/ory/client-go: only [/hooks/ory] may"},
		{"a drawer", "/provider/util", nil, nil, ": a name under which anything would fit"},
		{"main knows more than cmd", "", []string{module + "/store"}, nil, " must not import " + module + "/store"},
		{"a leaf imports the domain", "/ratelimit", []string{module + "/devices"}, nil, " must not import " + module + "/devices"},
		{"the domain imports a leaf", "/devices", []string{module + "/ratelimit"}, nil, " must not import " + module + "/ratelimit"},
		{"a room imports a leaf", "/api", []string{module + "/ratelimit"}, nil, ""},
		{"cmd knows all", "/cmd", []string{module + "/store", module + "/api"}, nil, ""},
		{"a room imports the domain", "/store", []string{module + "/devices", module + "/provider/oauth"}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.complaint != "" {
				want = []string{module + tt.from + tt.complaint}
			}
			got := wrong([]pkg{{ImportPath: module + tt.from, Imports: tt.imports, Deps: tt.deps}})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
