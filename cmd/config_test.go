package cmd_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/cmd"
)

const secret = "0123456789abcdef0123456789abcdef"

// load reads a configuration from YAML text and variables.
func load(t *testing.T, yaml string, environ ...string) (cmd.Config, []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lanyard.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := cmd.Source{File: file, Environ: environ}.Load()
	var mistakes *cmd.ConfigError
	if err != nil && !errors.As(err, &mistakes) {
		t.Fatal(err)
	}
	if mistakes == nil {
		return c, nil
	}
	return c, mistakes.Complaints
}

func TestDefaultsAreTheContracts(t *testing.T) {
	c, complaints := load(t, "")
	if complaints != nil {
		t.Fatal(complaints)
	}
	want := cmd.Tokens{
		AccessTTL: 10 * time.Minute, IDTTL: 10 * time.Minute, CodeTTL: time.Minute,
		RefreshIdle: 720 * time.Hour, RefreshAbsolute: 2160 * time.Hour, Grace: 10 * time.Second,
	}
	if diff := cmp.Diff(want, c.Tokens); diff != "" {
		t.Error(diff)
	}
	if c.Public.Listen != "127.0.0.1:4477" || c.Admin.Listen != "127.0.0.1:4478" ||
		c.Database.URL.Reveal() != "sqlite:lanyard.db" || c.Policy.Mode != "enforce" ||
		c.Devices.Eviction != "idle_oldest" || c.Devices.MinActorAge != 24*time.Hour ||
		c.Hooks.Deadline != 250*time.Millisecond || c.Retention.Events != 8760*time.Hour {
		t.Errorf("got %+v", c)
	}
}

// A file with every key at its default is as good as none.
func TestEveryKeyAtItsDefault(t *testing.T) {
	c, complaints := load(t, `
issuer: https://id.example.com
public:  {listen: "127.0.0.1:4477"}
admin:   {listen: "127.0.0.1:4478", tokens: ["a-token-of-32-characters-or-more"]}
database: {url: "sqlite:lanyard.db"}
secrets: {system: ["`+secret+`", "`+secret+`, an older one"]}
trusted_proxies: ["10.0.0.0/8"]
trusted_proxy_header: X-Forwarded-For
identity: {kind: local}
tokens: {access_ttl: 10m, id_ttl: 10m, code_ttl: 60s, refresh_idle: 720h, refresh_absolute: 2160h, grace: 10s}
devices:
  max_per_subject: 0
  eviction: idle_oldest
  update_delay: 0s
  delete_delay: 0s
  min_actor_age: 24h
  concurrent_window: 60s
policy: {mode: enforce, file: ""}
geoip: {city: "", asn: ""}
hooks:
  keys: []
  deadline: 250ms
  unknown_grant: allow_flag
  require_gateway: ""
  hydra: {admin_url: "", public_url: ""}
  kratos: {admin_url: "", public_url: ""}
gateway: {listen: "", upstream: ""}
webui: {sign_in: provider}
retention: {sightings: 720h, addresses: 168h, events: 8760h}
`)
	if complaints = append(complaints, c.Complete()...); complaints != nil {
		t.Error(complaints)
	}
	standard, _ := load(t, "")
	if c.Tokens != standard.Tokens || c.Devices != standard.Devices || c.Retention != standard.Retention ||
		c.Policy != standard.Policy || c.Log != standard.Log {
		t.Errorf("got %+v, by default %+v", c, standard)
	}
}

func TestEnvironmentWinsOverFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(secret+"1\n"+secret+"2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, complaints := load(t, `
public: {listen: "127.0.0.1:1"}
tokens: {grace: 5s}
trusted_proxies: ["192.0.2.0/24"]
`,
		"LANYARD_PUBLIC_LISTEN=127.0.0.1:2", "LANYARD_DEVICES_MAX_PER_SUBJECT=7",
		"LANYARD_TRUSTED_PROXIES=10.0.0.0/8, 2001:db8::/32", "LANYARD_SECRETS_SYSTEM_FILE="+file,
		"LANYARD_ISSUER=", "PATH=/bin",
		"LANYARD_PORT=tcp://10.0.0.1:4477", "LANYARD_SERVICE_HOST=10.0.0.1", "LANYARD_PORT_4477_TCP=x",
	)
	if complaints != nil {
		t.Fatal(complaints)
	}
	if c.Public.Listen != "127.0.0.1:2" || c.Tokens.Grace != 5*time.Second || c.Devices.MaxPerSubject != 7 {
		t.Errorf("got %+v", c)
	}
	if got := fmt.Sprint(c.TrustedProxies); got != "[10.0.0.0/8 2001:db8::/32]" {
		t.Errorf("trusted proxies: %s", got)
	}
	if got := c.Secrets.System; len(got) != 2 || got[1].Reveal() != secret+"2" {
		t.Errorf("got %d system secrets", len(got))
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, complaints := load(t, `
issuer: http://id.example.com
access_ttl: 5m
tokens: {grace: 90s, acces_ttl: 5m, code_ttl: 10, refresh_idle: 3000h, id_ttl: -1s}
admin: {listen: "0.0.0.0:4478", tokens: ["0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef"]}
secrets: {system: ["short", "`+secret+`"]}
trusted_proxies: ["10.0.0.0/8", "10.0.0.1/8"]
trusted_proxy_header: "X-Real-IP:"
devices: {eviction: newest, max_per_subject: -1}
policy: enforce
hooks: {keys: ["k"]}
identity: {kind: kratos}
gateway: {upstream: "http://hydra:4444"}
`,
		"LANYARD_DEVICES_UPDATE_DELAY=soon", "LANYARD_DATABASE_URL=mysql://x",
		"LANYARD_ISUER=https://id.example.com", "LANYARD_PUBLIC_LISTEN_FILE=/nowhere",
		"LANYARD_HOOKS_REQUIRE_GATEWAY=refuse",
	)
	want := []string{
		`access_ttl: unknown key (did you mean "tokens.access_ttl"?)`,
		`admin.tokens[0]: must have at least 32 characters (try: openssl rand -base64 32)`,
		`devices.eviction: must be one of idle_oldest, oldest, refuse_new`,
		`devices.max_per_subject: must be at least 0`,
		`hooks.keys[0]: must have at least 32 characters (try: openssl rand -base64 32)`,
		`issuer: must begin with https:// (http:// only for a loopback host)`,
		`policy: must be a section with keys, is text`,
		`secrets.system[0]: must have at least 32 bytes (try: openssl rand -base64 48)`,
		`tokens.acces_ttl: unknown key (did you mean "tokens.access_ttl"?)`,
		`tokens.code_ttl: must be text, is a number`,
		`tokens.id_ttl: must not be negative`,
		`trusted_proxies[1]: must be a network such as "10.0.0.0/8", with no bits set beyond its length`,
		`trusted_proxy_header: must be the name of a header such as "X-Forwarded-For"`,
		`LANYARD_DATABASE_URL: must be "sqlite:" and a path, or a postgres:// URL`,
		`LANYARD_DEVICES_UPDATE_DELAY: must be a duration such as "10s" or "720h"`,
		`LANYARD_ISUER: no such setting (did you mean "LANYARD_ISSUER"?)`,
		`LANYARD_PUBLIC_LISTEN_FILE: only secrets are read from files; set LANYARD_PUBLIC_LISTEN`,
		`admin.listen: must be a loopback address, or set admin.tokens`,
		`tokens.refresh_idle: must not be longer than tokens.refresh_absolute`,
		`tokens.grace: must be at most 60s`,
		`identity: kratos needs public_url, admin_url and ui_url`,
		`hooks.require_gateway: needs gateway.listen; off where a proxy asks /hooks/gateway/check, which adds no context of the gateway`,
		`gateway: listen and upstream belong together`,
	}
	if diff := cmp.Diff(want, complaints); diff != "" {
		t.Error(diff)
	}
}

