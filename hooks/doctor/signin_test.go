package doctor_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/hooks/doctor"
)

// signs is a Kratos by which people sign in to the pages.
func signs() m {
	config := set(kratos(), "serve.public.base_url", "https://id.example.com/kratos/")
	config["oauth2_provider"] = m{"url": "http://hydra:4445"}
	return set(config, "selfservice.allowed_return_urls", []any{"https://app.example.com", "https://id.example.com/devices/"})
}

func pages(edits ...func(*doctor.Ours)) doctor.Ours {
	o := ours()
	o.SignIn = "kratos"
	for _, edit := range edits {
		edit(&o)
	}
	return o
}

func bridged(o *doctor.Ours) { o.Bridge = true }

// beforeABridge is lanyard with the bridge, whose pages sign in otherwise.
func beforeABridge() doctor.Ours {
	o := ours()
	o.Bridge = true
	return o
}

func at(kratos string) func(*doctor.Ours) { return func(o *doctor.Ours) { o.Kratos = kratos } }

func TestPeopleCanSignIn(t *testing.T) {
	apart := set(set(signs(), "cookies.domain", "example.com"), "serve.public.base_url", "https://AUTH.example.com")
	for name, found := range map[string][]doctor.Finding{
		"on one host":    doctor.Kratos(signs(), pages(bridged)),
		"by another URL": doctor.Kratos(set(signs(), "selfservice.allowed_return_urls", []any{"https://*.example.com"}), pages()),
		"on two hosts":   doctor.Kratos(apart, pages(bridged, at("https://auth.example.com"))),
		"nobody does":    doctor.Kratos(kratos(), ours()),
	} {
		if lacks := missing(found); lacks != nil {
			t.Errorf("%s: %q", name, lacks)
		}
	}
}

// What would keep people from signing in, with the block that mends it.
func TestWhatKeepsPeopleFromSigningIn(t *testing.T) {
	const (
		returns = "selfservice.allowed_return_urls"
		base    = "serve.public.base_url"
		list    = "selfservice:\n  allowed_return_urls:\n"
		ours    = "    - https://id.example.com/devices/\n"
		auth    = "https://auth.example.com"
	)
	calls := func(url string) string { return "serve:\n  public:\n    base_url: " + url + "\n" }
	for _, tt := range []struct {
		name        string
		config      m
		ours        doctor.Ours
		level       doctor.Level
		where, says string
		paste       string
	}{
		{"nowhere to come back to", set(signs(), returns, nil), pages(), doctor.Missing, returns, "sends nobody back", list + ours},
		{"elsewhere only", set(signs(), returns, []any{"https://id.example.com/app", "http://id.example.com"}), pages(), doctor.Missing, returns,
			"sends nobody back", list + "    - https://id.example.com/app\n    - http://id.example.com\n" + ours},
		{"all that there is", set(signs(), returns, []any{"https://*"}), pages(), doctor.Missing, returns, "sends nobody back",
			list + "    - https://*\n" + ours},
		{"another cookie", set(signs(), "session.cookie.name", "acme"), pages(), doctor.Missing, "session.cookie.name", "not for acme",
			"session:\n  cookie:\n    name: ory_kratos_session\n"},
		{"a cookie of a path", set(signs(), "cookies.path", "/kratos"), pages(), doctor.Missing, "cookies.path", "below /kratos only",
			"cookies:\n  path: /\n"},
		{"a session's cookie of a path", set(signs(), "session.cookie.path", "/kratos"), pages(), doctor.Missing, "session.cookie.path",
			"below /kratos only", "session:\n  cookie:\n    path: /\n"},
		{"on two hosts", set(signs(), base, auth), pages(at(auth)), doctor.Missing, "cookies.domain",
			"of auth.example.com does not reach id.example.com", "cookies:\n  domain: example.com\n"},
		{"a domain of one of them", set(set(signs(), base, auth), "session.cookie.domain", "auth.example.com"), pages(at(auth)), doctor.Missing,
			"session.cookie.domain", "does not reach id.example.com", "session:\n  cookie:\n    domain: example.com\n"},
		{"a domain of the other", set(set(signs(), base, auth), "cookies.domain", "id.example.com"), pages(at(auth)), doctor.Missing,
			"cookies.domain", "does not reach id.example.com", "cookies:\n  domain: example.com\n"},
		{"a part of an address", set(set(signs(), base, "http://10.0.0.7"), "cookies.domain", "0.0.7"),
			pages(at("http://10.0.0.7"), func(o *doctor.Ours) { o.URL = "http://10.0.0.7" }), doctor.Missing, "cookies.domain", "no cookie is for both", ""},
		{"no name of its own before a bridge", set(signs(), base, nil), beforeABridge(), doctor.Missing, base, "guesses",
			calls("https://id.example.com/kratos/")},
		{"the session's domain counts", set(set(set(signs(), base, auth), "cookies.domain", "example.com"), "session.cookie.domain", ""),
			pages(at(auth)), doctor.Missing, "session.cookie.domain", "does not reach", "session:\n  cookie:\n    domain: example.com\n"},
		{"nothing above both", set(signs(), base, "https://auth.example.net"), pages(at("https://auth.example.net")), doctor.Missing,
			"cookies.domain", "no cookie is for both auth.example.net and id.example.com", ""},
		{"an address", set(signs(), base, "http://10.0.0.7"), pages(at("http://10.0.0.7")), doctor.Missing, "cookies.domain", "no cookie is for both", ""},
		{"no name of its own", set(signs(), base, nil), pages(), doctor.Missing, base, "guesses", calls("https://id.example.com/kratos/")},
		{"another name of its own", set(signs(), base, auth), pages(), doctor.Missing, base, "calls itself https://auth.example.com, and lanyard sends",
			calls("https://id.example.com/kratos/")},
		{"no Hydra", set(signs(), "oauth2_provider.url", nil), pages(bridged), doctor.Missing, "oauth2_provider.url", "does not know Hydra",
			"oauth2_provider:\n  url: http://hydra:4445\n"},
		{"a bridge to another host", set(set(signs(), base, auth), "cookies.domain", "example.com"), pages(bridged, at(auth)), doctor.Advice, base,
			"do not see lanyard's device cookie", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, f := range doctor.Kratos(tt.config, tt.ours) {
				if f.Level == tt.level && f.Where == "kratos.yml: "+tt.where && strings.Contains(f.What, tt.says) {
					if diff := cmp.Diff(tt.paste, f.Paste); diff != "" {
						t.Error(diff)
					}
					return
				}
				lines = append(lines, string(f.Level)+" "+f.Where+": "+f.What)
			}
			t.Errorf("not found; found:\n%s", strings.Join(lines, "\n"))
		})
	}
}

func TestSomebodyAnswersWhoSignsOut(t *testing.T) {
	o := beforeABridge()
	for to, want := range map[string]doctor.Level{
		"": doctor.Missing, "https://id.example.com/bridge/logout": doctor.Good, "https://app.example.com/logout": doctor.Advice,
	} {
		found := doctor.Hydra(set(hydra(), "urls.logout", to), o)
		level := doctor.Level("nothing")
		for _, f := range found {
			if f.Where == "hydra.yml: urls.logout" {
				level = f.Level
			}
		}
		if level != want {
			t.Errorf("logouts at %q: %s, want %s", to, level, want)
		}
	}
}
