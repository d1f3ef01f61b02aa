package cmd_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/cmd"
)

// serves returns the URL of a server.
func serves(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

func version(v string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"version":%q}`, v) }
}

// What the doctor finds in lanyard's own configuration and at the servers, in
// its own words.
func TestDoctorLooksAtServersAndAtItself(t *testing.T) {
	late := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		version("v2.3.0")(w, r)
	}
	gateway := serves(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "A token request is one form, urlencoded, with each parameter once.")
	})
	tells := func(endpoint string) string {
		return serves(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"token_endpoint":%q}`, endpoint) })
	}
	// exact is a proxy that leads one path to the gateway and the rest to Hydra.
	exact := func(hydra http.HandlerFunc) string {
		var at string
		at = serves(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/.well-known/openid-configuration":
				_, _ = fmt.Fprintf(w, `{"token_endpoint":"%s/oauth2/token"}`, at)
			case r.RequestURI == "/oauth2/token":
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, "A token request is one form, urlencoded, with each parameter once.")
			default:
				hydra(w, r)
			}
		})
		return at
	}
	const invalid = `{"error":"invalid_request","error_description":"in Hydra's words"}`
	trims := func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimRight(r.RequestURI, "/") == "/oauth2/token" {
			_, _ = io.WriteString(w, invalid)
		}
	}
	decodes := func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/oauth2/token%2f" {
			_, _ = io.WriteString(w, invalid)
		}
	}
	redirects := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/oauth2/token")
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	direct := serves(t, version("Hydra says no"))
	const down = "http://127.0.0.1:1"
	for _, tt := range []struct {
		name  string
		env   map[string]string
		wants string
		unfit bool
	}{
		{"no hooks", map[string]string{"HOOKS_KEYS": "", "HOOKS_HYDRA_ADMIN_URL": serves(t, version("v26.2.0"))}, "advice   lanyard: hooks.keys: empty: the hooks are off", false},
		{"a gateway without hooks", map[string]string{"HOOKS_KEYS": "", "GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": down},
			"missing  lanyard: hooks.keys: the gateway needs the token hook", true},
		{"a deadline that Hydra does not wait for", map[string]string{"HOOKS_DEADLINE": "3s"},
			"missing  lanyard: hooks.deadline: 3s is too long", true},
		{"an issuer that leads elsewhere", map[string]string{"ISSUER": serves(t, http.NotFound)},
			"/hooks/hydra/token answers 404 Not Found, which is not lanyard", false},
		{"another key there", map[string]string{"ISSUER": serves(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })},
			"missing  lanyard: hooks.keys: http://127.0.0.1", true},
		{"nobody there yet", map[string]string{"ISSUER": down}, "advice   lanyard: issuer: whether it leads to lanyard cannot be asked", false},
		{"a gateway behind nobody knows what", map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": direct},
			"advice   lanyard: trusted_proxies: empty", false},
		{"a proxy", map[string]string{"TRUSTED_PROXIES": "10.0.0.0/8"},
			"good     lanyard: trusted_proxy_header: addresses are read from X-Forwarded-For alone; see that each of trusted_proxies overwrites it, or appends to it\n", false},
		{"a proxy that writes one address", map[string]string{"TRUSTED_PROXIES": "10.0.0.0/8", "TRUSTED_PROXY_HEADER": "CF-Connecting-IP"},
			"good     lanyard: trusted_proxy_header: addresses are read from CF-Connecting-IP alone; see that each of trusted_proxies overwrites it\n", false},
		{"everybody a proxy", map[string]string{"TRUSTED_PROXIES": "10.0.0.0/8,::/0", "TRUSTED_PROXY_HEADER": "forwarded"},
			"advice   lanyard: trusted_proxies: ::/0 trusts everybody: a client writes its own address into forwarded", false},
		{"a proxy before Kratos", map[string]string{"HOOKS_KRATOS_PUBLIC_URL": "http://127.0.0.1:1"},
			"advice   lanyard: hooks.kratos: Kratos believes True-Client-IP, CF-Connecting-IP, X-Real-IP and X-Forwarded-For from anybody", false},
		{"no Hydra", nil, "advice   Hydra: no admin URL in hooks: what is ended here is not ended there", false},
		{"a Hydra that is down", map[string]string{"HOOKS_HYDRA_ADMIN_URL": down}, "missing  Hydra: cannot be reached", true},
		{"an old Hydra", map[string]string{"HOOKS_HYDRA_ADMIN_URL": serves(t, version("v2.3.0"))},
			"advice   Hydra: answers, version v2.3.0: it cannot end one chain of tokens by itself", false},
		{"a new Hydra", map[string]string{"HOOKS_HYDRA_ADMIN_URL": serves(t, version("v26.2.0"))},
			"good     Hydra: answers, version v26.2.0\n", false},
		{"a Kratos", map[string]string{"HOOKS_KRATOS_ADMIN_URL": serves(t, version("v1.3.1"))}, "good     Kratos: answers, version v1.3.1\n", false},
		{"clocks that differ", map[string]string{"HOOKS_KRATOS_ADMIN_URL": serves(t, late)},
			"missing  Kratos: its clock and this machine's differ by", true},
		{"clients at the gateway", map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": tells(gateway + "/oauth2/token")},
			"good     gateway: " + gateway + "/oauth2/token, which Hydra tells its clients, is the gateway", false},
		{"clients around the gateway", map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": tells(direct + "/oauth2/token")},
			"missing  gateway: clients go around it: " + direct + "/oauth2/token, which Hydra tells them, is not the gateway", true},
		{"a proxy that knows one spelling, before a current Hydra",
			map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": tells(exact(trims) + "/oauth2/token")},
			"/oauth2/token/ is answered by Hydra; have your proxy match the prefix /oauth2/token", true},
		{"a proxy that knows one spelling and decodes slashes",
			map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": tells(exact(decodes) + "/oauth2/token")},
			"/oauth2/token%2f is answered by Hydra", true},
		{"a proxy that redirects by itself",
			map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": tells(exact(redirects) + "/oauth2/token")},
			"and no other spelling of it goes around", false},
		{"a proxy that knows one spelling, before a Hydra that redirects",
			map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": exact(redirects)},
			"/oauth2/token/ is not led to the gateway: Hydra itself redirects from it", true},
		{"clients sent where this machine does not reach",
			map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": tells(down + "/oauth2/token")},
			"advice   gateway: the token endpoint in Hydra's metadata cannot be reached from here", false},
		{"an upstream that does not say", map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": direct},
			"advice   gateway: nothing is known of where clients are sent", false},
		{"an upstream that is down", map[string]string{"GATEWAY_LISTEN": "127.0.0.1:0", "GATEWAY_UPSTREAM": down},
			"missing  gateway: Hydra's public port (gateway.upstream) cannot be reached", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{
				"ISSUER": "http://127.0.0.1:4487", "PUBLIC_LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": "127.0.0.1:0",
				"DATABASE_URL":   "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db"),
				"SECRETS_SYSTEM": "0123456789abcdef0123456789abcdef", "HOOKS_KEYS": "a-key-of-these-tests-of-32-characters",
			}
			for name, value := range tt.env {
				env[name] = value
			}
			for name, value := range env {
				t.Setenv("LANYARD_"+name, value)
			}
			var out bytes.Buffer
			if status := cmd.Main([]string{"migrate", "up"}, strings.NewReader(""), &out, &out); status != 0 {
				t.Fatal(out.String())
			}
			out.Reset()
			status := cmd.Main([]string{"doctor"}, strings.NewReader(""), &out, &out)
			if !strings.Contains(out.String(), tt.wants) || (status != 0) != tt.unfit {
				t.Errorf("status %d, want %q in\n%s", status, tt.wants, &out)
			}
		})
	}
}