// Whatever YAML makes of a value, the complaint is one line that names the key.
func TestStrangeValues(t *testing.T) {
	for yaml, want := range map[string]string{
		"issuer: 2026-11-23":    "issuer: is nothing that a setting can be; put text into quotes",
		"tokens: {1: x}":        "tokens: is nothing that a setting can be; put text into quotes",
		"tokens: {grace: .inf}": "tokens.grace: is nothing that a setting can be; put text into quotes",
		"devices: {max_per_subject: 99999999999999999999}":               "devices.max_per_subject: must be at most 1000000",
		"devices: {max_per_subject: 1.5}":                                "devices.max_per_subject: must be a whole number, is a number",
		"trusted_proxies: [[1]]":                                         "trusted_proxies[0]: must be text, is a list",
		"tokens: []":                                                     "tokens: must be a section with keys, is a list",
		"trusted_proxy_header: Forwarded":                                "trusted_proxy_header: needs trusted_proxies, whose header it is",
		"trusted_proxy_header: Host":                                     `trusted_proxy_header: must be the name of a header such as "X-Forwarded-For"`,
		"trusted_proxy_header: \"\"":                                     `trusted_proxy_header: must be the name of a header such as "X-Forwarded-For"`,
		"trusted_proxies: [10.0.0.0/8]\ntrusted_proxy_header: forwarded": "",
		"TOKENS: {}":                                          `TOKENS: unknown key (did you mean "tokens"?)`,
		"admin: {tokens: [\"\"]}":                             "admin.tokens[0]: must have at least 32 characters (try: openssl rand -base64 32)",
		"public: {listen: 4477}":                              "public.listen: must be text, is a number",
		"public: {listen: \":99999\"}":                        `public.listen: must be host and port such as "127.0.0.1:4477"`,
		"public: {listen: \"h:1\"}\nadmin: {listen: \"h:1\"}": "admin.listen: must be a loopback address, or set admin.tokens; admin.listen: must not be public.listen",
		"devices: {max_per_subject: 1e3}":                     "",
		"tokens:\nhooks:\n  keys:":                            "",
		"~":                                                   "",
	} {
		if _, got := load(t, yaml); strings.Join(got, "; ") != want {
			t.Errorf("%s:\n got %v\nwant %s", yaml, got, want)
		}
	}
	for _, yaml := range []string{"[a]", "a: [", "issuer: a\nissuer: b", "? {a: b}\n: c", "x: &a [*a]", "\x00"} {
		file := filepath.Join(t.TempDir(), "lanyard.yaml")
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (cmd.Source{File: file}).Load(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", yaml, err)
		}
	}
}

// A secret that was forgotten does not count as one that is not wanted, and a
// file has one secret a line, whatever is in them.
func TestSecretsThatAreNone(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	empty, blank := file(""), file("\n \r\n")
	for variable, want := range map[string]string{
		"LANYARD_ADMIN_TOKENS=" + strings.Repeat(" ", 32): "LANYARD_ADMIN_TOKENS: holds no value; set one, or unset it",
		"LANYARD_ADMIN_TOKENS=,":                          "LANYARD_ADMIN_TOKENS: holds no value; set one, or unset it",
		"LANYARD_ADMIN_TOKENS_FILE=" + empty:              "LANYARD_ADMIN_TOKENS_FILE: holds no value; set one, or unset it",
		"LANYARD_HOOKS_KEYS_FILE=" + blank:                "LANYARD_HOOKS_KEYS_FILE: holds no value; set one, or unset it",
		"LANYARD_SECRETS_SYSTEM_FILE=" + empty:            "LANYARD_SECRETS_SYSTEM_FILE: holds no value; set one, or unset it",
		"LANYARD_WEBUI_CLIENT_SECRET_FILE=" + empty:       "LANYARD_WEBUI_CLIENT_SECRET_FILE: holds no value; set one, or unset it",
		"LANYARD_TRUSTED_PROXIES= ":                       "LANYARD_TRUSTED_PROXIES: holds no value; set one, or unset it",
		"LANYARD_ADMIN_TOKENS=":                           "",
	} {
		if _, got := load(t, "", variable); strings.Join(got, "; ") != want {
			t.Errorf("%.40s: %v", variable, got)
		}
	}
	if _, got := load(t, "admin: {tokens: [\""+strings.Repeat(" ", 32)+"\"]}"); len(got) != 1 || !strings.HasPrefix(got[0], "admin.tokens[0]: must hold no") {
		t.Errorf("a token of spaces: %v", got)
	}
	comma := secret + "," + secret
	c, got := load(t, "", "LANYARD_ADMIN_TOKENS_FILE="+file(comma+"\r\n"+secret+"\n"))
	if len(got) > 0 || len(c.Admin.Tokens) != 2 || c.Admin.Tokens[0].Reveal() != comma || c.Admin.Tokens[1].Reveal() != secret {
		t.Errorf("%d tokens of a file: %v", len(c.Admin.Tokens), got)
	}
}

