//go:build ory

package ory_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/knadh/koanf/parsers/yaml"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// guide walks through "Ten minutes" of docs/ory.md beside a Kratos and a Hydra
// that know nothing of lanyard, behind an nginx.
type guide struct {
	*ory.Stack
	t     *testing.T
	dir   string
	names *strings.Replacer // of the guide -> of this machine
	env   []string
	proxy *ory.Nginx
	// locations are the proxy's before, and named is where it is id.example.com.
	locations, named string
	blocks           []block // of the guide, in their order
	commands         int
	steps            []string
	spent            time.Duration
}

// block is what stands between fences.
type block struct{ kind, text string }

func TestTenMinutes(t *testing.T) {
	g := begin(t)
	app, _, err := g.NewClient(true)
	good(t, err)
	old := g.NewPerson("http://"+g.proxy.Address, house.Laptop())
	good(t, old.Register())
	before, a, err := old.Authorize(app, "", "")
	good(t, err)
	wants(t, a, http.StatusOK, "")

	g.timed("lanyard is started", func() {
		g.run(g.next("sh"), 0)
		g.ready()
	})
	named := ""
	g.timed("nginx leads to it, Kratos gets its file", func() {
		named = "}\nserver { listen " + g.named + ";\n" + g.next("nginx")
		good(t, g.proxy.Configure(g.locations+named))
		g.run(g.next("sh"), 0)
	})
	printed := ""
	g.timed("the doctor prints what is missing", func() { printed = g.run(g.next("sh"), 1) })
	for _, want := range []string{"Hydra asks nobody", "hears nothing of login", "is not the gateway; have that address lead"} {
		if !strings.Contains(printed, want) {
			t.Errorf("the doctor does not say %q:\n%s", want, printed)
		}
	}
	hydra, kratos := g.pasted(printed, "hydra.yml"), g.pasted(printed, "kratos.yml")
	for i, file := range []string{"hydra.yml", "kratos.yml"} {
		if diff := cmp.Diff([]map[string]any{hydra, kratos}[i], g.with(file, g.next("yaml"))); diff != "" {
			t.Errorf("%s: the guide shows other than the doctor prints (-doctor +guide):\n%s", file, diff)
		}
	}
	g.timed("both are restarted with what is pasted", func() {
		g.write("hydra.yml", hydra)
		g.write("kratos.yml", kratos)
		for _, server := range []*ory.Server{g.Hydra, g.Kratos} {
			good(t, server.Stop())
			good(t, server.Start(t.Context()))
		}
	})
	g.timed("nginx leads through the gateway, the doctor is content", func() {
		good(t, g.proxy.Configure(g.next("nginx")+named))
		g.run(g.next("sh"), 0)
		g.reloaded()
		printed = g.run(g.next("sh"), 0)
	})
	if !strings.Contains(printed, "which Hydra tells its clients, is the gateway") {
		t.Errorf("the doctor has not seen the gateway:\n%s", printed)
	}
	refreshes(t, before) // who was signed in before goes on

	ada := g.NewPerson("http://"+g.proxy.Address, house.Laptop())
	good(t, ada.Register())
	ada.Forget()
	var c *ory.Chain
	g.timed("somebody signs in", func() {
		c, a, err = ada.Authorize(app, "", "")
		good(t, err)
		wants(t, a, http.StatusOK, "")
	})
	refreshes(t, c)
	isRefused(t, c.Stolen(g.NewPerson("http://"+g.proxy.Address, house.Phone())))
	g.timed("the device is seen, ended, and its refresh refused", func() { g.seeAndEnd(g.next("sh"), ada, c) })
	g.tell()
}