// The key of the hooks goes to the issuer and no further: where that sends the
// doctor is somebody else's server, perhaps.
func TestDoctorTakesTheKeyNowhereElse(t *testing.T) {
	var led atomic.Int32
	elsewhere := serves(t, func(w http.ResponseWriter, _ *http.Request) {
		led.Add(1)
		w.WriteHeader(http.StatusNoContent)
	})
	hydra := filepath.Join(t.TempDir(), "hydra.yml")
	for _, status := range []int{http.StatusFound, http.StatusPermanentRedirect} {
		leads := serves(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, status) })
		for name, value := range map[string]string{
			"ISSUER": leads, "PUBLIC_LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": "127.0.0.1:0",
			"DATABASE_URL":   "sqlite:" + filepath.Join(t.TempDir(), "lanyard.db"),
			"SECRETS_SYSTEM": "0123456789abcdef0123456789abcdef", "HOOKS_KEYS": "a-key-of-these-tests-of-32-characters",
		} {
			t.Setenv("LANYARD_"+name, value)
		}
		var out bytes.Buffer
		cmd.Main([]string{"doctor"}, strings.NewReader(""), &out, &out)
		if wants := "answers " + strconv.Itoa(status); !strings.Contains(out.String(), wants) || led.Load() != 0 {
			t.Errorf("%d: led elsewhere %d times, want %q in\n%s", status, led.Load(), wants, &out)
		}
		// Where Hydra is told to call it there, that is no advice.
		for url, level := range map[string]string{leads: "missing", "http://lanyard.internal": "advice "} {
			if err := os.WriteFile(hydra, []byte("oauth2:\n  token_hook:\n    url: "+url+"/hooks/hydra/token\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			cmd.Main([]string{"doctor", "--hydra", hydra}, strings.NewReader(""), &out, &out)
			if wants := level + "  lanyard: issuer: " + leads; !strings.Contains(out.String(), wants) {
				t.Errorf("Hydra calls %s: want %q in\n%s", url, wants, &out)
			}
		}
	}
}
