package observe

import (
	"sync"

	"github.com/ua-parser/uap-go/uaparser"
)

// definitions are uap-go's expressions, of which only those are tried that can
// match. The result is uap-go's own.
type definitions struct {
	parser               *uaparser.Parser
	browsers, os, models *prefilter
}

// loadDefinitions compiles the embedded expressions once per process. They are
// read-only from then on.
var loadDefinitions = sync.OnceValue(func() *definitions {
	// The error is always nil; embedded definitions either compile or panic.
	// Its own cache of a thousand full strings would be a second one.
	parser, _ := uaparser.New(uaparser.WithCacheSize(1))
	d := &definitions{parser: parser}
	d.browsers = filterOf(parser.UA, func(i int) string { return parser.UA[i].Reg.String() })
	d.os = filterOf(parser.OS, func(i int) string { return parser.OS[i].Reg.String() })
	d.models = filterOf(parser.Device, func(i int) string { return parser.Device[i].Reg.String() })
	return d
})

// filterOf returns the filter of compiled expressions.
func filterOf[P any](patterns []P, expression func(int) string) *prefilter {
	expressions := make([]string, len(patterns))
	for i := range patterns {
		expressions[i] = expression(i)
	}
	f, err := newPrefilter(expressions)
	if err != nil {
		panic(err) // regexp has compiled them
	}
	return f
}

// read returns what uap-go's ParseUserAgent, ParseOs and ParseDevice return.
func (d *definitions) read(text string) (uaparser.UserAgent, uaparser.Os, uaparser.Device) {
	var (
		u uaparser.UserAgent
		o uaparser.Os
		m uaparser.Device
	)
	folded := fold(text)
	d.browsers.candidates(folded, func(i int) bool { d.parser.UA[i].Match(text, &u); return u.Family != "" })
	d.os.candidates(folded, func(i int) bool { d.parser.OS[i].Match(text, &o); return o.Family != "" })
	d.models.candidates(folded, func(i int) bool { d.parser.Device[i].Match(text, &m); return m.Family != "" })
	for _, family := range []*string{&u.Family, &o.Family, &m.Family} {
		if *family == "" {
			*family = "Other"
		}
	}
	return u, o, m
}
