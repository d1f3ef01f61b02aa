package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Result is what a command line did.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// Run runs lanyard with the house's configuration and this standard input.
func (h *House) Run(stdin string, args ...string) Result {
	h.t.Helper()
	return h.RunIn(h.Dir, stdin, append(slices.Clone(args), "-c", h.Config)...)
}

// RunIn runs lanyard in a directory, with nothing else given.
func (h *House) RunIn(dir, stdin string, args ...string) Result {
	h.t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command(Binary(h.t), args...)
	c.Dir, c.Env, c.Stdin, c.Stdout, c.Stderr = dir, environ(), strings.NewReader(stdin), &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("lanyard %v: %v", args, err)
	}
	return Result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// Command returns a command line that is not started yet, with the house's
// configuration. It ends with the tests.
func (h *House) Command(args ...string) *exec.Cmd {
	h.t.Helper()
	c := exec.Command(Binary(h.t), append(slices.Clone(args), "-c", h.Config)...)
	c.Dir, c.Env, c.SysProcAttr = h.Dir, environ(), withParent()
	return c
}

// environ is the environment without what would configure lanyard.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "LANYARD_")
	})
}

// CLI runs a command line that must succeed and returns what it prints.
func (h *House) CLI(args ...string) string {
	h.t.Helper()
	r := h.Run("", args...)
	if r.Status != 0 {
		h.t.Fatalf("lanyard %s: status %d\n%s%s", strings.Join(args, " "), r.Status, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Prints runs a command line that must succeed and reads the JSON it prints.
func (h *House) Prints(value any, args ...string) {
	h.t.Helper()
	out := h.CLI(append(args, "--output", "json")...)
	if err := json.Unmarshal([]byte(out), value); err != nil {
		h.t.Fatalf("lanyard %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// User is somebody who can sign in.
type User struct {
	Subject, Identifier, Password string
}

// User creates a user through the command line.
func (h *House) User(identifier string, args ...string) User {
	h.t.Helper()
	u := User{Identifier: identifier, Password: "a lanyard around every key"}
	var made struct {
		Subject string `json:"subject"`
	}
	r := h.Run(u.Password, append([]string{"users", "create", identifier, "--password", "-", "--output", "json"}, args...)...)
	if err := json.Unmarshal([]byte(r.Stdout), &made); err != nil || made.Subject == "" || r.Status != 0 {
		h.t.Fatalf("lanyard users create: status %d, %v\n%s%s", r.Status, err, r.Stdout, r.Stderr)
	}
	u.Subject = made.Subject
	return u
}

// Client is a registered client.
type Client struct {
	ID       string `json:"client_id"`
	Secret   string `json:"client_secret"`
	Redirect string `json:"-"`
	Scope    string `json:"scope"`
}

// Redirect is where the clients of tests have their users return to. Nobody
// listens there: browsers stop before it.
const Redirect = "http://127.0.0.1/callback"

// Client registers a client through the command line. It may use the scopes
// openid, offline_access, profile, email and devices, and is not asked about,
// unless the arguments say otherwise.
func (h *House) Client(args ...string) Client {
	h.t.Helper()
	has := func(flag string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return a == flag || strings.HasPrefix(a, flag+"=") })
	}
	all := []string{"clients", "create"}
	if !has("--redirect-uri") {
		all = append(all, "--redirect-uri", Redirect)
	}
	if !has("--scope") {
		all = append(all, "--scope", "openid", "--scope", "offline_access", "--scope", "profile",
			"--scope", "email", "--scope", "devices")
	}
	if !has("--ask") {
		all = append(all, "--skip-consent")
	}
	c := Client{Redirect: Redirect}
	h.Prints(&c, append(all, slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--ask" })...)...)
	return c
}
