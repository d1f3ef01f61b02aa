package e2e_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

// empty returns a house whose database has no schema.
func empty(t *testing.T, d house.Database) *house.House {
	t.Helper()
	if d == house.SQLite {
		return house.Empty(t, d)
	}
	return house.At(t, pgtest.On(t, pgtest.Options{TCP: true}, false))
}

// terminal runs command lines and holds them to what they should do.
type terminal struct {
	*testing.T
	*house.House
}

// says runs a command line that must end with the status and print that.
func (m terminal) says(status int, want string, args ...string) string {
	m.Helper()
	r := m.Run("", args...)
	if all := r.Stdout + r.Stderr; r.Status != status || !strings.Contains(all, want) {
		m.Fatalf("lanyard %s: status %d, want %d and %q\n%s", strings.Join(args, " "), r.Status, status, want, all)
	}
	return r.Stdout
}

// Run is the house's, not the test's.
func (m terminal) Run(stdin string, args ...string) house.Result { return m.House.Run(stdin, args...) }

func TestCommandsOnSchema(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		m := terminal{t, empty(t, d)}
		for range 2 {
			m.says(0, "pending", "migrate", "status")
			m.says(1, "lanyard migrate up", "users", "list")
			m.says(1, "lanyard migrate up", "serve")
			m.says(0, "took", "migrate", "up")
			m.says(0, "nothing to do", "migrate", "up")
			if out := m.says(0, "applied", "migrate", "status"); strings.Contains(out, "pending") {
				t.Errorf("after migrate up:\n%s", out)
			}
			m.says(0, "", "users", "list")
			m.says(2, "--yes", "migrate", "down")
			m.says(0, "undid", "migrate", "down", "--yes")
		}
		m.says(0, "took", "migrate", "up")
		m.House.Start()
	})
}

func TestMigrateAtOnce(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := empty(t, d)
		const replicas = 8
		results := make([]house.Result, replicas)
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() { results[i] = h.Run("", "migrate", "up") })
		}
		all.Wait()
		took := 0
		for _, r := range results {
			if r.Status != 0 {
				t.Errorf("status %d\n%s", r.Status, r.Stderr)
			}
			took += strings.Count(r.Stdout, "took")
		}
		steps := strings.Count(h.CLI("migrate", "status"), "applied")
		if took != steps || steps == 0 {
			t.Errorf("%d replicas took %d steps, of which there are %d", replicas, took, steps)
		}
		h.Start()
	})
}

func TestCommandsOnUsersAndClients(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		m := terminal{t, house.Open(t, d)}
		notes := m.Client("--id", "notes", "--public")
		var made struct{ Subject, Password string }
		m.Prints(&made, "users", "create", "ada@example.com", "--name", "Ada")
		ada := house.User{Subject: made.Subject, Identifier: "ADA@example.com", Password: made.Password}
		good(t, http.StatusOK)(m.NewHand(notes, house.Laptop()).SignIn(ada, everything, nil))
		m.says(1, "ada@example.com", "users", "create", "ada@example.com")
		m.says(0, "ada@example.com", "users", "list")

		m.Prints(&made, "users", "passwd", made.Subject)
		if _, err := m.NewHand(notes, house.Laptop()).SignIn(ada, everything, nil); err == nil {
			t.Error("the old password still opens")
		}
		ada.Password = made.Password
		good(t, http.StatusOK)(m.NewHand(notes, house.Laptop()).SignIn(ada, everything, nil))

		m.says(0, "disabled", "users", "disable", "ada@example.com")
		if _, err := m.NewHand(notes, house.Laptop()).SignIn(ada, everything, nil); err == nil {
			t.Error("a disabled user signs in")
		}
		m.says(0, "active", "users", "enable", "ada@example.com")
		m.says(1, "lanyard users list", "users", "disable", "nobody")

		m.says(0, "notes", "clients", "list")
		m.says(0, "observed", "clients", "show", "notes")
		m.says(1, "notes", "clients", "create", "--id", "notes", "--public", "--redirect-uri", house.Redirect)
		m.says(2, "--redirect-uri", "clients", "create", "--id", "bad", "--redirect-uri", "javascript:alert(1)")
		m.says(2, "wildcard", "clients", "create", "--id", "bad", "--redirect-uri", "https://*.example.com/cb")
		if secret := m.Client("--id", "shop").Secret; strings.Contains(m.says(0, "shop", "clients", "show", "shop"), secret) {
			t.Error("a secret is shown twice")
		}
		m.says(0, "deleted notes", "clients", "delete", "notes")
		m.says(1, "lanyard clients list", "clients", "delete", "notes")
		// The server keeps a client's settings for a few seconds.
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(250 * time.Millisecond) {
			if _, err := m.NewHand(notes, house.Laptop()).SignIn(ada, everything, nil); err != nil {
				break
			}
			if time.Now().After(end) {
				t.Fatal("a deleted client signs in")
			}
		}
	})
}

