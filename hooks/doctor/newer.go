package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// newerHydra looks at settings that Hydra has from v25.4.0 on, or in Ory's
// enterprise builds.
func newerHydra(r *report, t tree) {
	const grace = "oauth2.grant.refresh_token"
	if t.text(grace+".rotation_grace_reuse_count") == "1" {
		r.add(Advice, grace+".rotation_grace_reuse_count", "1 is no grace: the second use of a token ends its chain. "+
			"2 or more is one, and is safe behind the gateway, which judges each use",
			under(grace, "rotation_grace_reuse_count: 2\n"))
	}
	if t.yes("feature_flags.discard_skipped_consents") {
		r.add(Advice, "feature_flags.discard_skipped_consents", "Hydra cannot end the chain of a consent that was skipped: "+
			"it is refused at the token hook, and its access tokens live until they expire",
			under("feature_flags", "discard_skipped_consents: false\n"))
	}
	if t.yes("strategies.jwt.stateless.enabled") {
		r.add(Missing, "strategies.jwt.stateless.enabled", "Hydra answers 501 to introspection and revocation: "+
			"no access token can be ended before it expires", under("strategies.jwt.stateless", "enabled: false\n"))
	}
	if prefix := t.text("oauth2.token_prefix"); prefix != "" {
		r.add(Advice, "oauth2.token_prefix", "tokens begin with "+prefix+": the gateway knows Hydra's own ory_rt_ only, and takes a "+
			"token that comes without your prefix for another one", "")
	}
}

// signingOut looks at what Kratos has a browser forget at a logout.
func signingOut(r *report, t tree) {
	if t.yes("selfservice.flows.logout.clear_browser_data") {
		r.add(Advice, "selfservice.flows.logout.clear_browser_data", "a logout deletes lanyard's device cookie too, where both are on "+
			"one domain: the browser comes back as a new device", under("selfservice.flows.logout", "clear_browser_data: false\n"))
	}
}

// moreHints are client hints that Kratos can forward from v25.4.0 on.
var moreHints = []string{
	"Sec-Ch-Ua-Platform-Version", "Sec-Ch-Ua-Model", "Sec-Ch-Ua-Full-Version-List", "Sec-Ch-Ua-Form-Factors",
}

// hints advises to forward more client hints where there is a list of headers.
func hints(r *report, list []any) {
	paste, lacks := "", []string(nil)
	for _, name := range list {
		paste += fmt.Sprintf("- %v\n", name)
	}
	for _, name := range moreHints {
		if !slices.ContainsFunc(list, func(e any) bool { s, _ := e.(string); return strings.EqualFold(s, name) }) {
			lacks = append(lacks, name)
			paste += "- " + name + "\n"
		}
	}
	if len(lacks) > 0 {
		r.add(Advice, "clients.web_hook.header_allowlist", "with "+strings.Join(lacks, ", ")+" too, lanyard would know browsers better",
			under("clients.web_hook.header_allowlist", paste))
	}
}
