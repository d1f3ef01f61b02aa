package e2e_test

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/lanyard-id/lanyard/cmd"
)

// service is what matters here of a service of docker-compose.yml.
type service struct {
	Build       any
	Image       string
	Command     []string
	Environment map[string]string
	DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
	Healthcheck struct {
		Test    []string
		Disable bool
	}
	Volumes []string
}

var composeVariable = regexp.MustCompile(`\$\{(\w+)(:[-?])([^}]*)\}`)

// composed returns the services of docker-compose.yml, with the variables
// that it demands set to something.
func composed(t *testing.T) map[string]service {
	t.Helper()
	text := composeVariable.ReplaceAllStringFunc(string(read(t, "docker-compose.yml")), func(v string) string {
		parts := composeVariable.FindStringSubmatch(v)
		if parts[2] == ":?" {
			return strings.Repeat(parts[1], 4)
		}
		return parts[3]
	})
	parsed, err := yaml.Parser().Unmarshal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	var compose struct{ Services map[string]service }
	if err := json.Unmarshal(document, &compose); err != nil {
		t.Fatal(err)
	}
	return compose.Services
}

// knows fails where the command line does not know the command.
func knows(t *testing.T, where string, command []string) {
	t.Helper()
	var out bytes.Buffer
	if status := cmd.Main(append(command[:len(command):len(command)], "--help"), strings.NewReader(""), &out, &out); status != 0 {
		t.Errorf("%s: lanyard %s: status %d\n%s", where, strings.Join(command, " "), status, &out)
	}
}

func TestComposeRunsCommandsThatThereAre(t *testing.T) {
	services := composed(t)
	for name, s := range services {
		if s.Build == nil {
			continue
		}
		knows(t, "service "+name, s.Command)
		if !s.Healthcheck.Disable {
			if test := s.Healthcheck.Test; len(test) < 3 || test[0] != "CMD" || test[1] != "/lanyard" {
				t.Errorf("service %s is tested by %v", name, test)
			} else {
				knows(t, "service "+name, test[2:])
			}
		}
	}
	waits := map[string]string{}
	for name, s := range services {
		for on, how := range s.DependsOn {
			waits[name] = on + " " + how.Condition
		}
	}
	if waits["migrate"] != "postgres service_healthy" || waits["lanyard"] != "migrate service_completed_successfully" {
		t.Errorf("they wait for each other like this: %v", waits)
	}
	if len(services["postgres"].Volumes) != 1 || len(services["postgres"].Healthcheck.Test) == 0 {
		t.Errorf("postgres is %+v", services["postgres"])
	}
}

// What compose sets is a configuration that the server would start with.
func TestComposeSetsAWholeConfiguration(t *testing.T) {
	for name, s := range composed(t) {
		if s.Build == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for variable, value := range s.Environment {
				t.Setenv(variable, value)
			}
			t.Chdir(t.TempDir())
			var out, errs bytes.Buffer
			if status := cmd.Main([]string{"config"}, strings.NewReader(""), &out, &errs); status != 0 {
				t.Errorf("lanyard config: status %d\n%s", status, &errs)
			}
			if !strings.Contains(out.String(), "url: postgres://lanyard:hidden@postgres:5432/lanyard") {
				t.Errorf("this is in force:\n%s", &out)
			}
		})
	}
}

// instruction returns the text behind a keyword of the Dockerfile.
func instruction(t *testing.T, keyword string) string {
	t.Helper()
	for line := range strings.Lines(string(read(t, "Dockerfile"))) {
		if rest, found := strings.CutPrefix(line, keyword+" "); found {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("the Dockerfile has no %s", keyword)
	return ""
}

func TestDockerfileRunsCommandsThatThereAre(t *testing.T) {
	words := func(text string) (list []string) {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return list
	}
	if entry := words(instruction(t, "ENTRYPOINT")); len(entry) != 1 || entry[0] != "/lanyard" {
		t.Errorf("the entrypoint is %v", entry)
	}
	knows(t, "CMD", words(instruction(t, "CMD")))
	_, probe, _ := strings.Cut(instruction(t, "HEALTHCHECK"), "CMD ")
	knows(t, "HEALTHCHECK", words(probe)[1:])

	_, version, _ := strings.Cut(string(read(t, "go.mod")), "\ngo ")
	image, _, _ := strings.Cut(instruction(t, "FROM"), " ")
	if !strings.HasPrefix(version, strings.TrimPrefix(image, "golang:")+".") {
		t.Errorf("%s builds a module of go %.6s", image, version)
	}
}

// The build of the image, run by hand: it yields one static binary that knows
// its version.
func TestDockerfileBuilds(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "lanyard")
	var build string
	for line := range strings.Lines(string(read(t, "Dockerfile"))) {
		if strings.Contains(line, " go build ") {
			build = strings.TrimPrefix(strings.TrimSpace(line), "RUN ")
		}
	}
	shell := exec.Command("sh", "-c", strings.Replace(build, "/out/lanyard", binary, 1))
	shell.Dir = ".."
	shell.Env = append(os.Environ(), "VERSION=v1.2.3-test")
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	out, err := exec.Command(binary, "version").Output()
	if want := "lanyard v1.2.3-test ("; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("it says %s (%v), want %s", out, err, want)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary needs a loader; the image has none")
		}
	}
	if libraries, err := file.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary needs %v", libraries)
	}
}