// An operator's commands work through the server, and without it on the
// store.
func TestCommandsOnDevices(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		m := terminal{t, house.Open(t, d)}
		ada, notes := m.User("ada@example.com"), m.Client("--id", "notes", "--public")
		for _, how := range [][]string{nil, {"--offline"}} {
			says := func(status int, want string, args ...string) string {
				t.Helper()
				return m.says(status, want, append(args, how...)...)
			}
			laptop, phone := m.NewHand(notes, house.Laptop()), m.NewHand(notes, house.Phone())
			good(t, http.StatusOK)(laptop.SignIn(ada, everything, nil))
			good(t, http.StatusOK)(phone.SignIn(ada, everything, nil))
			if how != nil {
				m.Stop()
			}
			says(0, laptop.Tokens.Device, "devices", "list", "--subject", ada.Subject, "--os", "Windows")
			says(0, "Chrome", "devices", "show", laptop.Tokens.Device)
			says(0, "Work", "devices", "rename", laptop.Tokens.Device, "Work")
			says(0, "Work", "devices", "list", "--state", "active")
			var grants []struct{ ID string }
			m.Prints(&grants, append([]string{"grants", "list", "--device", phone.Tokens.Device}, how...)...)
			if len(grants) != 1 {
				t.Fatalf("the phone has %d grants", len(grants))
			}
			says(0, "revoked "+grants[0].ID, "grants", "revoke", grants[0].ID)
			says(0, "revoked", "grants", "list", "--device", phone.Tokens.Device)
			says(0, "revoked "+laptop.Tokens.Device, "devices", "revoke", laptop.Tokens.Device)
			says(0, laptop.Tokens.Device, "devices", "list", "--state", "revoked")
			says(1, "[device_not_found]", "devices", "show", "nobody")
			says(2, "", "devices", "revoke")
			if how != nil {
				m.says(1, "--offline", "devices", "list")
				m.House.Start()
			}
			for _, hand := range []*house.Hand{laptop, phone} {
				good(t, http.StatusBadRequest)(hand.Refresh())
			}
		}
	})
}

// A tail shows what happens while it runs, and an interrupt is no failure.
func TestCommandsOnEvents(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		tail := h.Command("events", "tail", "--output", "json")
		out, err := tail.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := tail.Start(); err != nil {
			t.Fatal(err)
		}
		ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public")
		good(t, http.StatusOK)(h.NewHand(notes, house.Laptop()).SignIn(ada, everything, nil))
		stuck := time.AfterFunc(time.Minute, func() { _ = tail.Process.Kill() })
		defer stuck.Stop()
		types := []string{}
		for lines := bufio.NewScanner(out); len(types) < 2 && lines.Scan(); {
			var e struct{ Type, Subject string }
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Subject != ada.Subject {
				t.Errorf("%v: %s", err, lines.Text())
			}
			types = append(types, e.Type)
		}
		if got := strings.Join(types, " "); got != "device.enrolled grant.created" {
			t.Errorf("the tail showed %q", got)
		}
		if err := tail.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := tail.Wait(); err != nil {
			t.Errorf("interrupted: %v", err)
		}
		for _, how := range []string{"--offline", "--admin-token=" + h.Token} {
			if list := h.CLI("events", "list", "--type", "device.enrolled", how); strings.Count(list, "device.enrolled") != 1 {
				t.Errorf("events list %s:\n%s", how, list)
			}
		}
	})
}

func TestCommandsOnTheRest(t *testing.T) {
	m := terminal{t, house.Open(t, house.SQLite)}
	m.says(0, "ok", "health")
	m.says(0, "ES256", "keys", "list")
	m.says(0, "next", "keys", "rotate", "--use", "sig")
	config := m.says(0, m.Issuer, "config")
	if strings.Contains(config, m.Token) || strings.Contains(config, m.Secret) {
		t.Errorf("the configuration shows secrets:\n%s", config)
	}
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal([]byte(m.says(0, "", "config", "--schema")), &schema); err != nil || schema.Properties["issuer"] == nil {
		t.Errorf("the schema: %v", err)
	}
	m.says(0, "", "version")
	m.says(0, "Usage", "--help")
	m.says(2, "", "fly")
	m.says(2, "", "serve", "--wings")
	m.says(1, "another server running?", "serve")

	// Every mistake of a configuration is told at once, with its place.
	m.Change(house.Set("tokens.grace", "soon"), house.Set("colour", "red"), house.Set("secrets.system", []string{"short"}))
	r := m.Run("", "serve")
	for _, place := range []string{"tokens.grace", "colour", "secrets.system"} {
		if !strings.Contains(r.Stderr, "lanyard serve: "+place) || r.Status != 1 {
			t.Errorf("status %d\n%s", r.Status, r.Stderr)
		}
	}
}

// The development server needs nothing, and the demo tells its story.
func TestDevelopment(t *testing.T) {
	h := house.Empty(t, house.SQLite)
	dir := t.TempDir()
	r := h.RunIn(dir, "", "demo", "--exit")
	if r.Status != 0 || !strings.Contains(r.Stdout, "Every step went as told.") {
		t.Errorf("the demo: status %d\n%s%s", r.Status, r.Stdout, r.Stderr)
	}
	r = h.RunIn(dir, "", "users", "create", "ada@example.com", "--dev")
	if r.Status != 0 || !strings.Contains(r.Stdout, "password") {
		t.Errorf("users create --dev: status %d\n%s%s", r.Status, r.Stdout, r.Stderr)
	}
}
