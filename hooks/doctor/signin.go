package doctor

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// sessionCookie is the one of Kratos' cookies that lanyard reads
// (hooks/whoami).
const sessionCookie = "ory_kratos_session"

// signingIn looks at what Kratos must have for people to sign in by it: to the
// pages (webui.sign_in: kratos), and through the bridge.
func signingIn(r *report, t tree, o Ours) {
	pages := o.SignIn == "kratos"
	if pages {
		returning(r, t, o)
		cookie(r, t, o)
	}
	if pages || o.Bridge {
		calledSo(r, t, o)
	}
	if o.Bridge {
		r.check(t.text("oauth2_provider.url") != "", "oauth2_provider.url", "Kratos knows Hydra",
			"Kratos does not know Hydra, and turns down whoever the bridge sends: sign-ins for applications fail",
			"oauth2_provider:\n  url: "+o.HydraAdmin+"\n")
		if !sameHost(o.Kratos, o.URL) {
			r.add(Advice, "serve.public.base_url", "Kratos is on another host than lanyard: its hooks do not see lanyard's device cookie, "+
				"and know a browser by its looks until it comes to the bridge; a path of lanyard's host is enough", "")
		}
	}
}

// returning wants Kratos to send browsers back to the pages.
func returning(r *report, t tree, o Ours) {
	const where = "selfservice.allowed_return_urls"
	paste := ""
	for _, u := range t.list(where) {
		if text, _ := u.(string); leadsTo(text, o.URL+"/devices/callback") {
			r.add(Good, where, "Kratos sends browsers back to the pages", "")
			return
		}
		paste += fmt.Sprintf("- %v\n", u)
	}
	r.add(Missing, where, "Kratos sends nobody back to the pages: signing in to them fails with \"return_to is not allowed\"",
		under(where, paste+"- "+o.URL+"/devices/\n"))
}

// leadsTo reports whether Kratos takes an address for one that begins with an
// allowed one: scheme, host, which may begin with a star, and path.
func leadsTo(allowed, address string) bool {
	a, err := url.ParseRequestURI(allowed)
	b, err2 := url.Parse(address)
	if err != nil || err2 != nil || !strings.EqualFold(a.Scheme, b.Scheme) || !strings.HasPrefix(b.Path, a.Path) {
		return false
	}
	if behind, star := strings.CutPrefix(strings.ToLower(a.Host), "*"); star {
		return behind != "" && strings.HasSuffix(strings.ToLower(b.Host), behind)
	}
	return strings.EqualFold(a.Host, b.Host)
}

// cookie wants the session's cookie to reach the pages, under the name that
// they look for.
func cookie(r *report, t tree, o Ours) {
	if name := t.text("session.cookie.name"); name != "" && name != sessionCookie {
		r.add(Missing, "session.cookie.name", "lanyard looks for "+sessionCookie+", not for "+name+": nobody can sign in to the pages",
			"session:\n  cookie:\n    name: "+sessionCookie+"\n")
	}
	at := "cookies"
	if t.at("session.cookie.path") != nil {
		at = "session.cookie"
	}
	if path := t.text(at + ".path"); path != "" && path != "/" {
		r.add(Missing, at+".path", "browsers send the session's cookie below "+path+" only: it does not reach lanyard's /devices",
			under(at, "path: /\n"))
	}
	at = "cookies"
	if t.at("session.cookie.domain") != nil {
		at = "session.cookie"
	}
	domain := t.text(at + ".domain")
	switch {
	case domain == "" && sameHost(o.Kratos, o.URL):
		r.add(Good, at+".domain", "the session's cookie reaches lanyard: it is on Kratos' host", "")
	case domain != "" && covers(domain, o.Kratos) && covers(domain, o.URL):
		r.add(Good, at+".domain", "the session's cookie reaches lanyard", "")
	case above(o.Kratos, o.URL) == "":
		r.add(Missing, at+".domain", "no cookie is for both "+host(o.Kratos)+" and "+host(o.URL)+": nobody can sign in to the pages; "+
			"lead a path of lanyard's host to Kratos", "")
	default:
		r.add(Missing, at+".domain", "the session's cookie of "+host(o.Kratos)+" does not reach "+host(o.URL)+": nobody can sign in to the pages",
			under(at, "domain: "+above(o.Kratos, o.URL)+"\n"))
	}
}

// calledSo wants Kratos to call itself what browsers are sent to: its forms lead
// there, and its cookies are of there.
func calledSo(r *report, t tree, o Ours) {
	const where = "serve.public.base_url"
	paste := under("serve.public", "base_url: "+strings.TrimRight(o.Kratos, "/")+"/\n")
	switch itself := strings.TrimRight(t.text(where), "/"); {
	case itself == "":
		r.add(Missing, where, "Kratos guesses what browsers call it: its forms lead to its machine's name", paste)
	case strings.EqualFold(itself, strings.TrimRight(o.Kratos, "/")):
		r.add(Good, where, "Kratos is where lanyard sends browsers", "")
	default:
		r.add(Missing, where, "Kratos calls itself "+itself+", and lanyard sends browsers to "+o.Kratos+
			": they lose Kratos' cookies on the way; change it, or lanyard's identity.public_url", paste)
	}
}

// host returns the host of an address, without its port.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func sameHost(a, b string) bool { return host(a) == host(b) }

// covers reports whether browsers send a cookie of a domain to an address
// (RFC 6265 §5.1.3).
func covers(domain, address string) bool {
	domain, name := strings.ToLower(strings.TrimPrefix(domain, ".")), host(address)
	return name == domain || strings.HasSuffix(name, "."+domain) && net.ParseIP(name) == nil
}

// above returns the domain of which both addresses are, or "" where browsers
// take cookies for none.
func above(a, b string) string {
	if net.ParseIP(host(a)) != nil || net.ParseIP(host(b)) != nil {
		return ""
	}
	one, err := publicsuffix.EffectiveTLDPlusOne(host(a))
	other, err2 := publicsuffix.EffectiveTLDPlusOne(host(b))
	if err != nil || err2 != nil || one != other {
		return ""
	}
	return one
}