func begin(t *testing.T) *guide {
	binaries, err := ory.Build(t.Context(), progress{t})
	good(t, err)
	at := func() string { return house.Address(t) }
	database := func() string { return pgtest.On(t, pgtest.Options{TCP: true}, false) }
	g := &guide{t: t, dir: t.TempDir()}
	public, plan := at(), ory.Plan{
		Dir: g.dir, HydraPublic: at(), HydraAdmin: at(), KratosPublic: at(), KratosAdmin: at(),
		HydraDatabase: database(), KratosDatabase: database(), Consent: ory.NoConsent,
	}
	plan.Issuer = "http://" + public
	g.Stack, err = ory.Start(t.Context(), binaries, plan)
	good(t, err)
	t.Cleanup(func() { good(t, g.Stop()) })
	g.locations = "location / { proxy_pass http://" + plan.HydraPublic + "; proxy_set_header Host $http_host; }"
	g.proxy, err = ory.StartNginx(t.Context(), t.TempDir(), public, g.locations, "/.well-known/openid-configuration")
	good(t, err)
	t.Cleanup(func() { good(t, g.proxy.Server.Stop()) })

	own, gateway := at(), at()
	g.named = at()
	g.names = strings.NewReplacer(
		"https://id.example.com", "http://"+g.named, "http://lanyard:4477", "http://"+own, "http://lanyard:4440", "http://"+gateway, "0.0.0.0:4440", gateway,
		"http://hydra:4444", "http://"+plan.HydraPublic, "http://hydra:4445", "http://"+plan.HydraAdmin,
		"http://kratos:4434", "http://"+plan.KratosAdmin, "/etc/kratos", g.dir, "nginx -s", g.proxy.Command()+" -s",
		"lanyard doctor", "lanyard doctor --jsonnet "+g.dir+"/device.jsonnet",
	)
	// The ports are this test's, and the machine may be busy.
	g.env = append(os.Environ(), "LANYARD_PUBLIC_LISTEN="+own, "LANYARD_ADMIN_LISTEN="+at(), "LANYARD_HOOKS_DEADLINE=2s",
		"PATH="+filepath.Dir(house.Binary(t))+":"+os.Getenv("PATH"))
	text, err := os.ReadFile("../../docs/ory.md")
	good(t, err)
	_, section, _ := strings.Cut(string(text), "\n## Ten minutes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?ms)^ *```(\\w+)\n(.*?)^ *```$").FindAllStringSubmatch(section, -1) {
		g.blocks = append(g.blocks, block{m[1], regexp.MustCompile(`(?m)^ {3}`).ReplaceAllString(m[2], "")})
	}
	return g
}

// next returns the next block of the guide, which is of that kind.
func (g *guide) next(kind string) string {
	g.t.Helper()
	if len(g.blocks) == 0 || g.blocks[0].kind != kind {
		g.t.Fatalf("the guide has no %s block next: %+v", kind, g.blocks)
	}
	b := g.blocks[0]
	g.blocks = g.blocks[1:]
	return g.names.Replace(b.text)
}

// run runs a block as a shell does and returns what it prints.
func (g *guide) run(script string, status int) string {
	g.t.Helper()
	here := false
	for line := range strings.Lines(script) {
		if !here && strings.TrimSpace(line) != "" {
			g.commands++
		}
		here = (here || strings.Contains(line, "<<EOF")) && strings.TrimSpace(line) != "EOF"
	}
	out, err := os.CreateTemp(g.t.TempDir(), "")
	good(g.t, err)
	defer func() { _ = out.Close() }()
	if strings.HasSuffix(script, "&\n") {
		script += "echo $! > pid\n" // to end it with the test
	}
	c := exec.Command("sh", "-ec", script)
	c.Dir, c.Env, c.Stdout, c.Stderr = g.dir, g.env, out, out
	err = c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		g.t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	good(g.t, err)
	if c.ProcessState.ExitCode() != status {
		g.t.Fatalf("%s\nstatus %d, want %d\n%s", script, c.ProcessState.ExitCode(), status, text)
	}
	return string(text)
}

// ready waits for the server that was started, which ends with the test.
func (g *guide) ready() {
	g.t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, "pid"))
	good(g.t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	good(g.t, err)
	g.t.Cleanup(func() { good(g.t, syscall.Kill(pid, syscall.SIGTERM)) })
	p := g.NewPerson("", nil)
	eventually(g.t, "lanyard is ready", func() bool {
		a, err := p.Do(http.MethodGet, g.names.Replace("http://lanyard:4477/health/ready"), nil, nil)
		return err == nil && a.Status == http.StatusOK
	})
}

