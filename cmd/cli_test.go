package cmd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/cmd"
)

// terminal is a working directory of its own in which commands are run.
type terminal struct {
	t     *testing.T
	stdin string
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "LANYARD_") {
			t.Setenv(name, "")
		}
	}
	return &terminal{t: t}
}

// runs runs a command line and returns what it printed. It must end with the
// status.
func (m *terminal) runs(status int, args ...string) (stdout, stderr string) {
	m.t.Helper()
	var out, errs bytes.Buffer
	if got := cmd.Main(args, strings.NewReader(m.stdin), &out, &errs); got != status {
		m.t.Fatalf("lanyard %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, status, &out, &errs)
	}
	return out.String(), errs.String()
}

// prints runs a command line that must succeed, and reads the JSON it prints.
func (m *terminal) prints(value any, args ...string) {
	m.t.Helper()
	out, _ := m.runs(0, append(args, "--output", "json")...)
	if err := json.Unmarshal([]byte(out), value); err != nil {
		m.t.Fatalf("lanyard %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// complains runs a command line that must fail with one line that says so.
func (m *terminal) complains(status int, want string, args ...string) {
	m.t.Helper()
	out, errs := m.runs(status, args...)
	if out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
		m.t.Errorf("lanyard %s: want one line with %q, got\n%s%s", strings.Join(args, " "), want, out, errs)
	}
}

func TestWrongUsageIsStatus2(t *testing.T) {
	m := newTerminal(t)
	for _, args := range [][]string{
		{}, {"fly"}, {"clients"}, {"clients", "show"}, {"clients", "create", "--colour", "red"},
		{"version", "--output", "xml"}, {"devices", "revoke"}, {"devices", "list", "--offline", "--admin-url", "http://x"},
		{"clients", "create", "--public", "--auth-method", "client_secret_post"},
		{"devices", "list", "--admin-url", "not a url"}, {"help", "fly"}, {"help", "clients", "fly"},
	} {
		if out, errs := m.runs(2, args...); errs == "" || out != "" {
			t.Errorf("lanyard %v: printed %q and %q", args, out, errs)
		}
	}
}

// A value that is none of those that there are is wrong usage, in every command
// alike, and the mistake lists what there is.
func TestWrongValuesAreStatus2(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	for want, args := range map[string][]string{
		`--output: "xml" is none of text, json`:                           {"version", "--output", "xml"},
		`--state: "lost" is none of active, flagged, revoked`:             {"devices", "list", "--offline", "--state", "lost"},
		`--type: "device.lost" is none of device.enrolled, `:              {"events", "list", "--offline", "--type", "device.revoked,device.lost"},
		`--type: "lost" is none of device.enrolled, `:                     {"events", "tail", "--offline", "--type", "lost"},
		`--ip: must be an address`:                                        {"devices", "list", "--offline", "--ip", "home"},
		`--device: `:                                                      {"grants", "list", "--offline", "--device", "laptop"},
		`--after: `:                                                       {"events", "list", "--offline", "--after", "!"},
		`--limit: 0 is none`:                                              {"devices", "list", "--offline", "--limit", "0"},
		`--alg must be one of "all","ES256","RS256"`:                      {"keys", "rotate", "--alg", "HS256"},
		`--mode must be one of "observe","flag","enforce"`:                {"simulate", "--input", "-", "--mode", "x"},
		`--binding: "x" is none of device_status, observed, `:             {"clients", "create", "--redirect-uri", "https://a.example.com", "--binding", "x"},
		`--access-ttl: "soon" is no positive duration`:                    {"clients", "create", "--redirect-uri", "https://a.example.com", "--access-ttl", "soon"},
		`--redirect-uri: needed where users sign in`:                      {"clients", "create"},
		`--redirect-uri: "https://*.example.com": holds a wildca`:         {"clients", "create", "--redirect-uri", "https://*.example.com"},
		`lanyard events list: --type: "x" is none of`:                     {"events", "list", "--type", "x"},
		`lanyard serve: unknown flag --bogus (try: lanyard serve --help)`: {"serve", "--bogus"},
		`lanyard: unexpected argument bogus (try: lanyard --help)`:        {"bogus"},
		`--after: there is no event with this id`:                         {"events", "list", "--offline", "--after", "01a22f0f-a7aa-77e8-8c98-967316251ed4"},
		`--use token alone, and --alg`:                                    {"keys", "rotate", "--use", "token", "--alg", "ES256"},
	} {
		m.complains(2, want, args...)
	}
}

func TestHelpIsStatus0(t *testing.T) {
	m := newTerminal(t)
	for _, args := range [][]string{
		{"--help"}, {"clients", "--help"}, {"clients", "create", "--help"},
		{"help"}, {"help", "clients"}, {"help", "clients", "create"},
	} {
		if out, errs := m.runs(0, args...); !strings.HasPrefix(out, "Usage: lanyard") || errs != "" {
			t.Errorf("lanyard %v: printed %q and %q", args, out, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	m := newTerminal(t)
	var built struct{ Version, Go string }
	m.prints(&built, "version")
	if built.Version == "" || built.Go == "" {
		t.Errorf("got %+v", built)
	}
	long, _ := m.runs(0, "version")
	short, errs := m.runs(0, "--version")
	if short != long || !strings.Contains(short, built.Version) || errs != "" {
		t.Errorf("version prints %q, --version %q and %q", long, short, errs)
	}
}

func TestConfigPrintsWhatIsInForceAndChecksIt(t *testing.T) {
	m := newTerminal(t)
	t.Setenv("LANYARD_ADMIN_TOKENS", operatorToken)
	out, errs := m.runs(1, "config")
	if !strings.Contains(out, "grace: 10s") || !strings.Contains(out, "[secret]") || strings.Contains(out, "a-token") {
		t.Errorf("printed %s", out)
	}
	if want := "lanyard config: issuer: required"; !strings.Contains(errs, want) || strings.Count(errs, "\n") != 2 {
		t.Errorf("complained %s", errs)
	}
	t.Setenv("LANYARD_ISSUER", "https://id.example.com")
	t.Setenv("LANYARD_SECRETS_SYSTEM", secret)
	if _, errs = m.runs(0, "config"); errs != "" {
		t.Errorf("complained %s", errs)
	}
	var schema map[string]any
	m.prints(&schema, "config", "--schema")
	if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("got the schema %v", schema["$schema"])
	}
}

func TestConfigurationFileIsFound(t *testing.T) {
	m := newTerminal(t)
	write := func(name, grace string) {
		if err := os.WriteFile(name, []byte("tokens: {grace: "+grace+"}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	grace := func(args ...string) string {
		out, _ := m.runs(1, append([]string{"config"}, args...)...) // no issuer: incomplete
		_, rest, _ := strings.Cut(out, "grace: ")
		value, _, _ := strings.Cut(rest, "\n")
		return value
	}
	write("lanyard.yaml", "1s")
	write("named.yaml", "2s")
	write("variable.yaml", "3s")
	if got := grace(); got != "1s" {
		t.Errorf("lanyard.yaml in the working directory: %s", got)
	}
	t.Setenv("LANYARD_CONFIG", "variable.yaml")
	if got := grace(); got != "3s" {
		t.Errorf("LANYARD_CONFIG: %s", got)
	}
	if got := grace("-c", "named.yaml"); got != "2s" {
		t.Errorf("-c: %s", got)
	}
	m.complains(1, "gone.yaml", "config", "-c", filepath.Join(t.TempDir(), "gone.yaml"))
}

func TestMigrate(t *testing.T) {
	m := newTerminal(t)
	m.complains(1, "lanyard migrate up", "clients", "list")
	var took, again, undid []string
	m.prints(&took, "migrate", "up")
	m.prints(&again, "migrate", "up")
	if len(took) == 0 || len(again) != 0 {
		t.Errorf("took %v, then %v", took, again)
	}
	var steps []struct{ Name, State string }
	m.prints(&steps, "migrate", "status")
	for _, s := range steps {
		if s.State != "applied" {
			t.Errorf("%s is %s", s.Name, s.State)
		}
	}
	m.complains(2, "--yes", "migrate", "down")
	m.runs(0, "clients", "list") // nothing was undone
	m.prints(&undid, "migrate", "down", "--yes")
	if len(undid) != len(took) {
		t.Errorf("undid %v of %v", undid, took)
	}
	m.complains(1, "lanyard migrate up", "clients", "list")
}

// Every list is a JSON array, and empty is one too.
func TestListsAreArrays(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	for _, args := range [][]string{
		{"users", "list"}, {"clients", "list"}, {"keys", "list"}, {"migrate", "status"},
		{"devices", "list", "--offline"}, {"grants", "list", "--offline"}, {"events", "list", "--offline"},
	} {
		var list []map[string]any
		m.prints(&list, args...)
	}
	var steps []struct {
		AppliedAt time.Time `json:"applied_at"`
	}
	if m.prints(&steps, "migrate", "status"); len(steps) == 0 || steps[0].AppliedAt.IsZero() {
		t.Errorf("steps: %+v", steps)
	}
}

// All events have ids of one form: those that the store emits, too. Each is a
// place to go on from.
func TestEventsHaveOneFormOfID(t *testing.T) {
	m := newTerminal(t)
	adasDevices(t, m)
	m.runs(0, "clients", "create", "--id", "web", "--redirect-uri", "https://a.example.com/cb")
	m.runs(0, "clients", "delete", "web")
	var told []api.Event
	m.prints(&told, "events", "list", "--offline")
	if len(told) == 0 {
		t.Fatal("nothing happened")
	}
	for _, e := range told {
		if uuid.Validate(e.ID) != nil {
			t.Errorf("%s has the id %q", e.Type, e.ID)
		}
	}
	var rest []api.Event
	if m.prints(&rest, "events", "list", "--offline", "--after", told[0].ID); len(rest) != len(told)-1 {
		t.Errorf("%d events after the first of %d", len(rest), len(told))
	}
}
