//go:build ory

package ory_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// composed is a service of docker-compose.yml.
type composed struct {
	Entrypoint, Command []string
	Environment         map[string]string
	Healthcheck         struct{ Test []string }
}

// profile runs the profile "ory" of docker-compose.yml by hand: each service's
// own command line, environment and files, with this machine's binaries.
// Names of services become 127.0.0.1, ports become free ones, and Ory's SQLite
// becomes PostgreSQL: what is built for tests has no SQLite.
type profile struct {
	t        *testing.T
	services map[string]composed
	ports    map[string]string // of docker-compose.yml -> of this machine
	here     *strings.Replacer
	path     string
}

func TestComposeProfile(t *testing.T) {
	p := furnish(t)
	p.finish("migrate", p.services["migrate"].Command...)
	p.start("hydra", "/health/ready", "4446")
	p.start("kratos", "/admin/health/ready", "4434")
	p.start("lanyard-ory", "/health/ready", "4487")
	p.finish("lanyard-ory", p.services["lanyard-ory"].Healthcheck.Test[2:]...)

	at := func(port string) string { return "127.0.0.1:" + p.ports[port] }
	stack := &ory.Stack{Plan: ory.Plan{
		HydraAdmin: at("4446"), HydraPublic: at("4445"), KratosPublic: at("4433"), KratosAdmin: at("4434"),
	}}
	ada := stack.NewPerson("http://"+at("4444"), house.Laptop())
	good(t, ada.Register())
	ada.Forget()
	id, _, err := stack.NewClient(true)
	good(t, err)
	c, a, err := ada.Authorize(id, "", "")
	good(t, err)
	wants(t, a, http.StatusOK, "")
	refreshes(t, c)
	isRefused(t, c.Stolen(stack.NewPerson("http://"+at("4444"), house.Phone())))

	// The pages lead to Kratos, which knows ada already and lets her come back.
	pages := "http://" + at("4487") + "/devices"
	login, err := ada.Visit(pages)
	good(t, err)
	back, err := ada.Visit(login)
	good(t, err)
	if !strings.HasPrefix(back, pages+"/callback") {
		t.Errorf("the pages lead to %q, and on to %q", login, back)
	}

	var list []struct{ ID, Subject, State, Tier string }
	good(t, json.Unmarshal(p.finish("lanyard-ory", "devices", "list", "--output", "json"), &list))
	list = slices.DeleteFunc(list, func(d struct{ ID, Subject, State, Tier string }) bool { return d.Tier != "T2" })
	if len(list) != 1 {
		t.Fatalf("devices with a cookie: %+v", list)
	}
	p.finish("lanyard-ory", "devices", "revoke", list[0].ID)
	isRefused(t, c)
}

func furnish(t *testing.T) *profile {
	binaries, err := ory.Build(t.Context(), progress{t})
	good(t, err)
	dir := t.TempDir()
	p := &profile{t: t, ports: map[string]string{}, path: filepath.Join(dir, "bin") + ":" + os.Getenv("PATH")}
	database := func() string { return pgtest.On(t, pgtest.Options{TCP: true}, false) }
	pairs := []string{
		"/etc/ory", filepath.Join(dir, "ory"), "/etc/kratos", filepath.Join(dir, "kratos"),
		"postgres://lanyard:lanyard@postgres:5432/lanyard", database(),
		"sqlite:///var/lib/sqlite/hydra.sqlite?_fk=true&mode=rwc", ory.DSN(database()),
		"sqlite:///var/lib/sqlite/kratos.sqlite?_fk=true&mode=rwc", ory.DSN(database()),
	}
	for _, port := range []string{"4433", "4434", "4444", "4445", "4446", "4455", "4487"} {
		_, p.ports[port], _ = strings.Cut(house.Address(t), ":")
		for _, before := range []string{"127.0.0.1:", "0.0.0.0:", "hydra:", "kratos:", "lanyard-ory:"} {
			pairs = append(pairs, before+port, "127.0.0.1:"+p.ports[port])
		}
		pairs = append(pairs, "port: "+port, "port: "+p.ports[port])
	}
	p.here = strings.NewReplacer(pairs...)

	for to, from := range map[string]string{"ory": "docs/ory", "kratos": "hooks/kratos"} {
		files, err := os.ReadDir("../../" + from)
		good(t, err)
		good(t, os.MkdirAll(filepath.Join(dir, to), 0o755))
		for _, f := range files {
			if f.IsDir() {
				continue
			}
			text, err := os.ReadFile(filepath.Join("../..", from, f.Name()))
			good(t, err)
			good(t, os.WriteFile(filepath.Join(dir, to, f.Name()), []byte(p.here.Replace(string(text))), 0o600))
		}
	}
	good(t, os.Mkdir(filepath.Join(dir, "bin"), 0o755))
	for name, binary := range map[string]string{"hydra": binaries.Hydra, "kratos": binaries.Kratos, "lanyard": house.Binary(t)} {
		good(t, os.Symlink(binary, filepath.Join(dir, "bin", name)))
	}
	p.services = services(t)
	return p
}

// services reads docker-compose.yml as it is without an .env but with a secret.
func services(t *testing.T) map[string]composed {
	text, err := os.ReadFile("../../docker-compose.yml")
	good(t, err)
	text = regexp.MustCompile(`\$\{\w+:([-?])([^}]*)\}`).ReplaceAllFunc(text, func(v []byte) []byte {
		_, fallback, is := strings.Cut(strings.TrimSuffix(string(v), "}"), ":-")
		if !is {
			return []byte(strings.Repeat("a secret ", 5))
		}
		return []byte(fallback)
	})
	parsed, err := yaml.Parser().Unmarshal(text)
	good(t, err)
	document, err := json.Marshal(parsed)
	good(t, err)
	var file struct{ Services map[string]composed }
	good(t, json.Unmarshal(document, &file))
	return file.Services
}

// line returns the command line of a service as "env" runs it.
func (p *profile) line(name string, command ...string) []string {
	s, known := p.services[name]
	if !known {
		p.t.Fatalf("docker-compose.yml has no %s", name)
	}
	line := []string{"env", "-i", "PATH=" + p.path, "LANYARD_ADMIN_LISTEN=127.0.0.1:" + p.ports["4455"]}
	for _, key := range slices.Sorted(maps.Keys(s.Environment)) {
		line = append(line, key+"="+p.here.Replace(s.Environment[key]))
	}
	entry := s.Entrypoint
	if len(entry) == 0 {
		entry = []string{"lanyard"} // the Dockerfile's
	}
	for _, word := range append(slices.Clone(entry), command...) {
		line = append(line, p.here.Replace(word))
	}
	return line
}

// start starts a service, which ends with the test.
func (p *profile) start(name, ready, port string) {
	p.t.Helper()
	server := ory.NewServer(p.t.TempDir(), "http://127.0.0.1:"+p.ports[port]+ready, p.line(name, p.services[name].Command...)...)
	good(p.t, server.Start(p.t.Context()))
	p.t.Cleanup(func() {
		if good(p.t, server.Stop()); p.t.Failed() {
			p.t.Logf("%s:\n%s", name, server.Log())
		}
	})
}

// finish runs a command in a service until it has ended well.
func (p *profile) finish(name string, command ...string) []byte {
	p.t.Helper()
	line := p.line(name, command...)
	c := exec.CommandContext(p.t.Context(), line[0], line[1:]...)
	c.Dir = p.t.TempDir()
	out, err := c.Output()
	if err != nil {
		p.t.Fatalf("%s: %v: %v\n%s", name, command, err, out)
	}
	return out
}