// reloaded waits until nginx's old workers are gone: for a moment they answer too.
func (g *guide) reloaded() {
	g.t.Helper()
	p := g.NewPerson("", nil)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	inARow := 0
	eventually(g.t, "nginx leads to the gateway", func() bool {
		a, err := p.Do(http.MethodPost, "http://"+g.proxy.Address+"/oauth2/token", form, []byte("a=1&a=2"))
		if inARow++; err != nil || !strings.Contains(string(a.Body), "each parameter once") {
			inARow = 0
		}
		return inARow == 10
	})
}

func (g *guide) read(file string) map[string]any {
	g.t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, file))
	good(g.t, err)
	config, err := yaml.Parser().Unmarshal(text)
	good(g.t, err)
	return config
}

func (g *guide) write(file string, config map[string]any) {
	g.t.Helper()
	text, err := yaml.Parser().Marshal(config)
	good(g.t, err)
	good(g.t, os.WriteFile(filepath.Join(g.dir, file), text, 0o600))
}

// with returns a configuration with a block pasted into it: maps are joined,
// everything else is replaced.
func (g *guide) with(file, text string) map[string]any {
	g.t.Helper()
	key := g.read("lanyard.yaml")["hooks"].(map[string]any)["keys"].([]any)[0].(string)
	config := g.read(file)
	for _, part := range strings.Split(text, "---\n") {
		more, err := yaml.Parser().Unmarshal([]byte(strings.ReplaceAll(part, "THE_HOOK_KEY", key)))
		good(g.t, err)
		join(config, more)
	}
	return config
}

func join(into, more map[string]any) {
	for k, v := range more {
		below, is := v.(map[string]any)
		if at, there := into[k].(map[string]any); is && there {
			join(at, below)
			continue
		}
		into[k] = v
	}
}

// pasted returns a configuration with every block that was printed for it.
func (g *guide) pasted(printed, file string) map[string]any {
	g.t.Helper()
	var parts []string
	about := false
	for line := range strings.Lines(printed) {
		switch text, inside := strings.CutPrefix(line, "           "); {
		case !inside:
			about = strings.Contains(line, " "+file+": ")
			parts = append(parts, "")
		case about:
			parts[len(parts)-1] += text
		}
	}
	return g.with(file, strings.Join(parts, "---\n"))
}

var id = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func (g *guide) seeAndEnd(script string, p *ory.Person, c *ory.Chain) {
	list, end, _ := strings.Cut(script, "\n")
	seen := ""
	for line := range strings.Lines(g.run(list, 0)) {
		if strings.Contains(line, p.Subject) {
			seen = id.FindString(line)
		}
	}
	if seen == "" {
		g.t.Fatal("nobody's device is seen")
	}
	g.run(strings.Replace(end, "ID", seen, 1), 0)
	isRefused(g.t, c)
	eventually(g.t, "Kratos' session is gone", func() bool {
		a, err := p.Do(http.MethodGet, "http://"+g.KratosPublic+"/sessions/whoami", nil, nil)
		return err == nil && a.Status == http.StatusUnauthorized
	})
}

func (g *guide) timed(what string, step func()) {
	g.t.Helper()
	began := time.Now()
	step()
	took := time.Since(began)
	g.spent += took
	g.steps = append(g.steps, took.Round(time.Millisecond).String()+"\t"+what)
}

// tell prints how long it took and holds the guide to what it says of that.
func (g *guide) tell() {
	g.t.Logf("%d commands, %s:\n%s", g.commands, g.spent.Round(time.Second/10), strings.Join(g.steps, "\n"))
	if len(g.blocks) > 0 {
		g.t.Errorf("the guide goes on: %+v", g.blocks)
	}
	text, err := os.ReadFile("../../docs/ory.md")
	good(g.t, err)
	if want := strconv.Itoa(g.commands) + " commands"; !strings.Contains(string(text), want) {
		g.t.Errorf("the guide does not say %q", want)
	}
	if g.spent > 10*time.Minute {
		g.t.Errorf("it takes %s", g.spent)
	}
}
