package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/hooks/doctor"
)

// web is lanyard's hook as it is printed for a flow, indented.
func web(indent int, flow, response string) string {
	text := `- hook: web_hook
  config:
    url: https://id.example.com/hooks/kratos/` + flow + `
    method: POST
    body: file:///etc/kratos/device.jsonnet
    auth:
      type: api_key
      config: {in: header, name: X-Hook-Key, value: THE_HOOK_KEY}
    response: {` + response + `: true}
`
	out := ""
	for line := range strings.Lines(text) {
		out += strings.Repeat(" ", indent) + line
	}
	return out
}

const tokenHook = `oauth2:
  token_hook:
    url: https://id.example.com/hooks/hydra/token
    auth:
      type: api_key
      config: {in: header, name: X-Hook-Key, value: THE_HOOK_KEY}
`

// Each finding that makes an installation unfit, or is worth a word, with
// exactly the block that mends it.
func TestBlocksToPaste(t *testing.T) {
	const flows = "selfservice.flows."
	login := "selfservice:\n  flows:\n    login:\n      after:\n        hooks:\n" + web(10, "login", "parse")
	byPassword := func(flow, response string) string {
		return "selfservice:\n  flows:\n    " + flow + ":\n      after:\n        password:\n          hooks:\n" + web(12, flow, response)
	}
	session := m{"hook": "session"}
	for _, tt := range []struct {
		name   string
		config m
		look   func(map[string]any, doctor.Ours) []doctor.Finding
		where  string
		level  doctor.Level
		says   string
		paste  string
	}{
		{"no token hook", set(hydra(), "oauth2.token_hook", nil), doctor.Hydra, "oauth2.token_hook", doctor.Missing,
			"Hydra asks nobody: no refresh is judged", tokenHook},
		{"a token hook without a key", set(hydra(), "oauth2.token_hook", "https://id.example.com/hooks/hydra/token"), doctor.Hydra,
			"oauth2.token_hook", doctor.Missing, "a bare URL sends no key; lanyard answers 401 and Hydra refuses every token", tokenHook},
		{"a token hook that is a list", set(hydra(), "oauth2.token_hook", []any{1}), doctor.Hydra, "oauth2.token_hook", doctor.Missing,
			"it is neither a URL nor a section: Hydra logs an error and runs no hook", tokenHook},
		{"a token hook that leads elsewhere", set(hydra(), "oauth2.token_hook.url", "https://else.example.com/"), doctor.Hydra,
			"oauth2.token_hook.url", doctor.Advice, "it does not lead to lanyard's /hooks/hydra/token: unless the hook there asks " +
				`lanyard's (docs/ory.md, "A token hook of your own"), no refresh is judged`, tokenHook},
		{"a key in a cookie", set(hydra(), "oauth2.token_hook.auth.config.in", "cookie"), doctor.Hydra, "oauth2.token_hook", doctor.Missing,
			"sends no key: without auth.config.in: header Ory leaves it out", tokenHook},
		{"a key under another name", set(hydra(), "oauth2.token_hook.auth.config.name", "X-Key"), doctor.Hydra, "oauth2.token_hook",
			doctor.Missing, "must send the key as X-Hook-Key", tokenHook},
		{"basic auth", set(hydra(), "oauth2.token_hook.auth.type", "basic_auth"), doctor.Hydra, "oauth2.token_hook", doctor.Missing,
			"sends no key: auth.type must be api_key", tokenHook},
		{"PKCE is left to clients", set(hydra(), "oauth2.pkce", nil), doctor.Hydra, "oauth2.pkce", doctor.Missing,
			"PKCE must be enforced: after a refused code exchange Hydra v2.3.0 otherwise accepts the code without it",
			"oauth2:\n  pkce:\n    enforced_for_public_clients: true\n"},
		{"PKCE for all", set(set(hydra(), "oauth2.pkce", nil), "oauth2.pkce", m{"enforced": true}), doctor.Hydra, "oauth2.pkce", doctor.Good,
			"PKCE is enforced for public clients", ""},
		{"the old hook too", set(hydra(), "oauth2.refresh_token_hook", "x"), doctor.Hydra, "oauth2.refresh_token_hook", doctor.Advice,
			"the old refresh hook is set too; lanyard needs the token hook only", ""},
		{"no grace", set(hydra(), "oauth2.grant", nil), doctor.Hydra, "oauth2.grant.refresh_token.rotation_grace_period", doctor.Advice,
			"no grace: a lost response signs its user out", "oauth2:\n  grant:\n    refresh_token:\n      rotation_grace_period: 30s\n"},
		{"a long grace", set(hydra(), "oauth2.grant.refresh_token.rotation_grace_period", "5m"), doctor.Hydra,
			"oauth2.grant.refresh_token.rotation_grace_period", doctor.Advice,
			"5m is long: within it a stolen token refreshes beside its owner's; 10s to 60s is enough", ""},
		{"another lifetime", set(hydra(), "ttl.access_token", "15m"), doctor.Hydra, "ttl.access_token", doctor.Advice,
			"access tokens live 15m0s, lanyard's hooks.hydra.access_ttl says 1h0m0s: receipts would tell a wrong end", ""},
		{"JWTs", set(hydra(), "strategies.access_token", "jwt"), doctor.Hydra, "strategies.access_token", doctor.Advice,
			"access tokens are JWTs: one that is checked offline outlives its device by up to 1h0m0s", ""},
		{"private addresses", set(set(hydra(), "clients.http.disallow_private_ip_ranges", true),
			"clients.http.private_ip_exception_urls", []any{"http://kratos:4434/**", "https://id.example.com/*"}), doctor.Hydra,
			"clients.http.private_ip_exception_urls", doctor.Missing,
			"private addresses may not be called, and lanyard is no exception: if it has such an address, every hook fails",
			"clients:\n  http:\n    private_ip_exception_urls:\n      - \"http://kratos:4434/**\"\n      - \"https://id.example.com/*\"\n" +
				"      - \"https://id.example.com/hooks/**\"\n"},
		{"lanyard is an exception", set(set(hydra(), "clients.http.disallow_private_ip_ranges", true),
			"clients.http.private_ip_exception_urls", []any{"https://id.example.com/hooks/**"}), doctor.Hydra, "clients.http", doctor.Good,
			"lanyard is among the exceptions", ""},
		{"Hydra tells its own address", set(hydra(), "urls.self.issuer", "http://hydra:4444/"), doctor.Hydra, "urls.self.issuer", doctor.Missing,
			"it sends clients to Hydra's own address, around the gateway", "urls:\n  self:\n    issuer: THE_ADDRESS_OF_THE_GATEWAY\n"},
		{"Hydra tells the gateway's", set(hydra(), "urls.self.issuer", "https://id.example.com/"), doctor.Hydra, "urls.self.issuer", doctor.Good,
			"clients are not sent to Hydra's own address", ""},
		{"Hydra listens everywhere", set(hydra(), "serve.public.host", "0.0.0.0"), doctor.Hydra, "serve.public.host", doctor.Advice,
			"Hydra's public port listens on every address: who reaches it goes around the gateway; let nobody but lanyard reach it", ""},
		{"Hydra does not know Kratos", set(hydra(), "urls.identity_provider", nil), doctor.Hydra, "urls.identity_provider", doctor.Advice,
			"Hydra does not know Kratos: ending a login session there does not end Kratos' session (lanyard ends both)",
			"urls:\n  identity_provider:\n    url: KRATOS_ADMIN_URL\n    publicUrl: KRATOS_PUBLIC_URL\n"},

		{"nothing of logins", set(kratos(), flows+"login", nil), doctor.Kratos, flows + "login.after.hooks", doctor.Missing,
			"lanyard hears nothing of login", login},
		{"a method of its own", set(kratos(), flows+"login.after.password", m{"hooks": []any{m{"hook": "revoke_active_sessions"}}}), doctor.Kratos,
			flows + "login.after.password.hooks", doctor.Missing,
			"this method has hooks of its own, which replace the global ones: lanyard's does not run for password",
			byPassword("login", "parse") + "            - hook: revoke_active_sessions\n"},
		{"a method with somebody's web hook", set(kratos(), flows+"login.after", m{"password": m{"hooks": []any{
			m{"hook": "web_hook", "config": m{"url": "https://crm.example.com", "auth": "secret"}}}}}), doctor.Kratos,
			flows + "login.after.password.hooks", doctor.Missing, "lanyard hears nothing of login",
			byPassword("login", "parse") + "            - hook: web_hook # with its config, as it is\n"},
		{"nothing of registrations", set(kratos(), flows+"registration.after.password.hooks", []any{session}), doctor.Kratos,
			flows + "registration.after.password.hooks", doctor.Missing, "lanyard hears nothing of registration",
			byPassword("registration", "ignore") + "            - hook: session\n"},
		{"the session first", set(kratos(), flows+"registration.after.password.hooks", []any{session, hook("registration", nil)}), doctor.Kratos,
			flows + "registration.after.password.hooks", doctor.Missing,
			"the hook \"session\" ends the list: lanyard's behind it never runs",
			byPassword("registration", "ignore") + "            - hook: session\n"},
		{"a global hook that blocks registrations", set(kratos(), flows+"registration.after", m{"hooks": []any{hook("registration", nil)}}),
			doctor.Kratos, flows + "registration.after.hooks", doctor.Missing,
			"a hook that can block never runs from the global list of registration: Kratos asks the methods' lists only",
			byPassword("registration", "ignore")},
		{"a global hook of settings", set(kratos(), flows+"settings.after", m{"hooks": []any{hook("settings", nil)}}), doctor.Kratos,
			flows + "settings.after.hooks", doctor.Missing,
			"a hook that can block never runs from the global list of settings: Kratos asks the methods' lists only",
			byPassword("settings", "parse")},
		{"nothing of recoveries", set(kratos(), flows+"recovery.enabled", true), doctor.Kratos, flows + "recovery.after.hooks", doctor.Missing,
			"lanyard hears nothing of recovery",
			"selfservice:\n  flows:\n    recovery:\n      after:\n        hooks:\n" + web(10, "recovery", "parse")},
		{"an answer nobody reads", set(kratos(), flows+"login.after.hooks", []any{hook("login", m{"response": m{}})}), doctor.Kratos,
			flows + "login.after.hooks", doctor.Missing,
			"does not parse the answer: an ended device gets an error page instead of the message", login},
		{"no body", set(kratos(), flows+"login.after.hooks", []any{hook("login", m{"body": ""})}), doctor.Kratos, flows + "login.after.hooks",
			doctor.Missing, "has no body: Kratos then fails at run time", login},
		{"another verb", set(kratos(), flows+"login.after.hooks", []any{hook("login", m{"method": "PUT"})}), doctor.Kratos,
			flows + "login.after.hooks", doctor.Missing, "must be POSTed", login},
		{"ignored and parsed", set(kratos(), flows+"login.after.hooks", []any{hook("login", m{"response": m{"parse": true, "ignore": true}})}),
			doctor.Kratos, flows + "login.after.hooks", doctor.Missing, "ignores its answer and parses it: Kratos refuses that", login},
		{"few headers", set(kratos(), "clients.web_hook.header_allowlist", []any{"User-Agent", "accept-language", "X-Own"}), doctor.Kratos,
			"clients.web_hook.header_allowlist", doctor.Missing, "lanyard cannot see Sec-Ch-Ua, Sec-Ch-Ua-Mobile, Sec-Ch-Ua-Platform",
			"clients:\n  web_hook:\n    header_allowlist:\n      - User-Agent\n      - accept-language\n      - X-Own\n" +
				"      - Sec-Ch-Ua\n      - Sec-Ch-Ua-Mobile\n      - Sec-Ch-Ua-Platform\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var at []string
			for _, f := range tt.look(tt.config, ours()) {
				_, where, _ := strings.Cut(f.Where, ": ")
				if where == tt.where && f.Level == tt.level && f.What == tt.says {
					if diff := cmp.Diff(tt.paste, f.Paste); diff != "" {
						t.Errorf("%s: %s", f.Where, diff)
					}
					return
				}
				at = append(at, string(f.Level)+" "+f.Where+": "+f.What)
			}
			t.Errorf("not found: %s %s: %s; found:\n%s", tt.level, tt.where, tt.says, strings.Join(at, "\n"))
		})
	}
}

