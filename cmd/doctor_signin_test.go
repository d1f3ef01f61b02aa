package cmd_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/cmd"
)

// doctored runs the doctor with these settings beside what every server needs.
func doctored(t *testing.T, env map[string]string, args ...string) (int, string) {
	t.Helper()
	all := map[string]string{
		"ISSUER": "https://127.0.0.1:1", "PUBLIC_LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": "127.0.0.1:0",
		"DATABASE_URL":   "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db"),
		"SECRETS_SYSTEM": "0123456789abcdef0123456789abcdef",
	}
	for name, value := range env {
		all[name] = value
	}
	for name, value := range all {
		t.Setenv("LANYARD_"+name, value)
	}
	var out bytes.Buffer
	if status := cmd.Main([]string{"migrate", "up"}, strings.NewReader(""), &out, &out); status != 0 {
		t.Fatal(out.String())
	}
	out.Reset()
	status := cmd.Main(append([]string{"doctor"}, args...), strings.NewReader(""), &out, &out)
	return status, out.String()
}

// Who has nothing of Ory hears nothing of it, until they show a file of it.
func TestDoctorTellsAProviderNothingOfOry(t *testing.T) {
	status, out := doctored(t, nil)
	for _, word := range []string{"Hydra", "Kratos", "hooks", "gateway"} {
		if strings.Contains(out, word) {
			t.Errorf("%q is in\n%s", word, out)
		}
	}
	if status != 1 || !strings.Contains(out, "good     lanyard: database") || !strings.Contains(out, "missing  lanyard: server: nothing answers at") {
		t.Errorf("status %d\n%s", status, out)
	}
	if _, out := doctored(t, nil, "--hydra", "../docs/ory/hydra.yml"); !strings.Contains(out, "hooks are off") {
		t.Errorf("with Hydra's file:\n%s", out)
	}
}

// What the doctor hears from those who sign owners in. The answers are written
// here; those of real servers are in e2e/ory.
func TestDoctorAsksWhoSignsOwnersIn(t *testing.T) {
	const down = "http://127.0.0.1:1"
	kratos := func(session, login int, said string) string {
		return serves(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/sessions/whoami" {
				w.WriteHeader(session)
				return
			}
			if got := r.URL.Query().Get("return_to"); !strings.HasPrefix(got, "https://127.0.0.1:1/devices/callback?") {
				t.Errorf("it asks for %s", got)
			}
			w.WriteHeader(login)
			_, _ = fmt.Fprint(w, said)
		})
	}
	provider := func(issuer string) string {
		return serves(t, func(w http.ResponseWriter, r *http.Request) {
			if issuer == "" {
				issuer = "http://" + r.Host
			}
			_, _ = fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"x"}`, issuer)
		})
	}
	hydra := func(status int, client string) string {
		return serves(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/version" {
				version("v26.2.0")(w, r)
				return
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, client)
		})
	}
	const whole = `"redirect_uris":["https://127.0.0.1:1/devices/callback"],"grant_types":["authorization_code"],` +
		`"post_logout_redirect_uris":["https://127.0.0.1:1/devices/goodbye"]`
	byKratos := func(url string) map[string]string {
		return map[string]string{"WEBUI_SIGN_IN": "kratos", "HOOKS_KRATOS_PUBLIC_URL": url}
	}
	byOIDC := func(issuer, admin string) map[string]string {
		env := map[string]string{
			"WEBUI_SIGN_IN": "oidc", "WEBUI_ISSUER": issuer, "WEBUI_CLIENT_ID": "pages", "WEBUI_CLIENT_SECRET": "a secret of the pages",
		}
		if admin != "" {
			env["HOOKS_HYDRA_ADMIN_URL"] = admin
		}
		return env
	}
	good := provider("")
	for _, tt := range []struct {
		name  string
		env   map[string]string
		wants []string
		unfit bool
	}{
		{"Kratos does", byKratos(kratos(401, 200, "{}")), []string{"good     Kratos: ", "sends them back to the pages"}, false},
		{"Kratos sends nobody back", byKratos(kratos(401, 400, `{"error":{"reason":"Requested return_to URL … is not allowed."}}`)),
			[]string{"missing  Kratos: ", "sends nobody back", "             allowed_return_urls:", "               - https://127.0.0.1:1/devices/"}, true},
		{"Kratos is in trouble", byKratos(kratos(401, 500, "")), []string{"begins no sign-in: it answers 500"}, true},
		{"no Kratos", byKratos(kratos(404, 404, "")), []string{"is not Kratos' public API: it answers 404"}, true},
		{"Kratos is down", byKratos(down), []string{"missing  Kratos: " + down + ": cannot be reached", "the pages say 503"}, true},
		{"a provider does", byOIDC(good, ""), []string{"good     webui.issuer: " + good + " answers"}, false},
		{"a provider by another name", byOIDC(provider("https://else.example.com/"), ""),
			[]string{"missing  webui.issuer: it calls itself https://else.example.com/", "             issuer: https://else.example.com/"}, true},
		{"a provider is down", byOIDC(down, ""), []string{"missing  webui.issuer: " + down + " cannot be read", "the pages say 503"}, true},
		{"no provider", byOIDC(serves(t, http.NotFound), ""), []string{"tells no metadata: it answers 404"}, true},
		{"a whole client", byOIDC(good, hydra(200, "{"+whole+"}")), []string{"good     Hydra: client pages: it is the pages'"}, false},
		{"no client", byOIDC(good, hydra(404, "")), []string{"advice   Hydra: client pages: there is none",
			"             --redirect-uri https://127.0.0.1:1/devices/callback"}, false},
		{"an empty client", byOIDC(good, hydra(200, `{"subject_type":"pairwise"}`)), []string{
			"redirect_uris lack https://127.0.0.1:1/devices/callback", "post_logout_redirect_uris lack https://127.0.0.1:1/devices/goodbye",
			"may not use the authorization_code grant", "its subjects are pairwise", "hydra update oauth2-client pages --subject-type public",
		}, true},
		{"Hydra does not say", byOIDC(good, hydra(403, "")), []string{"advice   Hydra: client pages: Hydra does not say: it answers 403"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out := doctored(t, tt.env)
			for _, want := range tt.wants {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
			if lacks(out) != tt.unfit || lacks(out) && status == 0 {
				t.Errorf("status %d\n%s", status, out)
			}
		})
	}
}

// lacks reports whether anything is missing but the server, which does not run
// in these tests.
func lacks(printed string) bool {
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(line, "missing  ") && !strings.HasPrefix(line, "missing  lanyard: server:") &&
			!strings.HasPrefix(line, "missing  lanyard: issuer: https://127.0.0.1:1 ") {
			return true
		}
	}
	return false
}

// The bridge turns clients down that are not the operator's own, the pages' too.
func TestDoctorWantsTheBridgeToKnowThePages(t *testing.T) {
	hydra := serves(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{"version":"v2.3.0"}`) })
	status, out := doctored(t, map[string]string{
		"WEBUI_SIGN_IN": "oidc", "WEBUI_ISSUER": hydra, "WEBUI_CLIENT_ID": "pages", "WEBUI_CLIENT_SECRET": "a secret of the pages",
		"HOOKS_HYDRA_ADMIN_URL": hydra, "IDENTITY_KIND": "kratos", "IDENTITY_PUBLIC_URL": hydra, "IDENTITY_UI_URL": hydra, "IDENTITY_ADMIN_URL": hydra,
	})
	for _, want := range []string{"the bridge turns it down", `--metadata '{"first_party": true}'`, "Kratos: answers, version v2.3.0"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if status == 0 {
		t.Error("it is fit")
	}
}
