package e2e_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
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
	dir, public := t.TempDir(), house.Address(t)
	if err := os.Symlink(house.Binary(t), filepath.Join(dir, "lanyard")); err != nil {
		t.Fatal(err)
	}
	run := func(line string) *exec.Cmd {
		c := exec.Command("sh", "-c", line)
		c.Dir, c.Stdin = dir, strings.NewReader(password+"\n")
		c.Env = append(os.Environ(), "LANYARD_PUBLIC_LISTEN="+public, "LANYARD_ADMIN_LISTEN="+house.Address(t))
		return c
	}
	for _, line := range quickstart(t) {
		switch {
		case strings.HasPrefix(line, "go build "): // the house has built it
		case strings.HasSuffix(line, "&"):
			background(t, run("exec "+strings.TrimSuffix(line, "&")))
			awaits(t, "http://"+public+"/health/ready")
		case strings.HasPrefix(line, "curl "):
			address := line[strings.LastIndex(line, " ")+1:]
			awaits(t, strings.ReplaceAll(address, "127.0.0.1:4477", public))
		default:
			if out, err := run(line).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		}
	}
	var nobody house.House
	hand := nobody.NewHand(house.Client{ID: "notes", Redirect: "http://127.0.0.1:8000/callback"}, house.Laptop())
	hand.At = "http://" + public
	ada := house.User{Identifier: "ada@example.com", Password: password}
	good(t, http.StatusOK)(hand.SignIn(ada, everything, nil))
	good(t, http.StatusOK)(hand.Refresh())
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