// Codes that only recover accounts sign nobody in.
func TestMethodsThatSignNobodyInNeedNoHook(t *testing.T) {
	config := set(kratos(), "selfservice.methods.code.enabled", true)
	config = set(config, "selfservice.flows.login.after", m{"password": m{"hooks": []any{hook("login", nil)}}})
	if found := missing(doctor.Kratos(config, ours())); found != nil {
		t.Error(found)
	}
	config = set(config, "selfservice.methods.code.passwordless_enabled", true)
	if found := missing(doctor.Kratos(config, ours())); len(found) != 2 {
		t.Errorf("codes sign in and register: %q", found)
	}
}

func TestBlocksOfTheBridge(t *testing.T) {
	o := ours()
	o.Bridge, o.Gateway = true, false
	found := doctor.Hydra(hydra(), o)
	paste := ""
	for _, f := range found {
		if f.Level == doctor.Missing {
			paste += f.Paste
		}
	}
	want := "urls:\n  consent: https://id.example.com/bridge/consent\nurls:\n  login: https://id.example.com/bridge/login\n" +
		"urls:\n  logout: https://id.example.com/bridge/logout\n"
	if paste != want {
		t.Errorf("%s\nwant\n%s", paste, want)
	}
	own := doctor.Hydra(set(hydra(), "urls.consent", "https://login.example.com/consent"), o)
	if !slices.ContainsFunc(own, func(f doctor.Finding) bool {
		return f.Level == doctor.Advice && f.Where == "hydra.yml: urls.consent" && strings.Contains(f.What, "puts device_id into the session")
	}) {
		t.Errorf("a consent app of one's own: %+v", own)
	}
}
