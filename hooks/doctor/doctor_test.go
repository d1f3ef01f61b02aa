package doctor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/hooks/doctor"
)

func ours() doctor.Ours {
	return doctor.Ours{
		URL: "https://id.example.com", Keys: []string{"k"}, Gateway: true, Upstream: "http://hydra:4444", Kratos: "https://id.example.com/kratos",
		HydraAdmin: "http://hydra:4445", SignIn: "provider",
		AccessTTL: time.Hour, Jsonnet: "/etc/kratos/device.jsonnet",
	}
}

type m = map[string]any

func key() m {
	return m{"type": "api_key", "config": m{"in": "header", "name": "X-Hook-Key", "value": "k"}}
}

func hydra() m {
	return m{
		"oauth2": m{
			"token_hook": m{"url": "https://id.example.com/hooks/hydra/token", "auth": key()},
			"pkce":       m{"enforced_for_public_clients": true},
			"grant":      m{"refresh_token": m{"rotation_grace_period": "30s"}},
		},
		"urls": m{"identity_provider": m{"url": "http://kratos:4434"}},
	}
}

func hook(flow string, more m) m {
	config := m{
		"url": "https://id.example.com/hooks/kratos/" + flow, "method": "POST",
		"body": "file:///etc/kratos/device.jsonnet", "auth": key(), "response": m{"parse": true},
	}
	for k, v := range more {
		config[k] = v
	}
	return m{"hook": "web_hook", "config": config}
}

func kratos() m {
	session := m{"hook": "session"}
	return m{"selfservice": m{
		"methods": m{"password": m{"enabled": true}},
		"flows": m{
			"login":        m{"after": m{"hooks": []any{hook("login", nil)}}},
			"registration": m{"after": m{"password": m{"hooks": []any{hook("registration", nil), session}}}},
			"settings":     m{"after": m{"password": m{"hooks": []any{hook("settings", nil)}}}},
		},
	}}
}

// set changes a configuration at a path.
func set(config m, path string, value any) m {
	here := config
	keys := strings.Split(path, ".")
	for _, k := range keys[:len(keys)-1] {
		if here[k] == nil {
			here[k] = m{}
		}
		here = here[k].(m)
	}
	here[keys[len(keys)-1]] = value
	return config
}

// missing returns what is said to be missing.
func missing(found []doctor.Finding) []string {
	var list []string
	for _, f := range found {
		if f.Level == doctor.Missing {
			list = append(list, f.Where+": "+f.What)
		}
	}
	return list
}

func TestWholeConfigurationsLackNothing(t *testing.T) {
	if found := append(missing(doctor.Hydra(hydra(), ours())), missing(doctor.Kratos(kratos(), ours()))...); found != nil {
		t.Error(found)
	}
}

func TestTrapsAreFound(t *testing.T) {
	const after = "selfservice.flows."
	for _, tt := range []struct {
		name, path string
		value      any
		kratos     bool
		want       string
	}{
		{"no hook", "oauth2.token_hook", nil, false, "Hydra asks nobody"},
		{"a bare URL", "oauth2.token_hook", "https://id.example.com/hooks/hydra/token", false, "sends no key"},
		{"in is left out", "oauth2.token_hook.auth.config.in", nil, false, "sends no key"},
		{"another key", "oauth2.token_hook.auth.config.value", "x", false, "not among"},
		{"PKCE", "oauth2.pkce.enforced_for_public_clients", false, false, "PKCE must be enforced"},
		{"SSRF", "clients.http.disallow_private_ip_ranges", true, false, "no exception"},
		{"nothing of login", after + "login.after.hooks", nil, true, "nothing of login"},
		{"a method's own hooks", after + "login.after.password.hooks", []any{m{"hook": "revoke_active_sessions"}}, true, "replace the global"},
		{"a global blocking hook", after + "settings.after", m{"hooks": []any{hook("settings", nil)}}, true, "never runs from the global list"},
		{"not parsed", after + "login.after.hooks", []any{hook("login", m{"response": nil})}, true, "does not parse"},
		{"no body", after + "login.after.hooks", []any{hook("login", m{"body": nil})}, true, "has no body"},
		{"ignored and parsed", after + "login.after.hooks", []any{hook("login", m{"response": m{"parse": true, "ignore": true}})}, true, "ignores its answer"},
		{"another method", "selfservice.methods.passkey.enabled", true, true, "nothing of registration"},
		{"session first", after + "registration.after.password.hooks", []any{m{"hook": "session"}, hook("registration", nil)}, true, "never runs"},
		{"headers", "clients.web_hook.header_allowlist", []any{"user-agent", "Accept-Language"}, true, "cannot see Sec-Ch-Ua, "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var found []string
			if tt.kratos {
				found = missing(doctor.Kratos(set(kratos(), tt.path, tt.value), ours()))
			} else {
				found = missing(doctor.Hydra(set(hydra(), tt.path, tt.value), ours()))
			}
			if len(found) == 0 || !strings.Contains(strings.Join(found, "\n"), tt.want) {
				t.Errorf("found %q, want %q", found, tt.want)
			}
		})
	}
}