func TestIssuer(t *testing.T) {
	for _, tt := range []struct {
		issuer string
		good   bool
	}{
		{"https://id.example.com", true},
		{"https://id.example.com/tenant", true},
		{"http://127.0.0.1:4477", true},
		{"http://[::1]:4477", true},
		{"http://localhost:4477", true},
		{"http://id.example.com", false},
		{"http://127.0.0.1.example.com", false},
		{"https://id.example.com?a=b", false},
		{"https://id.example.com?", false},
		{"https://id.example.com#f", false},
		{"https://ada:pw@id.example.com", false},
		{"https:id.example.com", false},
		{"//id.example.com", false},
		{"id.example.com", false},
		{"javascript:alert(1)", false},
	} {
		_, complaints := load(t, "", "LANYARD_ISSUER="+tt.issuer)
		if good := complaints == nil; good != tt.good {
			t.Errorf("%s: good %v, want %v: %v", tt.issuer, good, tt.good, complaints)
		}
	}
}

func TestCompleteSaysWhatServingNeeds(t *testing.T) {
	c, _ := load(t, `
geoip: {city: nowhere/places.mmdb}
devices: {concurrent_window: 5m}
hooks: {keys: ["a-key-of-32-characters-or-more-k"], deadline: 250ms}
`)
	want := []string{
		"issuer: required, such as https://id.example.com (or try --dev)",
		"secrets.system: required, at least 32 bytes (try: openssl rand -base64 48)",
		"geoip.city: stat nowhere/places.mmdb: no such file or directory",
	}
	if diff := cmp.Diff(want, c.Complete()); diff != "" {
		t.Error(diff)
	}
}

// A setting that rests on files which are not there would seem to protect.
func TestConcurrentUseNeedsFiles(t *testing.T) {
	for window, good := range map[string]bool{"60s": true, "0s": true, "5m": false} {
		c, complaints := load(t, "devices: {concurrent_window: "+window+"}")
		if complaints != nil {
			t.Fatal(complaints)
		}
		const want = "devices.concurrent_window: needs geoip.asn, by which networks are told apart"
		if told := slices.Contains(c.Complete(), want); told == good {
			t.Errorf("%s: complained of %v", window, told)
		}
	}
}

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	c, complaints := load(t, `
secrets: {system: ["`+secret+`"]}
admin: {tokens: ["`+secret+`"]}
webui: {client_secret: "`+secret+`"}
database: {url: "postgres://ada:`+secret+`@db/lanyard?sslpassword=`+secret+`"}
`)
	if complaints != nil {
		t.Fatal(complaints)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "secret", c.WebUI.ClientSecret, "db", c.Database.URL)
	for _, printed := range []string{
		fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), log.String(),
	} {
		if strings.Contains(printed, secret) {
			t.Errorf("a secret is in %s", printed)
		}
	}
}

func TestDevelopmentServer(t *testing.T) {
	dir := t.TempDir()
	first, err := cmd.Source{Dev: true, Dir: dir, Environ: []string{"LANYARD_PUBLIC_LISTEN=127.0.0.1:9999"}}.Load()
	if err != nil {
		t.Fatal(err)
	}
	again, err := cmd.Source{Dev: true, Dir: dir}.Load()
	if err != nil {
		t.Fatal(err)
	}
	if first.Issuer != "http://127.0.0.1:9999" || again.Issuer != "http://127.0.0.1:4477" {
		t.Errorf("issuers %s and %s", first.Issuer, again.Issuer)
	}
	if complaints := again.Complete(); complaints != nil {
		t.Error(complaints)
	}
	if first.Secrets.System[0] != again.Secrets.System[0] {
		t.Error("the secret changed over a restart")
	}
	info, err := os.Stat(filepath.Join(dir, "lanyard.secret"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("lanyard.secret: %v, %v", info.Mode(), err)
	}
	if again.Log.Format != "text" {
		t.Errorf("log format %s", again.Log.Format)
	}
	_, err = cmd.Source{Dev: true, Dir: dir, Environ: []string{"LANYARD_PUBLIC_LISTEN=0.0.0.0:80"}}.Load()
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("a development server for all the world: %v", err)
	}
}

func TestAFileThatIsNamedMustExist(t *testing.T) {
	if _, err := (cmd.Source{File: filepath.Join(t.TempDir(), "gone.yaml")}).Load(); err == nil {
		t.Error("no error")
	}
	if _, err := (cmd.Source{Dir: t.TempDir()}).Load(); err != nil {
		t.Error(err)
	}
}
