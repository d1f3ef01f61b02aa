package doctor

import (
	"slices"
	"strings"
)

// Kratos looks at a kratos.yml.
func Kratos(config map[string]any, o Ours) []Finding {
	t, r := tree(config), &report{file: "kratos.yml"}
	for _, f := range []struct {
		flow    string
		methods []string
		// blocking hooks of this flow run only under a method: Kratos never
		// looks at the global list for them.
		methodOnly bool
		parse      bool
	}{
		{"login", []string{"password", "oidc", "code", "webauthn", "passkey", "totp", "lookup_secret"}, false, true},
		{"registration", []string{"password", "oidc", "code", "webauthn", "passkey"}, false, false},
		{"settings", []string{"password"}, true, true},
	} {
		kratosFlow(r, t, o, f.flow, f.methods, f.methodOnly, f.parse)
	}
	private(r, t, o)
	allowed(r, t)
	return r.list
}

func block(o Ours, flow string, parse bool) string {
	query := ""
	if flow == "settings" {
		query = "?revoke=others"
	}
	text := "- hook: web_hook\n  config:\n    url: " + o.URL + "/hooks/kratos/" + flow + query + "\n    method: POST\n" +
		"    body: file://" + o.Jsonnet + "\n    auth:\n      type: api_key\n" +
		"      config: {in: header, name: X-Hook-Key, value: THE_HOOK_KEY}\n"
	if parse {
		return text + "    response: {parse: true}\n"
	}
	// The identity is saved by then: an answer could only spoil the page.
	return text + "    response: {ignore: true}\n"
}

// under indents a block and puts it under a path of keys.
func under(path, text string) string {
	out, indent := "", ""
	for key := range strings.SplitSeq(path, ".") {
		out += indent + key + ":\n"
		indent += "  "
	}
	for line := range strings.Lines(text) {
		out += indent + line
	}
	return out
}

func kratosFlow(r *report, t tree, o Ours, flow string, methods []string, methodOnly, parse bool) {
	after := "selfservice.flows." + flow + ".after"
	global := ourHook(t.list(after+".hooks"), flow)
	if global != nil && methodOnly && (global.yes("response.parse") || global.yes("can_interrupt")) {
		r.add(Missing, after+".hooks", "a hook that can block never runs from the global list of "+flow+
			": Kratos asks the methods' lists only", under(after+".password.hooks", block(o, flow, parse)))
		global = nil
	}
	for _, m := range methods {
		if !enabled(t, m) {
			continue
		}
		path := after + "." + m + ".hooks"
		hooks := t.list(path)
		found := ourHook(hooks, flow)
		switch {
		case found != nil:
			hookIsGood(r, *found, o, path, flow, parse)
			order(r, hooks, path, flow)
		case global != nil && len(hooks) == 0:
			hookIsGood(r, *global, o, after+".hooks", flow, parse)
		case global != nil:
			r.add(Missing, path, "this method has hooks of its own, which replace the global ones: lanyard's does not run for "+m,
				under(path, block(o, flow, parse)))
		default:
			r.add(Missing, path, "lanyard hears nothing of "+flow+" by "+m, under(path, block(o, flow, parse)))
		}
	}
}

// enabled reports whether a method is on. Password, TOTP and lookup secrets
// have defaults of Kratos': password is on.
func enabled(t tree, method string) bool {
	if t.at("selfservice.methods."+method+".enabled") == nil {
		return method == "password"
	}
	return t.yes("selfservice.methods." + method + ".enabled")
}

// ourHook returns the configuration of lanyard's hook in a list, or nil.
func ourHook(hooks []any, flow string) *tree {
	for _, h := range hooks {
		m, _ := h.(map[string]any)
		if config, is := m["config"].(map[string]any); is && m["hook"] == "web_hook" {
			address, _, _ := strings.Cut(tree(config).text("url"), "?")
			if strings.HasSuffix(address, "/hooks/kratos/"+flow) {
				found := tree(config)
				return &found
			}
		}
	}
	return nil
}

func hookIsGood(r *report, h tree, o Ours, path, flow string, parse bool) {
	sends, _ := h.at("auth").(map[string]any)
	wrong := auth(sends, o)
	switch {
	case wrong != "":
	case h.text("body") == "":
		wrong = "has no body: Kratos then fails at run time"
	case !strings.EqualFold(h.text("method"), "POST"):
		wrong = "must be POSTed"
	case h.yes("response.ignore") && (h.yes("response.parse") || h.yes("can_interrupt")):
		wrong = "ignores its answer and parses it: Kratos refuses that"
	case parse && !h.yes("response.parse") && !h.yes("can_interrupt"):
		wrong = "does not parse the answer: an ended device gets an error page instead of the message"
	}
	r.check(wrong == "", path, "lanyard hears of "+flow, wrong, under(path, block(o, flow, parse)))
}

// order wants the session after lanyard's hook: the hooks run in their order.
func order(r *report, hooks []any, path, flow string) {
	session := slices.IndexFunc(hooks, func(h any) bool {
		m, _ := h.(map[string]any)
		return m["hook"] == "session"
	})
	if session >= 0 && session < len(hooks)-1 && ourHook(hooks[session:], flow) != nil {
		r.add(Missing, path, "the hook \"session\" ends the list: lanyard's behind it never runs", "")
	}
}

// allowed looks at the header allow-list of v25.4.0 and later, which replaces
// the built-in one.
func allowed(r *report, t tree) {
	list := t.list("clients.web_hook.header_allowlist")
	if list == nil {
		r.add(Good, "clients.web_hook.header_allowlist", "the built-in list holds what lanyard looks at", "")
		return
	}
	var lacks []string
	for _, name := range []string{"User-Agent", "Accept-Language", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform"} {
		if !slices.ContainsFunc(list, func(e any) bool { s, _ := e.(string); return strings.EqualFold(s, name) }) {
			lacks = append(lacks, name)
		}
	}
	r.check(len(lacks) == 0, "clients.web_hook.header_allowlist", "it holds what lanyard looks at",
		"lanyard cannot see "+strings.Join(lacks, ", "),
		under("clients.web_hook.header_allowlist", "- "+strings.Join(lacks, "\n- ")+"\n"))
}
