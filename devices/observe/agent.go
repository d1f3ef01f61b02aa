package observe

import (
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/maypok86/otter/v2"

	"github.com/lanyard-id/lanyard/devices"
)

const (
	// maxAgent is the most bytes of a User-Agent that are parsed.
	maxAgent = 512
	// maxValue is the most characters of anything told by a stranger that
	// become a signal.
	maxValue = 64
)

// agent is what a User-Agent says. Empty fields could not be told from it.
type agent struct {
	os, osVersion, browser, version string
	class                           devices.Class
	brand, model                    string
	chromium                        bool // claims the engine that sends client hints
}

// agents reads User-Agents and remembers them by their raw text. The cache
// keeps what is asked for often, so that a flood of new strings does not push
// out everybody else's.
type agents struct {
	cache  *otter.Cache[string, agent]
	parses atomic.Int64
}

func newAgents(size int) *agents {
	if size <= 0 {
		size = 4096
	}
	loadDefinitions()
	return &agents{cache: otter.Must(&otter.Options[string, agent]{
		MaximumSize: size,
		Executor:    func(fn func()) { fn() }, // no goroutine outlives a look
	})}
}

// read returns what a User-Agent says.
func (a *agents) read(raw string) agent {
	if raw == "" {
		return agent{}
	}
	raw = raw[:min(len(raw), maxAgent)]
	if known, ok := a.cache.GetIfPresent(raw); ok {
		return known
	}
	a.parses.Add(1)
	said := parse(clean(raw, maxAgent))
	a.cache.Set(strings.Clone(raw), said) // the header's buffer is not kept alive
	return said
}

// known reports whether read returns without parsing.
func (a *agents) known(raw string) bool {
	if raw == "" {
		return true
	}
	_, ok := a.cache.GetIfPresent(raw[:min(len(raw), maxAgent)])
	return ok
}

// parse reads a cleaned User-Agent. Whatever goes wrong in hundreds of
// expressions, a stranger's header must not end a request.
func parse(text string) (said agent) {
	defer func() {
		if recover() != nil {
			said = agent{}
		}
	}()
	if text == "" {
		return agent{}
	}
	u, o, d := loadDefinitions().read(text)
	said = agent{
		os:       osFamily(o.Family, text),
		chromium: strings.Contains(text, "Chrome/") || strings.Contains(text, "Chromium/"),
	}
	said.osVersion = osVersion(said.os, version(o.Major, o.Minor, o.Patch), text)
	if name, number, native := nativeProduct(text); native {
		said.browser, said.version = name, number
	} else {
		said.browser, said.version = browserFamily(u.Family, text), version(u.Major, u.Minor, u.Patch)
	}
	said.class = class(said, text, d.Family == "Spider")
	said.brand, said.model = brand(d.Brand), model(said, text, &d)
	said.browser, said.model = clean(said.browser, maxValue), clean(said.model, maxValue)
	return said
}

// signals returns the agent as a fingerprint of its own.
func (a agent) signals() devices.Fingerprint {
	f := make(devices.Fingerprint, 9)
	for _, told := range []struct {
		signal devices.Signal
		value  string
	}{
		{devices.SignalOS, a.os}, {devices.SignalOSVersion, a.osVersion},
		{devices.SignalBrowser, a.browser}, {devices.SignalBrowserVersion, a.version},
		{devices.SignalClass, string(a.class)},
		{devices.SignalBrand, a.brand}, {devices.SignalModel, a.model},
	} {
		if told.value != "" {
			f[told.signal] = told.value
		}
	}
	return f
}

// clean returns at most limit bytes of text, without control, formatting and
// invalid characters, trimmed.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return strings.TrimSpace(text)
}
