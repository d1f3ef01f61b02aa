// Package doctor reads an operator's hydra.yml and kratos.yml and says what is
// missing for lanyard beside them, with the block to paste. It knows the traps
// in which a hook is configured and silently never runs.
package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Level is how bad a finding is.
type Level string

// The levels. Only Missing makes an installation unfit.
const (
	Good    Level = "good"
	Advice  Level = "advice"
	Missing Level = "missing"
)

// Finding is one thing that was looked at.
type Finding struct {
	Level Level  `json:"level"`
	Where string `json:"where"`
	What  string `json:"what"`
	// Paste is the block that mends it, in YAML; empty where there is none.
	Paste string `json:"paste,omitempty"`
}

// Ours is what of lanyard's own configuration matters.
type Ours struct {
	// URL is lanyard's public URL as Ory reaches it, without a slash at its end.
	URL string
	// Keys are the accepted hook keys. They are compared, never shown.
	Keys []string
	// Gateway says that the gateway is on, Bridge that the bridge is.
	Gateway, Bridge bool
	// Upstream is where the gateway reaches Hydra.
	Upstream string
	// Kratos is where browsers reach Kratos, or else where lanyard does; empty
	// says that there is none.
	Kratos string
	// SignIn is how owners sign in to the pages: provider, oidc or kratos.
	SignIn string
	// HydraAdmin is where Hydra's admin API is.
	HydraAdmin string
	AccessTTL  time.Duration
	// Jsonnet is where the shipped file will lie.
	Jsonnet string
}

// tree is a configuration.
type tree map[string]any

// at returns what is at a path of keys, or nil.
func (t tree) at(path string) any {
	var here any = map[string]any(t)
	for key := range strings.SplitSeq(path, ".") {
		m, is := here.(map[string]any)
		if !is {
			return nil
		}
		here = m[key]
	}
	return here
}

func (t tree) text(path string) string {
	switch v := t.at(path).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func (t tree) yes(path string) bool { return t.at(path) == true }

func (t tree) list(path string) []any {
	list, _ := t.at(path).([]any)
	return list
}

// report collects findings about one file.
type report struct {
	file string
	list []Finding
}

func (r *report) add(l Level, where, what, paste string) {
	r.list = append(r.list, Finding{l, r.file + ": " + where, what, paste})
}

// check adds what is good, or else what is missing.
func (r *report) check(good bool, where, what, otherwise, paste string) {
	if good {
		r.add(Good, where, what, "")
		return
	}
	r.add(Missing, where, otherwise, paste)
}

// auth says what is wrong with a hook's credentials, or "".
func auth(t tree, o Ours) string {
	switch {
	case t.text("type") != "api_key":
		return "sends no key: auth.type must be api_key"
	case t.text("config.in") != "header":
		return "sends no key: without auth.config.in: header Ory leaves it out"
	case !strings.EqualFold(t.text("config.name"), "X-Hook-Key"):
		return "must send the key as X-Hook-Key"
	case !slices.Contains(o.Keys, t.text("config.value")):
		return "sends a key that is not among lanyard's hooks.keys"
	}
	return ""
}

// private says that the servers behind a file refuse to call private addresses
// and lanyard's hook at a path is not among the exceptions.
func private(r *report, t tree, o Ours, path string) {
	if !t.yes("clients.http.disallow_private_ip_ranges") {
		r.add(Good, "clients.http", "private addresses may be called", "")
		return
	}
	const where = "clients.http.private_ip_exception_urls"
	paste := ""
	for _, e := range t.list(where) {
		text, _ := e.(string)
		if matches(text, o.URL+path) {
			r.add(Good, "clients.http", "lanyard is among the exceptions", "")
			return
		}
		paste += "- \"" + text + "\"\n"
	}
	r.add(Missing, where, "private addresses may not be called, and lanyard is no exception: if it has such an address, every hook fails",
		under(where, paste+"- \""+o.URL+"/hooks/**\"\n"))
}

// matches reports whether a glob of Ory's matches an address: a star stops at
// dots and slashes, two do not.
func matches(glob, address string) bool {
	pattern := regexp.QuoteMeta(glob)
	pattern = strings.ReplaceAll(pattern, `\*\*`, `.*`)
	pattern = strings.ReplaceAll(pattern, `\*`, `[^./]*`)
	pattern = strings.ReplaceAll(pattern, `\?`, `[^./]`)
	is, err := regexp.MatchString("^"+pattern+"$", address)
	return err == nil && is
}
