package e2e_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// quickstart returns the command lines of the README's own-provider part.
func quickstart(t *testing.T) []string {
	t.Helper()
	text := string(read(t, "README.md"))
	_, text, _ = strings.Cut(text, "\n## Quickstart\n")
	_, text, found := strings.Cut(text, "A provider of your own, on SQLite:\n\n```sh\n")
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatal("README.md: there is no quickstart for a provider of one's own")
	}
	text = strings.ReplaceAll(text, "\\\n", " ")
	comment := regexp.MustCompile(`\s+# .*$`)
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, comment.ReplaceAllString(strings.TrimSpace(line), ""))
	}
	return lines
}

// Whoever types what the README says has a provider that signs in.
func TestReadmeQuickstart(t *testing.T) {
	const password = "as long as it is typed"
	dir, public, admin, at := t.TempDir(), house.Address(t), house.Address(t), house.Address(t)
	if err := os.Symlink(house.Binary(t), filepath.Join(dir, "lanyard")); err != nil {
		t.Fatal(err)
	}
	run := func(line string) *exec.Cmd {
		c := exec.Command("sh", "-c", line)
		c.Dir, c.Stdin = dir, strings.NewReader(password+"\n")
		c.Env = append(os.Environ(), "LANYARD_PUBLIC_LISTEN="+public, "LANYARD_ADMIN_LISTEN="+admin)
		return c
	}
	for _, line := range quickstart(t) {
		switch {
		case strings.HasPrefix(line, "go build "): // the house has built it
		case strings.HasSuffix(line, "&"):
			background(t, run("exec "+strings.TrimSuffix(line, "&")))
			awaits(t, "http://"+public+"/health/ready")
		case strings.HasPrefix(line, "go run ./examples/notes"):
			background(t, notes(t, "http://"+public, at))
			awaits(t, "http://"+at+"/")
		default:
			if out, err := run(line).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		}
	}
	browser := house.NewBrowser(house.Laptop())
	home := arrives(t, browser, "http://"+at, house.User{Identifier: "ada@example.com", Password: password})
	device := regexp.MustCompile(`Device ([0-9a-f-]{36})`).FindStringSubmatch(home.Text)
	if !strings.Contains(home.Text, "Signed in as ada@example.com") || device == nil {
		t.Fatalf("the application shows %s", home.Text)
	}
	if again := refreshed(t, browser, home); !strings.Contains(again.Text, "refreshed 1 times") {
		t.Errorf("after a refresh it shows %s", again.Text)
	}
	if out, err := run("./lanyard devices revoke --dev " + device[1]).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if again := refreshed(t, browser, home); !strings.Contains(again.Text, "refused the refresh (invalid_grant)") {
		t.Errorf("with the device signed out it shows %s", again.Text)
	}
}

// notes returns the example application, built, for an issuer and an address.
func notes(t *testing.T, issuer, at string) *exec.Cmd {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "notes")
	if out, err := exec.Command("go", "build", "-o", binary, "../examples/notes").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exec.Command(binary, "-issuer", issuer, "-listen", at)
}

// arrives signs in to an application at its /login, and returns the page that the
// browser comes back to.
func arrives(t *testing.T, b *house.Browser, app string, u house.User) *house.Page {
	t.Helper()
	away, err := b.Visit(app + "/login")
	must(t, err)
	back, err := b.SignIn(away.Away.String(), u)
	must(t, err)
	home, err := b.Visit(back.String())
	must(t, err)
	return home
}

func refreshed(t *testing.T, b *house.Browser, home *house.Page) *house.Page {
	t.Helper()
	form, has := home.Form("/refresh")
	if !has {
		t.Fatalf("there is nothing to refresh with in %s", home.Text)
	}
	again, err := b.Submit(home, form, nil, "")
	must(t, err)
	return again
}

// The block for a PostgreSQL of one's own makes a server that is ready.
func TestReadmePostgreSQL(t *testing.T) {
	_, text, _ := strings.Cut(string(read(t, "README.md")), "without Docker:\n\n```sh\n")
	block, _, found := strings.Cut(text, "./lanyard serve\n```")
	if !found {
		t.Fatal("README.md: there is no block for PostgreSQL without Docker")
	}
	there, err := url.Parse(pgtest.On(t, pgtest.Options{TCP: true}, false))
	must(t, err)
	public, dir := house.Address(t), t.TempDir()
	name := "newcomer_" + strings.ToLower(rand.Text()[:8])
	psql := "psql '" + there.String() + "'"
	for _, change := range [][2]string{
		{"sudo -u postgres psql", psql}, {"127.0.0.1:5432", there.Query().Get("host") + ":" + there.Query().Get("port")}, {"127.0.0.1:4477", public},
		{"ROLE lanyard", "ROLE " + name}, {"DATABASE lanyard OWNER lanyard", "DATABASE " + name + " OWNER " + name},
		{"postgres://lanyard:", "postgres://" + name + ":"}, {"/lanyard\"", "/" + name + "\""},
	} {
		if !strings.Contains(block, change[0]) {
			t.Fatalf("README.md does not say %q", change[0])
		}
		block = strings.ReplaceAll(block, change[0], change[1])
	}
	must(t, os.Symlink(house.Binary(t), filepath.Join(dir, "lanyard")))
	shell := func(text string) *exec.Cmd {
		c := exec.Command("sh", "-ec", text)
		c.Dir = dir
		c.Env = append(os.Environ(), "PATH=/usr/lib/postgresql/15/bin:"+os.Getenv("PATH"),
			"LANYARD_PUBLIC_LISTEN="+public, "LANYARD_ADMIN_LISTEN="+house.Address(t))
		return c
	}
	t.Cleanup(func() { // after the server has ended
		if out, err := shell(psql + ` -c "DROP DATABASE ` + name + `" -c "DROP ROLE ` + name + `"`).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	if out, err := shell(block).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	background(t, shell("exec ./lanyard serve"))
	awaits(t, "http://"+public+"/health/ready")
}

// background runs a command until the test ends, in order.
func background(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err != nil || t.Failed() {
			t.Errorf("%s: %v\n%s", c, err, &out)
		}
	})
}

// awaits waits until there is a good answer.
func awaits(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(address)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s gives no good answer", address)
}

// What the documents point at is there, and each story is pointed at.
func TestDocumentsPointAtFiles(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	pointed := map[string]bool{}
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".md" {
			continue
		}
		for _, found := range link.FindAllSubmatch(read(t, name), -1) {
			to := string(found[1])
			if strings.Contains(to, ":") {
				continue
			}
			to = filepath.Join(filepath.Dir(name), to)
			pointed[to] = true
			if _, err := os.Stat(filepath.Join("..", to)); err != nil {
				t.Errorf("%s points at %s, which is not there", name, to)
			}
		}
	}
	stories, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, story := range stories {
		if !pointed[filepath.Join("e2e", story)] {
			t.Errorf("no document points at %s", story)
		}
	}
}
