package ory

// identitySchema is what an identity is in these tests.
var identitySchema = map[string]any{
	"$id": "https://example.com/identity.schema.json", "type": "object",
	"properties": map[string]any{"traits": map[string]any{
		"type": "object", "required": []string{"email"}, "additionalProperties": false,
		"properties": map[string]any{"email": map[string]any{
			"type": "string", "format": "email", "ory.sh/kratos": map[string]any{
				"credentials": map[string]any{
					"password": map[string]any{"identifier": true}, "code": map[string]any{"identifier": true, "via": "email"},
				},
				"recovery":     map[string]any{"via": "email"},
				"verification": map[string]any{"via": "email"},
			},
		}},
	}},
}

func listenOn(address string) map[string]any {
	host, port := split(address)
	return map[string]any{"host": host, "port": port}
}

// HydraConfig returns hydra.yml.
func (p Plan) HydraConfig() map[string]any {
	login := p.Login
	if login == "" {
		login = "http://" + p.KratosPublic + "/self-service/login/browser"
	}
	oauth2 := map[string]any{}
	if p.Grace > 0 {
		oauth2["grant"] = map[string]any{"refresh_token": map[string]any{"rotation_grace_period": p.Grace.String()}}
	}
	if p.HookKey != "" {
		oauth2["pkce"] = map[string]any{"enforced_for_public_clients": true}
		oauth2["token_hook"] = map[string]any{
			"url": p.Lanyard + "/hooks/hydra/token",
			"auth": map[string]any{"type": "api_key", "config": map[string]any{
				"in": "header", "name": "X-Hook-Key", "value": p.HookKey,
			}},
		}
	}
	strategy := "opaque"
	if p.JWT {
		strategy = "jwt"
	}
	return map[string]any{
		"dsn": DSN(p.HydraDatabase),
		"serve": map[string]any{
			"public": listenOn(p.HydraPublic), "admin": listenOn(p.HydraAdmin),
			"cookies": map[string]any{"same_site_mode": "Lax"},
		},
		"urls": map[string]any{
			"self":              map[string]any{"issuer": p.Issuer},
			"login":             login,
			"consent":           p.Consent,
			"identity_provider": map[string]any{"url": "http://" + p.KratosAdmin, "publicUrl": "http://" + p.KratosPublic},
		},
		"strategies": map[string]any{"access_token": strategy},
		"secrets":    map[string]any{"system": []string{"a-secret-for-tests-0123456789abcdef"}},
		"oauth2":     oauth2,
		"log":        map[string]any{"level": "warn"},
	}
}

// hook returns a hook block of Kratos.
func (p Plan) hook(name string, response map[string]any) map[string]any {
	return map[string]any{"hook": "web_hook", "config": map[string]any{
		"url": p.Lanyard + "/hooks/kratos/" + name, "method": "POST", "body": "file://" + jsonnet(),
		"auth": map[string]any{"type": "api_key", "config": map[string]any{
			"in": "header", "name": "X-Hook-Key", "value": p.HookKey,
		}},
		"response": response,
	}}
}

// KratosConfig returns kratos.yml.
func (p Plan) KratosConfig() map[string]any {
	ui := "http://" + p.KratosPublic + "/ui"
	mail := p.Mail
	if mail == "" {
		mail = "127.0.0.1:9"
	}
	return map[string]any{
		"version": "v1.3.1",
		"dsn":     DSN(p.KratosDatabase),
		"serve": map[string]any{
			"public": with(listenOn(p.KratosPublic), "base_url", "http://"+p.KratosPublic+"/"),
			"admin":  with(listenOn(p.KratosAdmin), "base_url", "http://"+p.KratosAdmin+"/"),
		},
		"identity": map[string]any{"default_schema_id": "default", "schemas": []any{
			map[string]any{"id": "default", "url": "file://" + p.Dir + "/identity.schema.json"},
		}},
		"secrets": map[string]any{
			"cookie": []string{"a-cookie-secret-for-tests-0123456"}, "cipher": []string{"32-LONG-SECRET-NOT-SECURE-AT-ALL"},
		},
		"hashers":         map[string]any{"algorithm": "bcrypt", "bcrypt": map[string]any{"cost": 4}},
		"oauth2_provider": map[string]any{"url": "http://" + p.HydraAdmin},
		"courier":         map[string]any{"smtp": map[string]any{"connection_uri": "smtp://" + mail + "/?disable_starttls=true"}},
		"selfservice": map[string]any{
			"default_browser_return_url": ui,
			"methods": map[string]any{
				"password": map[string]any{"enabled": true, "config": map[string]any{"haveibeenpwned_enabled": false}},
				"code":     map[string]any{"enabled": true, "passwordless_enabled": p.Mail != ""},
				"link":     map[string]any{"enabled": true},
			},
			"flows": p.flows(ui),
		},
		"feature_flags": map[string]any{"use_continue_with_transitions": true},
		"log":           map[string]any{"level": "warn", "leak_sensitive_values": true},
	}
}

// flows returns what Kratos offers, with lanyard's hooks where there is a key,
// and what needs mail where there is a mailbox.
func (p Plan) flows(ui string) map[string]any {
	parse := map[string]any{"parse": true}
	session := map[string]any{"hook": "session"}
	hooks := func(list ...any) map[string]any { return map[string]any{"hooks": list} }
	login, registration := map[string]any{}, map[string]any{"password": hooks(session)}
	settings, recovery, verification := map[string]any{}, map[string]any{}, map[string]any{}
	if p.HookKey != "" {
		about := "settings"
		if p.RevokeOthers {
			about += "?revoke=others"
		}
		login = hooks(p.hook("login", parse))
		registration["password"] = hooks(p.hook("registration", map[string]any{"ignore": true}), session)
		settings["password"] = hooks(p.hook(about, parse))
		recovery = hooks(p.hook("recovery", parse))
		verification = hooks(p.hook("verification", parse))
	}
	flow := func(name string, after map[string]any) map[string]any {
		return map[string]any{"ui_url": ui + "/" + name, "after": after}
	}
	all := map[string]any{
		"login": flow("login", login), "registration": flow("registration", registration), "settings": flow("settings", settings),
	}
	if p.Mail != "" {
		use := p.RecoverBy
		if use == "" {
			use = "code"
		}
		all["recovery"] = with(with(flow("recovery", recovery), "enabled", true), "use", use)
		all["verification"] = with(with(flow("verification", verification), "enabled", true), "use", use)
	}
	return all
}

func with(m map[string]any, key string, value any) map[string]any {
	m[key] = value
	return m
}
