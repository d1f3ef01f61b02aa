//go:build ory

package ory_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/knadh/koanf/parsers/yaml"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// doctor runs the doctor on the files of the running servers and returns what it
// prints.
func (s *site) doctor(t *testing.T, status int) string {
	t.Helper()
	r := s.House.Run("", "doctor", "--hydra", filepath.Join(s.Dir, "hydra.yml"), "--kratos", filepath.Join(s.Dir, "kratos.yml"))
	if r.Status != status {
		t.Fatalf("the doctor: status %d, want %d\n%s%s", r.Status, status, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// lacks are the findings that make an installation unfit.
func lacks(printed string) (list []string) {
	for line := range strings.Lines(printed) {
		if what, is := strings.CutPrefix(line, "missing"); is {
			list = append(list, strings.TrimSpace(what))
		}
	}
	return list
}

// paste joins what the doctor prints for a file into the file, and restarts its
// server.
func (s *site) paste(t *testing.T, printed, name string) {
	t.Helper()
	var blocks []string
	about := false
	for line := range strings.Lines(printed) {
		switch text, inside := strings.CutPrefix(line, "           "); {
		case !inside:
			about = strings.HasPrefix(line, "missing  "+name+".yml: ")
			blocks = append(blocks, "")
		case about:
			blocks[len(blocks)-1] += text
		}
	}
	good(t, s.Reconfigure(t.Context(), name, func(config map[string]any) {
		for _, block := range blocks {
			more, err := yaml.Parser().Unmarshal([]byte(strings.ReplaceAll(block, "THE_HOOK_KEY", s.key)))
			good(t, err)
			join(config, more)
		}
	}))
}

// The pages sign in with Kratos, and Kratos does not know it yet: what the doctor
// prints, pasted, is what it takes.
func TestDoctorPagesWithKratos(t *testing.T) {
	s := open(t, change{late: func(p ory.Plan) []house.Setting {
		return []house.Setting{
			house.Set("webui.sign_in", "kratos"), house.Set("hooks.kratos.public_url", "http://"+p.KratosPublic),
			house.Set("hooks.deadline", "2s"), // all that Hydra waits for
		}
	}})
	s.pages(t)
	good(t, s.Reconfigure(t.Context(), "kratos", func(config map[string]any) {
		delete(config["selfservice"].(map[string]any), "allowed_return_urls")
		config["session"].(map[string]any)["cookie"] = map[string]any{"name": "acme", "path": "/acme"}
		delete(config["serve"].(map[string]any)["public"].(map[string]any), "base_url")
	}))
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	to, err := b.calls(http.MethodGet, "/devices/signin", nil).Location()
	good(t, err)
	if next, err := ada.Visit(to.String()); err != nil || !strings.Contains(next, "error") {
		t.Errorf("Kratos does not mind whom it sends back: %s, %v; what the doctor says is not so", next, err)
	}
	printed := s.doctor(t, 1)
	at := "http://" + s.KratosPublic
	want := []string{
		"kratos.yml: selfservice.allowed_return_urls: Kratos sends nobody back to the pages: " +
			"signing in to them fails with \"return_to is not allowed\"",
		"kratos.yml: session.cookie.name: lanyard looks for ory_kratos_session, not for acme: nobody can sign in to the pages",
		"kratos.yml: session.cookie.path: browsers send the session's cookie below /acme only: it does not reach lanyard's /devices",
		"kratos.yml: serve.public.base_url: Kratos guesses what browsers call it: its forms lead to its machine's name",
		"Kratos: " + at + ": sends nobody back to the pages (selfservice.allowed_return_urls)",
	}
	if diff := cmp.Diff(want, lacks(printed)); diff != "" {
		t.Errorf("%s\n%s", diff, printed)
	}
	s.paste(t, printed, "kratos")
	printed = s.doctor(t, 0)
	if !strings.Contains(printed, "good     lanyard: issuer: "+s.House.Issuer+"/hooks/hydra/token is answered by lanyard, with the key") {
		t.Errorf("it has not asked lanyard's own hook:\n%s", printed)
	}
	if !strings.Contains(printed, "good     Kratos: "+at+": signs owners in, and sends them back to the pages") {
		t.Errorf("it has not asked Kratos:\n%s", printed)
	}
	b = s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.is("/devices")
	b.sees("Your devices")

	good(t, s.Kratos.Stop())
	printed = s.doctor(t, 1)
	for _, want := range []string{"missing  Kratos: cannot be reached", "missing  Kratos: " + at + ": cannot be reached"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
}

// The pages are a client of Hydra, behind the bridge, and neither Hydra nor
// Kratos knows of it.
func TestDoctorPagesWithHydra(t *testing.T) {
	s := open(t, change{late: func(p ory.Plan) []house.Setting {
		return []house.Setting{
			house.Set("identity.kind", "kratos"), house.Set("identity.public_url", "http://"+p.KratosPublic),
			house.Set("identity.admin_url", "http://"+p.KratosAdmin), house.Set("identity.ui_url", "http://"+p.KratosPublic+"/ui"),
			house.Set("webui.sign_in", "oidc"), house.Set("webui.issuer", p.Issuer),
			house.Set("webui.client_id", "lanyard-pages"), house.Set("webui.client_secret", pagesSecret),
			house.Set("hooks.deadline", "2s"),
		}
	}})
	s.pages(t)
	good(t, s.Reconfigure(t.Context(), "kratos", func(config map[string]any) { delete(config, "oauth2_provider") }))
	good(t, s.Reconfigure(t.Context(), "hydra", func(config map[string]any) { delete(config["urls"].(map[string]any), "consent") }))
	client := map[string]any{
		"client_id": "lanyard-pages", "client_secret": pagesSecret, "scope": "openid",
		"grant_types": []string{"authorization_code"}, "response_types": []string{"code"},
		"redirect_uris": []string{"https://else.example.com/"},
	}
	_, err := s.Admin(http.MethodPost, "/admin/clients", client)
	good(t, err)
	printed := s.doctor(t, 1)
	own := s.House.Issuer
	want := []string{
		"hydra.yml: urls.consent: nobody answers who is asked for consent",
		"hydra.yml: urls.login: without the bridge browsers get no device cookie before they sign in",
		"hydra.yml: urls.logout: nobody can sign out: Hydra has nowhere to send them and shows an error",
		"kratos.yml: oauth2_provider.url: Kratos does not know Hydra, and turns down whoever the bridge sends: sign-ins for applications fail",
		"Hydra: client lanyard-pages: its redirect_uris lack " + own + "/devices/callback: nobody can sign in to the pages",
		"Hydra: client lanyard-pages: its post_logout_redirect_uris lack " + own + "/devices/goodbye: signing out ends in an error",
		"Hydra: client lanyard-pages: the bridge turns it down: it is not called the operator's own",
	}
	if diff := cmp.Diff(want, lacks(printed)); diff != "" {
		t.Errorf("%s\n%s", diff, printed)
	}
	s.paste(t, printed, "hydra")
	s.paste(t, printed, "kratos")
	client["redirect_uris"] = []string{own + "/devices/callback"}
	client["post_logout_redirect_uris"] = []string{own + "/devices/goodbye"}
	client["metadata"] = map[string]any{"first_party": true}
	_, err = s.Admin(http.MethodPut, "/admin/clients/lanyard-pages", client)
	good(t, err)
	printed = s.doctor(t, 0)
	for _, want := range []string{"good     webui.issuer: " + s.Gateway + " answers", "good     Hydra: client lanyard-pages: it is the pages'"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not in\n%s", want, printed)
		}
	}
	ada := s.registered(t, house.Laptop())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.is("/devices")
	b.sees("Your devices")
}

// What is shipped to try out, with the settings of its own docker-compose.yml,
// lacks nothing in its files.
func TestDoctorAndTheComposeFiles(t *testing.T) {
	text, err := os.ReadFile("../../docker-compose.yml")
	good(t, err)
	if !strings.Contains(string(text), "LANYARD_IDENTITY_KIND: kratos") {
		t.Fatal("docker-compose.yml has no bridge: look at it here too")
	}
	s := house.New(t, house.SQLite,
		house.Set("issuer", "http://127.0.0.1:4487"), house.Set("hooks.keys", []string{"for-trying-out-only-0123456789abcdef"}),
		house.Set("hooks.hydra.admin_url", "http://hydra:4446"), house.Set("hooks.kratos.admin_url", "http://kratos:4434"),
		house.Set("identity.kind", "kratos"), house.Set("identity.public_url", "http://127.0.0.1:4433"),
		house.Set("identity.admin_url", "http://kratos:4434"), house.Set("identity.ui_url", "http://127.0.0.1:4455"))
	files, err := filepath.Abs("../../docs/ory")
	good(t, err)
	r := s.Run("", "doctor", "--hydra", filepath.Join(files, "hydra.yml"), "--kratos", filepath.Join(files, "kratos.yml"))
	for _, l := range lacks(r.Stdout) {
		if strings.HasPrefix(l, "hydra.yml") || strings.HasPrefix(l, "kratos.yml") {
			t.Error(l)
		}
	}
	if !strings.Contains(r.Stdout, "good     hydra.yml: urls.logout") {
		t.Errorf("it has not looked:\n%s%s", r.Stdout, r.Stderr)
	}
}
