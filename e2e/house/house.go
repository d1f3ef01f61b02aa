package house

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
)

// Database is a kind of database.
type Database string

// The databases that lanyard runs on.
const (
	SQLite     Database = "sqlite"
	PostgreSQL Database = "postgres"
)

// Each runs a test on each database.
func Each(t *testing.T, test func(t *testing.T, d Database)) {
	t.Helper()
	for _, d := range []Database{SQLite, PostgreSQL} {
		t.Run(string(d), func(t *testing.T) { test(t, d) })
	}
}

// Setting is one line of a configuration: a key such as "tokens.grace" and
// its value.
type Setting struct {
	Key   string
	Value any
}

// Set returns a setting.
func Set(key string, value any) Setting { return Setting{key, value} }

// House is one installation of lanyard.
type House struct {
	Issuer   string // the public URL, without a slash at its end
	Admin    string // the admin URL, likewise
	Token    string // what opens the admin API
	Secret   string // the system secret
	Dir      string
	Config   string // the configuration file
	Database string // its URL
	// Ready is how long the last start took, from the process to the first
	// good answer of /health/ready.
	Ready time.Duration

	t        testing.TB
	settings []Setting
	process  *process
	log      *log
}

// New furnishes a house with a migrated database and everything it needs to
// start. Settings win over what it would choose.
func New(t testing.TB, d Database, settings ...Setting) *House {
	t.Helper()
	if d == SQLite {
		return At(t, sqlitetest.Fresh(t), settings...)
	}
	return Empty(t, d, settings...) // copied from a migrated one
}

// Empty is New without a schema on SQLite. On PostgreSQL it is New.
func Empty(t testing.TB, d Database, settings ...Setting) *House {
	t.Helper()
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "lanyard.db")
	if d == PostgreSQL {
		url = pgtest.On(t, pgtest.Options{TCP: true}, true)
	}
	return At(t, url, settings...)
}

// At furnishes a house on a database that is there.
func At(t testing.TB, url string, settings ...Setting) *House {
	t.Helper()
	Binary(t)
	h := &House{
		t: t, Dir: t.TempDir(), Database: url, Token: rand.Text() + rand.Text(), Secret: rand.Text() + rand.Text(), log: &log{},
	}
	h.settings = append([]Setting{
		{"database.url", url},
		{"secrets.system", []string{h.Secret}},
		{"admin.tokens", []string{h.Token}},
		{"log.level", "info"},
	}, settings...)
	h.move(ports(t, 2))
	h.Issuer = "http://" + h.public()
	h.write()
	return h
}

// Open is New and Start.
func Open(t testing.TB, d Database, settings ...Setting) *House {
	t.Helper()
	h := New(t, d, settings...)
	h.Start()
	return h
}

// Replica furnishes another server of the same installation: the same issuer,
// database and secrets behind other ports. Its Issuer is where it is reached
// itself.
func (h *House) Replica() *House {
	h.t.Helper()
	r := *h
	r.Dir, r.process, r.log = h.t.TempDir(), nil, &log{}
	r.settings = append([]Setting{{"issuer", h.Issuer}}, h.settings...)
	r.move(ports(h.t, 2))
	r.Issuer = "http://" + r.public()
	r.write()
	return &r
}

// Change sets settings anew, for the next start.
func (h *House) Change(settings ...Setting) {
	h.t.Helper()
	h.settings = append(h.settings, settings...)
	h.write()
}

// move chooses where the house listens.
func (h *House) move(at []string) {
	h.Admin = "http://" + at[1]
	h.settings = append(h.settings, Setting{"public.listen", at[0]}, Setting{"admin.listen", at[1]})
}

func (h *House) public() string { return h.get("public.listen").(string) }

func (h *House) get(key string) any {
	var value any
	for _, s := range h.settings {
		if s.Key == key {
			value = s.Value
		}
	}
	return value
}

// write writes the configuration file. JSON is YAML too.
func (h *House) write() {
	h.t.Helper()
	file := map[string]any{"issuer": h.Issuer}
	for _, s := range h.settings {
		at, keys := file, strings.Split(s.Key, ".")
		for _, key := range keys[:len(keys)-1] {
			if at[key] == nil {
				at[key] = map[string]any{}
			}
			at = at[key].(map[string]any)
		}
		at[keys[len(keys)-1]] = s.Value
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err == nil {
		h.Config = filepath.Join(h.Dir, "lanyard.yaml")
		err = os.WriteFile(h.Config, text, 0o600)
	}
	if err != nil {
		h.t.Fatal(fmt.Errorf("write the configuration: %w", err))
	}
}
