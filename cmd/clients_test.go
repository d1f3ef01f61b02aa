package cmd_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/provider/oauth"
)

func TestClients(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")

	var web oauth.Client
	m.prints(&web, "clients", "create", "--id", "web", "--name", "Web", "--redirect-uri", "https://app.example.com/a,b",
		"--redirect-uri", "http://127.0.0.1/cb", "--scope", "openid", "--scope", "offline_access", "--access-ttl", "5m")
	if len(web.Secret) < 40 || web.AuthMethod != "client_secret_basic" || web.Scope != "openid offline_access" ||
		!slices.Equal(web.RedirectURIs, []string{"https://app.example.com/a,b", "http://127.0.0.1/cb"}) ||
		!slices.Equal(web.GrantTypes, []string{"authorization_code", "refresh_token"}) || web.AccessTTL != "5m" {
		t.Errorf("created %+v", web)
	}

	var app oauth.Client
	m.prints(&app, "clients", "create", "--public", "--redirect-uri", "com.example.app:/cb")
	if app.Secret != "" || app.AuthMethod != "none" || app.ID == "" {
		t.Errorf("created %+v", app)
	}

	m.stdin = "correct horse battery staple, twice\n"
	var given oauth.Client
	m.prints(&given, "clients", "create", "--id", "given", "--secret", "-", "--redirect-uri", "https://b.example.com")
	if given.Secret != "correct horse battery staple, twice" {
		t.Errorf("read the secret %q", given.Secret)
	}

	var all []oauth.Client
	m.prints(&all, "clients", "list")
	if len(all) != 3 {
		t.Errorf("listed %d clients", len(all))
	}
	out, _ := m.runs(0, "clients", "show", "web")
	if strings.Contains(out, web.Secret) || !strings.Contains(out, "https://app.example.com/a,b") {
		t.Errorf("showed %s", out)
	}
	m.complains(1, `a client "web" already`, "clients", "create", "--id", "web", "--redirect-uri", "https://x.example.com")
	m.runs(0, "clients", "delete", "web", "given")
	m.complains(1, `no client "web"`, "clients", "show", "web")
	m.complains(1, `no client "web"`, "clients", "delete", "web")
}

func TestClientsAreRefusedForEveryMistakeAtOnce(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	m.stdin = "correct horse battery staple 31"
	_, errs := m.runs(2, "clients", "create", "--secret", "-", "--redirect-uri", "javascript:alert(1)",
		"--redirect-uri", "http://app.example.com/cb", "--redirect-uri", "https://a.example.com/#f",
		"--grant-type", "password", "--access-ttl", "soon", "--binding", "tight", "--id-token-alg", "none")
	for _, want := range []string{
		`"javascript:alert(1)"`, `"http://app.example.com/cb"`, `"https://a.example.com/#f"`, "--grant-type: ",
		"--access-ttl: ", "--binding: ", "--id-token-alg: ", "--secret: ",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("no word of %s in\n%s", want, errs)
		}
	}
	for line := range strings.Lines(errs) {
		if !strings.HasPrefix(line, "lanyard clients create: --") {
			t.Errorf("a line of its own: %q", line)
		}
	}
}

// A client that signs nobody in has no scopes of those who do, unless told so.
func TestMachineClients(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	for scope, more := range map[string][]string{"": nil, "jobs": {"--scope", "jobs"}} {
		var c oauth.Client
		m.prints(&c, append([]string{"clients", "create", "--grant-type", "client_credentials"}, more...)...)
		if c.Scope != scope {
			t.Errorf("it may ask for %q, want %q", c.Scope, scope)
		}
	}
}

func TestClientWithKeys(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	keys := `{"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "1", "alg": "ES256",
		"x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`
	if err := os.WriteFile("keys.json", []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	var c oauth.Client
	m.prints(&c, "clients", "create", "--jwks", "keys.json", "--redirect-uri", "https://a.example.com/cb")
	if c.AuthMethod != "private_key_jwt" || c.Secret != "" {
		t.Errorf("created %+v", c)
	}
	m.stdin = "no json"
	m.complains(1, "no JSON", "clients", "create", "--jwks", "-", "--redirect-uri", "https://a.example.com/cb")
	m.complains(1, "gone.json", "clients", "create", "--jwks", "gone.json", "--redirect-uri", "https://a.example.com/cb")
}

func TestKeys(t *testing.T) {
	m := newTerminal(t)
	m.runs(0, "migrate", "up")
	m.complains(1, "secrets.system", "keys", "rotate")
	t.Setenv("LANYARD_SECRETS_SYSTEM", secret)

	type key struct{ KID, Use, Alg, State string }
	var made, all []key
	m.prints(&made, "keys", "rotate")
	if len(made) != 3 {
		t.Errorf("made %+v", made)
	}
	for _, k := range made {
		if k.State != "next" {
			t.Errorf("a new key is %s", k.State)
		}
	}
	m.prints(&made, "keys", "rotate", "--use", "sig", "--alg", "RS256")
	if len(made) != 1 || made[0].Alg != "RS256" {
		t.Errorf("made %+v", made)
	}
	m.prints(&all, "keys", "list")
	if len(all) != 7 { // three of the first start, four of the rotations
		t.Errorf("listed %+v", all)
	}
	for i, k := range all { // oldest first; nothing has taken over yet
		if want := []string{"active", "next"}[min(i/3, 1)]; k.State != want {
			t.Errorf("key %d, %s by %s, is %s, want %s", i, k.Use, k.Alg, k.State, want)
		}
	}
	t.Setenv("LANYARD_SECRETS_SYSTEM", strings.ToUpper(secret))
	m.runs(1, "keys", "rotate") // what another secret sealed stays shut
}
