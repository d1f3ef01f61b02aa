package e2e_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// install installs the clients of package-lock.json, once for all tests.
var install = sync.OnceValue(func() string {
	if _, err := exec.LookPath("npm"); err != nil {
		return "node and npm are missing: run `apt-get install -y --no-install-recommends nodejs npm`"
	}
	lock, err := os.ReadFile("clients/package-lock.json")
	if err != nil {
		return err.Error()
	}
	// npm writes down what it has installed, with the same names and hashes.
	const stamp = "clients/node_modules/.lanyard-lock"
	if done, err := os.ReadFile(stamp); err == nil && bytes.Equal(done, lock) {
		return ""
	}
	ci := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	ci.Dir = "clients"
	if out, err := ci.CombinedOutput(); err != nil {
		return "npm ci: " + err.Error() + "\n" + string(out)
	}
	if err := os.WriteFile(stamp, lock, 0o600); err != nil {
		return err.Error()
	}
	return ""
})

// cast are the clients that the stories play with. The key is that of robot.
func cast(t *testing.T, h *house.House) (map[string]house.Client, json.RawMessage) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: private, KeyID: "robot-1", Algorithm: "ES256", Use: "sig"}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(h.Dir, "robot.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	jwk.Use = ""
	key, err := jwk.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	machine := []string{"--grant-type", "client_credentials", "--scope", "reports"}
	return map[string]house.Client{
		"shop":    h.Client("--id", "shop", "--post-logout-redirect-uri", left),
		"notes":   h.Client("--id", "notes", "--public"),
		"bank":    h.Client("--id", "bank", "--public", "--binding", "dpop"),
		"paper":   h.Client("--id", "paper", "--public", "--access-token", "jwt", "--audience", "https://paper.example.com"),
		"nightly": h.Client(append(machine, "--id", "nightly")...),
		"poster":  h.Client(append(machine, "--id", "poster", "--auth-method", "client_secret_post")...),
		"robot":   h.Client(append(machine, "--id", "robot", "--jwks", file, "--auth-alg", "ES256")...),
	}, key
}

// left is where the clients have their users return to after signing out.
const left = "https://shop.example.com/left"

// flat returns headers as plain pairs.
func flat(looks http.Header) map[string]string {
	pairs := map[string]string{}
	for name := range looks {
		pairs[name] = looks.Get(name)
	}
	return pairs
}

// plays runs a script, with a browser at its service. Ada sits before it.
func plays(t *testing.T, h *house.House, script string) {
	t.Helper()
	if trouble := install(); trouble != "" {
		t.Fatal(trouble)
	}
	ada := h.User("ada@example.com", "--name", "Ada", "--email", "ada@example.com")
	clients, key := cast(t, h)
	scene, err := json.Marshal(map[string]any{
		"issuer": h.Issuer, "redirect": house.Redirect, "left": left, "subject": ada.Subject,
		"clients": clients, "key": key, "laptop": flat(house.Laptop()), "thief": flat(house.Thief()),
	})
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	node := exec.CommandContext(t.Context(), "node", "--no-warnings", script, string(scene))
	node.Dir, node.Stderr = "clients", &errs
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	chapter := serveBrowser(t, ada, in, out)
	if err := node.Wait(); err != nil {
		t.Fatalf("%s: %v in the chapter %q\n%s", script, err, chapter, &errs)
	}
}

// serveBrowser goes where the script says, until it ends, and returns the
// last chapter.
func serveBrowser(t *testing.T, u house.User, in io.Writer, out io.Reader) string {
	t.Helper()
	browser := house.NewBrowser(house.Laptop())
	chapter := "before the first"
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var said struct{ Visit, Chapter string }
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			t.Errorf("the script said %q", lines.Text())
			continue
		}
		if said.Chapter != "" {
			chapter = said.Chapter
			t.Log(chapter)
			continue
		}
		answer := map[string]string{}
		if back, err := browser.SignIn(said.Visit, u); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["back"] = back.String()
		}
		if err := json.NewEncoder(in).Encode(answer); err != nil {
			t.Error(err)
		}
	}
	return chapter
}

func TestNodeOpenIDClient(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) { plays(t, house.Open(t, d), "openid-client.mjs") })
}

func TestNodeOAuth4WebAPI(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) { plays(t, house.Open(t, d), "oauth4webapi.mjs") })
}

// The lock works with any registry: it names none.
func TestLockNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("clients/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte(`"resolved"`)) {
		t.Error("package-lock.json says where packages were loaded from; see clients/.npmrc")
	}
	if n := strings.Count(string(lock), `"integrity"`); n < 3 {
		t.Errorf("package-lock.json has %d hashes", n)
	}
}
