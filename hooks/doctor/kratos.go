package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// flowOf is what lanyard wants to hear of a flow.
type flowOf struct {
	name    string
	methods []string // whose own hooks replace the flow's; none where only the flow has hooks
	parse   bool     // the answer counts
}

// Kratos looks at a kratos.yml.
func Kratos(config map[string]any, o Ours) []Finding {
	t, r := tree(config), &report{file: "kratos.yml"}
	kratosFlow(r, t, o, flowOf{"login", []string{"password", "oidc", "code", "webauthn", "passkey", "totp", "lookup_secret", "saml", "deviceauthn"}, true})
	kratosFlow(r, t, o, flowOf{"registration", []string{"password", "oidc", "code", "webauthn", "passkey", "saml", "deviceauthn"}, false})
	kratosFlow(r, t, o, flowOf{"settings", []string{"password"}, true})
	if t.yes("selfservice.flows.recovery.enabled") {
		kratosFlow(r, t, o, flowOf{"recovery", nil, true})
	}
	private(r, t, o, "/hooks/kratos/login")
	allowed(r, t)
	signingOut(r, t)
	signingIn(r, t, o)
	return r.list
}

// block returns the list of hooks with lanyard's before those that are there.
func block(o Ours, f flowOf, others []any) string {
	text := "- hook: web_hook\n  config:\n    url: " + o.URL + "/hooks/kratos/" + f.name + "\n    method: POST\n" +
		"    body: file://" + o.Jsonnet + "\n    auth:\n      type: api_key\n" +
		"      config: {in: header, name: X-Hook-Key, value: THE_HOOK_KEY}\n"
	if f.parse {
		text += "    response: {parse: true}\n"
	} else {
		// The identity is saved by then: an answer could only spoil the page.
		text += "    response: {ignore: true}\n"
	}
	for _, other := range others {
		m, _ := other.(map[string]any)
		if config, is := m["config"].(map[string]any); is && isOurs(config, f.name) {
			continue
		}
		text += "- hook: " + tree(m).text("hook")
		if len(m) > 1 {
			text += " # with its config, as it is" // which may hold secrets
		}
		text += "\n"
	}
	return text
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

func kratosFlow(r *report, t tree, o Ours, f flowOf) {
	after := "selfservice.flows." + f.name + ".after"
	global := ourHook(t.list(after+".hooks"), f.name)
	if global != nil && (f.name == "settings" || f.name == "registration") && blocking(*global) {
		global = nil
		if first := t.list(after + ".password.hooks"); ourHook(first, f.name) == nil {
			r.add(Missing, after+".hooks", "a hook that can block never runs from the global list of "+f.name+
				": Kratos asks the methods' lists only", under(after+".password.hooks", block(o, f, first)))
			return
		}
	}
	on := slices.DeleteFunc(slices.Clone(f.methods), func(m string) bool { return !enabled(t, f.name, m) })
	own := slices.ContainsFunc(on, func(m string) bool { return len(t.list(after+"."+m+".hooks")) > 0 })
	if !own && f.name != "settings" {
		kratosList(r, t, o, f, after+".hooks")
		return
	}
	for _, m := range on {
		path := after + "." + m + ".hooks"
		if len(t.list(path)) == 0 && global != nil {
			path = after + ".hooks"
		} else if global != nil && ourHook(t.list(path), f.name) == nil {
			r.add(Missing, path, "this method has hooks of its own, which replace the global ones: lanyard's does not run for "+m,
				under(path, block(o, f, t.list(path))))
			continue
		}
		kratosList(r, t, o, f, path)
	}
}

// kratosList looks at the list of hooks at a path.
func kratosList(r *report, t tree, o Ours, f flowOf, path string) {
	hooks := t.list(path)
	found := ourHook(hooks, f.name)
	paste := under(path, block(o, f, hooks))
	if found == nil {
		r.add(Missing, path, "lanyard hears nothing of "+f.name, paste)
		return
	}
	hookIsGood(r, *found, o, path, f, paste)
	order(r, hooks, path, f.name, paste)
}

func blocking(h tree) bool { return h.yes("response.parse") || h.yes("can_interrupt") }

// enabled reports whether a method takes part in a flow. Password is on by
// itself; codes sign in only where that is asked for.
func enabled(t tree, flow, method string) bool {
	at := "selfservice.methods." + method
	switch {
	case method == "code" && flow == "login":
		return t.yes(at+".passwordless_enabled") || t.yes(at+".mfa_enabled")
	case method == "code":
		return t.yes(at + ".passwordless_enabled")
	case t.at(at+".enabled") == nil:
		return method == "password"
	}
	return t.yes(at + ".enabled")
}

func isOurs(config tree, flow string) bool {
	address, _, _ := strings.Cut(config.text("url"), "?")
	return strings.HasSuffix(address, "/hooks/kratos/"+flow)
}

// ourHook returns the configuration of lanyard's hook in a list, or nil.
func ourHook(hooks []any, flow string) *tree {
	for _, h := range hooks {
		m, _ := h.(map[string]any)
		if config, is := m["config"].(map[string]any); is && m["hook"] == "web_hook" && isOurs(config, flow) {
			found := tree(config)
			return &found
		}
	}
	return nil
}

func hookIsGood(r *report, h tree, o Ours, path string, f flowOf, paste string) {
	sends, _ := h.at("auth").(map[string]any)
	wrong := auth(sends, o)
	switch {
	case wrong != "":
	case h.text("body") == "":
		wrong = "has no body: Kratos then fails at run time"
	case !strings.EqualFold(h.text("method"), "POST"):
		wrong = "must be POSTed"
	case h.yes("response.ignore") && blocking(h):
		wrong = "ignores its answer and parses it: Kratos refuses that"
	case f.parse && !blocking(h):
		wrong = "does not parse the answer: an ended device gets an error page instead of the message"
	}
	r.check(wrong == "", path, "lanyard hears of "+f.name, wrong, paste)
}

// order wants the session after lanyard's hook: the hooks run in their order.
func order(r *report, hooks []any, path, flow, paste string) {
	session := slices.IndexFunc(hooks, func(h any) bool {
		m, _ := h.(map[string]any)
		return m["hook"] == "session"
	})
	if session >= 0 && session < len(hooks)-1 && ourHook(hooks[session:], flow) != nil {
		r.add(Missing, path, "the hook \"session\" ends the list: lanyard's behind it never runs", paste)
	}
}

// allowed looks at the header allow-list of v25.4.0 and later, which replaces
// the built-in one.
func allowed(r *report, t tree) {
	list := t.list("clients.web_hook.header_allowlist")
	if list == nil {
		r.add(Good, "clients.web_hook.header_allowlist", "the built-in list holds what lanyard needs. "+
			"From Kratos v25.4.0 on, a list of your own can add "+strings.Join(moreHints, ", "), "")
		return
	}
	var lacks []string
	paste := ""
	for _, name := range list {
		paste += fmt.Sprintf("- %v\n", name)
	}
	for _, name := range []string{"User-Agent", "Accept-Language", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform"} {
		if !slices.ContainsFunc(list, func(e any) bool { s, _ := e.(string); return strings.EqualFold(s, name) }) {
			lacks = append(lacks, name)
			paste += "- " + name + "\n"
		}
	}
	r.check(len(lacks) == 0, "clients.web_hook.header_allowlist", "it holds what lanyard looks at",
		"lanyard cannot see "+strings.Join(lacks, ", "), under("clients.web_hook.header_allowlist", paste))
	hints(r, list)
}
