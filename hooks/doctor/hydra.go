package doctor

import (
	"net/url"
	"strings"
	"time"
)

// Hydra looks at a hydra.yml.
func Hydra(config map[string]any, o Ours) []Finding {
	t, r := tree(config), &report{file: "hydra.yml"}
	hydraHook(r, t, o)
	r.check(t.yes("oauth2.pkce.enforced_for_public_clients") || t.yes("oauth2.pkce.enforced"), "oauth2.pkce", "PKCE is enforced for public clients",
		"PKCE must be enforced: after a refused code exchange Hydra v2.3.0 otherwise accepts the code without it",
		"oauth2:\n  pkce:\n    enforced_for_public_clients: true\n")
	if t.at("oauth2.refresh_token_hook") != nil {
		r.add(Advice, "oauth2.refresh_token_hook", "the old refresh hook is set too; lanyard needs the token hook only", "")
	}
	private(r, t, o, "/hooks/hydra/token")
	around(r, t, o)
	grace(r, t)
	newerHydra(r, t)
	tokens(r, t, o)
	pages(r, t, o)
	return r.list
}

func hydraHook(r *report, t tree, o Ours) {
	const where = "oauth2.token_hook"
	paste := "oauth2:\n  token_hook:\n    url: " + o.URL + "/hooks/hydra/token\n    auth:\n      type: api_key\n" +
		"      config: {in: header, name: X-Hook-Key, value: THE_HOOK_KEY}\n"
	switch hook := t.at(where).(type) {
	case nil:
		r.add(Missing, where, "Hydra asks nobody: no refresh is judged", paste)
	case string:
		r.add(Missing, where, "a bare URL sends no key; lanyard answers 401 and Hydra refuses every token", paste)
	case map[string]any:
		h := tree(hook)
		if !strings.HasSuffix(strings.TrimRight(h.text("url"), "/"), "/hooks/hydra/token") {
			r.add(Advice, where+".url", "it does not lead to lanyard's /hooks/hydra/token: unless the hook there asks lanyard's "+
				"(docs/ory.md, \"A token hook of your own\"), no refresh is judged", paste)
			return
		}
		sends, _ := h.at("auth").(map[string]any)
		wrong := auth(sends, o)
		r.check(wrong == "", where, "Hydra asks lanyard", wrong, paste)
	default:
		r.add(Missing, where, "it is neither a URL nor a section: Hydra logs an error and runs no hook", paste)
	}
}

func grace(r *report, t tree) {
	text := t.text("oauth2.grant.refresh_token.rotation_grace_period")
	d, err := time.ParseDuration(text)
	switch {
	case text == "" || err == nil && d == 0:
		r.add(Advice, "oauth2.grant.refresh_token.rotation_grace_period",
			"no grace: a lost response signs its user out", "oauth2:\n  grant:\n    refresh_token:\n      rotation_grace_period: 30s\n")
	case err == nil && d > time.Minute:
		r.add(Advice, "oauth2.grant.refresh_token.rotation_grace_period",
			text+" is long: within it a stolen token refreshes beside its owner's; 10s to 60s is enough", "")
	default:
		r.add(Good, "oauth2.grant.refresh_token", "the rotation grace is "+text, "")
	}
}

// tokens tells until when what was revoked lives on.
func tokens(r *report, t tree, o Ours) {
	ttl := time.Hour // Hydra's default
	if d, err := time.ParseDuration(t.text("ttl.access_token")); err == nil {
		ttl = d
	}
	if ttl != o.AccessTTL {
		r.add(Advice, "ttl.access_token", "access tokens live "+ttl.String()+", lanyard's hooks.hydra.access_ttl says "+
			o.AccessTTL.String()+": receipts would tell a wrong end", "")
	}
	if t.text("strategies.access_token") == "jwt" {
		r.add(Advice, "strategies.access_token", "access tokens are JWTs: one that is checked offline outlives its device by up to "+ttl.String(), "")
	}
}

func pages(r *report, t tree, o Ours) {
	if o.Bridge {
		answered(r, t, o, "consent", "consent is the bridge's", "nobody answers who is asked for consent",
			"consent is an application of your own: tokens name the device only if it puts device_id into the session (docs/ory.md)")
		r.check(t.text("urls.login") == o.URL+"/bridge/login", "urls.login", "login goes through the bridge",
			"without the bridge browsers get no device cookie before they sign in", "urls:\n  login: "+o.URL+"/bridge/login\n")
		answered(r, t, o, "logout", "logouts go through the bridge",
			"nobody can sign out: Hydra has nowhere to send them and shows an error",
			"logouts go elsewhere; the bridge ends them without a page of their own")
	}
	if o.Kratos != "" && t.at("urls.identity_provider.url") == nil {
		r.add(Advice, "urls.identity_provider", "Hydra does not know Kratos: ending a login session there does not end Kratos' session "+
			"(lanyard ends both)", "urls:\n  identity_provider:\n    url: KRATOS_ADMIN_URL\n    publicUrl: KRATOS_PUBLIC_URL\n")
	}
}

// answered wants somebody to answer at one of Hydra's pages: the bridge, or an
// application of the operator's own. Without, Hydra shows a page that says that
// nobody does.
func answered(r *report, t tree, o Ours, page, bridged, nobody, elsewhere string) {
	where, ours := "urls."+page, o.URL+"/bridge/"+page
	paste := "urls:\n  " + page + ": " + ours + "\n"
	switch t.text(where) {
	case ours:
		r.add(Good, where, bridged, "")
	case "":
		r.add(Missing, where, nobody, paste)
	default:
		r.add(Advice, where, elsewhere, paste)
	}
}

// around looks for ways around the gateway.
func around(r *report, t tree, o Ours) {
	if !o.Gateway {
		r.add(Advice, "serve.public", "there is no gateway before it (gateway.listen is empty): ended devices are refused, "+
			"stolen tokens on other devices are not seen", "")
		return
	}
	for _, key := range []string{"urls.self.issuer", "urls.self.public", "webfinger.oidc_discovery.token_url"} {
		if told, err := url.Parse(t.text(key)); err == nil && told.Host != "" {
			upstream, err := url.Parse(o.Upstream)
			r.check(err != nil || told.Host != upstream.Host, key, "clients are not sent to Hydra's own address",
				"it sends clients to Hydra's own address, around the gateway", under(key[:strings.LastIndex(key, ".")],
					key[strings.LastIndex(key, ".")+1:]+": THE_ADDRESS_OF_THE_GATEWAY\n"))
		}
	}
	if host := t.text("serve.public.host"); host == "" || host == "0.0.0.0" || host == "::" {
		r.add(Advice, "serve.public.host", "Hydra's public port listens on every address: who reaches it goes around the gateway; "+
			"let nobody but lanyard reach it", "")
	}
}
