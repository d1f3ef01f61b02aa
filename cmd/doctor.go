package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/hooks/doctor"
)

// doctorCmd checks an installation.
type doctorCmd struct {
	Hydra   string `placeholder:"FILE" help:"Hydra's configuration, to be looked at."`
	Kratos  string `placeholder:"FILE" help:"Kratos' configuration, to be looked at."`
	Jsonnet string `placeholder:"PATH" default:"/etc/kratos/device.jsonnet" help:"Where Kratos finds device.jsonnet."`
}

// errUnfit says that something is missing.
var errUnfit = errors.New("something is missing; see above")

// Run looks at the configuration, the schema, the files of Ory and the servers
// that can be reached, and prints what is missing with the block to paste.
func (d *doctorCmd) Run(a *app) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	inDatabase, keys := databaseFindings(a, c)
	running := a.outside(c, keys).findings()
	if d.Hydra != "" || d.Kratos != "" || c.besideOry() {
		running = advised(running)
	}
	found := slices.Concat(c.examined(), inDatabase, running)
	ours, called := c.ours(d.Jsonnet), false
	for _, file := range []struct {
		path string
		look func(map[string]any, doctor.Ours) []doctor.Finding
	}{{d.Hydra, doctor.Hydra}, {d.Kratos, doctor.Kratos}} {
		if file.path == "" {
			continue
		}
		config, err := readYAML(file.path)
		if err != nil {
			return err
		}
		found = append(found, file.look(config, ours)...)
		called = called || strings.Contains(fmt.Sprint(config), ours.URL+"/hooks/")
	}
	if d.Hydra != "" || d.Kratos != "" || c.besideOry() {
		found = append(found, c.examinedBeside()...)
		found = append(found, liveFindings(a, c, called)...)
	}
	found = append(found, signInFindings(a, c)...)
	if err := a.sayFindings(found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Level == doctor.Missing {
			return errUnfit
		}
	}
	return nil
}

func readYAML(path string) (map[string]any, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	config, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

func (a *app) sayFindings(found []doctor.Finding) error {
	if a.flags.Output == "json" {
		return a.printJSON(found)
	}
	for _, f := range found {
		_, err := fmt.Fprintf(a.stdout, "%-8s %s: %s\n", f.Level, printable(f.Where), printable(f.What))
		for line := range strings.Lines(f.Paste) {
			_, more := fmt.Fprintln(a.stdout, "           "+printable(strings.TrimRight(line, "\n")))
			err = errors.Join(err, more)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c Config) ours(jsonnet string) doctor.Ours {
	o := doctor.Ours{
		URL: strings.TrimSuffix(c.Issuer, "/"), Gateway: c.Gateway.Listen != "", Upstream: c.Gateway.Upstream,
		Bridge: c.Identity.Kind == "kratos", SignIn: c.WebUI.SignIn,
		Kratos:     cmp.Or(c.Identity.PublicURL, c.Hooks.Kratos.PublicURL, c.Hooks.Kratos.AdminURL, c.Identity.AdminURL),
		HydraAdmin: c.Hooks.Hydra.AdminURL, AccessTTL: c.Hooks.Hydra.AccessTTL, Jsonnet: jsonnet,
	}
	for _, k := range c.Hooks.Keys {
		o.Keys = append(o.Keys, k.Reveal())
	}
	return o
}

// besideOry reports whether anything of Ory is configured. Who has none is told
// nothing of it.
func (c Config) besideOry() bool {
	return len(c.Hooks.Keys) > 0 || c.Hooks.Hydra.AdminURL != "" || c.Hooks.Kratos != (Ory{}) || c.Gateway.Listen != "" ||
		c.Identity.Kind == "kratos" || c.WebUI.SignIn == "kratos"
}

// examined looks at lanyard's own configuration.
func (c Config) examined() []doctor.Finding {
	var found []doctor.Finding
	for _, complaint := range c.Complete() {
		where, what, _ := strings.Cut(complaint, ": ")
		found = append(found, own(doctor.Missing, where, what))
	}
	return append(found, c.examinedProxies()...)
}

// examinedProxies says from which header clients' addresses are read, and who
// may write it.
func (c Config) examinedProxies() []doctor.Finding {
	if len(c.TrustedProxies) == 0 {
		return nil
	}
	for _, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			return []doctor.Finding{own(doctor.Advice, "trusted_proxies", p.String()+
				" trusts everybody: a client writes its own address into "+c.ProxyHeader+"; name the proxies' networks alone")}
		}
	}
	return []doctor.Finding{own(doctor.Good, "trusted_proxy_header", "addresses are read from "+c.ProxyHeader+
		" alone; see that each of trusted_proxies "+duty(c.ProxyHeader))}
}

// duty returns what a proxy has to do with a header that a client may have sent.
func duty(header string) string {
	switch name := http.CanonicalHeaderKey(header); {
	case name == "Forwarded", strings.HasSuffix(name, "Forwarded-For"):
		return "overwrites it, or appends to it"
	default:
		return "overwrites it"
	}
}

func own(l doctor.Level, where, what string) doctor.Finding {
	return doctor.Finding{Level: l, Where: "lanyard: " + where, What: what}
}

// examinedBeside looks at what of it matters beside Ory.
func (c Config) examinedBeside() []doctor.Finding {
	var found []doctor.Finding
	add := func(l doctor.Level, where, what string) { found = append(found, own(l, where, what)) }
	if len(c.Hooks.Keys) == 0 {
		add(doctor.Advice, "hooks.keys", "empty: the hooks are off")
	} else {
		add(doctor.Good, "hooks.keys", "the hooks are on")
	}
	if c.Hooks.Deadline > 2*time.Second {
		add(doctor.Missing, "hooks.deadline", c.Hooks.Deadline.String()+" is too long: Hydra's own clients hang up after 10s, "+
			"and it tries three times; at most 2s")
	}
	if c.Gateway.Listen != "" && len(c.TrustedProxies) == 0 {
		add(doctor.Advice, "trusted_proxies", "empty: behind a proxy every device would seem to have the proxy's address")
	}
	if c.Hooks.Kratos != (Ory{}) || c.Identity.Kind == "kratos" {
		add(doctor.Advice, "hooks.kratos", "Kratos believes True-Client-IP, CF-Connecting-IP, X-Real-IP and X-Forwarded-For from anybody, in this order: "+
			"the proxy before it must overwrite the first that it sets, and delete those before")
	}
	switch {
	case c.Gateway.Listen == "":
	case c.bypass() == devices.BypassAllowed:
		add(doctor.Advice, "hooks.require_gateway", "off: a refresh that goes around the gateway is not noticed")
	default:
		add(doctor.Good, "hooks.require_gateway", "a refresh that goes around the gateway is noticed")
	}
	if c.Gateway.Listen != "" && len(c.Hooks.Keys) == 0 {
		add(doctor.Missing, "hooks.keys", "the gateway needs the token hook: it tells which grant a token belongs to")
	}
	return found
}

// advised makes advice of what is missing. Beside Ory, the files are looked at
// before anything is started, and the issuer may lead to the hooks alone.
func advised(found []doctor.Finding) []doctor.Finding {
	for i := range found {
		if found[i].Level == doctor.Missing {
			found[i].Level = doctor.Advice
		}
	}
	return found
}
