package observe

import (
	"regexp"
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"
)

// definitions are uap-go's patterns, of which only those are tried that can
// match. The result is identical to uap-go's.
type definitions struct {
	browsers table[uaparser.UserAgent]
	systems  table[uaparser.Os]
	models   table[uaparser.Device]
}

// pattern is a pattern of uap-go. If it matches in a text, Match writes what
// the text says into a result.
type pattern[R any] interface{ Match(text string, result *R) }

// table is the patterns of one kind in uap-go's order.
type table[R any] struct {
	filter *prefilter
	rules  []rule[R]
}

// rule is one pattern. If its expression is split, parts are the pattern with
// each branch in place of the whole expression.
type rule[R any] struct {
	whole    pattern[R]
	branches *branches
	parts    []pattern[R]
}

// loadDefinitions compiles the embedded expressions once per process. They are
// read-only from then on.
var loadDefinitions = sync.OnceValue(func() *definitions {
	// The error is always nil; embedded definitions either compile or panic.
	// Its own cache of a thousand full strings would be a second one.
	parser, _ := uaparser.New(uaparser.WithCacheSize(1))
	d := &definitions{}
	for _, p := range parser.UA {
		d.browsers.add(p, p.Reg, p.FamilyReplacement+p.V1Replacement+p.V2Replacement+p.V3Replacement,
			func(branch *regexp.Regexp) pattern[uaparser.UserAgent] {
				part := p.Clone()
				part.Reg = branch
				return part
			})
	}
	for _, p := range parser.OS {
		d.systems.add(p, p.Reg, p.OSReplacement+p.V1Replacement+p.V2Replacement+p.V3Replacement+p.V4Replacement,
			func(branch *regexp.Regexp) pattern[uaparser.Os] { part := p.Clone(); part.Reg = branch; return part })
	}
	for _, p := range parser.Device {
		d.models.add(p, p.Reg, p.DeviceReplacement+p.BrandReplacement+p.ModelReplacement,
			func(branch *regexp.Regexp) pattern[uaparser.Device] {
				part := p.Clone()
				part.Reg = branch
				return part
			})
	}
	return d
})

// add appends a pattern with its expression and the templates of its result.
func (t *table[R]) add(whole pattern[R], expression *regexp.Regexp, templates string, part func(*regexp.Regexp) pattern[R]) {
	if t.filter == nil {
		t.filter = newPrefilter()
	}
	t.filter.add(expression.String())
	r := rule[R]{whole: whole}
	// A template without a group gives the same result for every match.
	if r.branches = branchesOf(expression.String(), !strings.Contains(templates, "$")); r.branches != nil {
		for _, branch := range r.branches.expressions {
			r.parts = append(r.parts, part(branch))
		}
	}
	t.rules = append(t.rules, r)
}

// read returns what the first pattern that matches says. A pattern that
// matches without a family is not the last one that is tried, as in uap-go.
func (t *table[R]) read(text, folded string, found func(*R) bool) (result R) {
	t.filter.candidates(folded, func(i int) bool {
		t.rules[i].match(text, folded, &result)
		return found(&result)
	})
	return result
}

func (r *rule[R]) match(text, folded string, result *R) {
	if r.branches == nil {
		r.whole.Match(text, result)
	} else if first := r.branches.first(text, folded); first >= 0 {
		r.parts[first].Match(text, result)
	}
}

// read returns what uap-go's ParseUserAgent, ParseOs and ParseDevice return.
func (d *definitions) read(text string) (uaparser.UserAgent, uaparser.Os, uaparser.Device) {
	folded := fold(text)
	u := d.browsers.read(text, folded, func(u *uaparser.UserAgent) bool { return u.Family != "" })
	o := d.systems.read(text, folded, func(o *uaparser.Os) bool { return o.Family != "" })
	m := d.models.read(text, folded, func(m *uaparser.Device) bool { return m.Family != "" })
	for _, family := range []*string{&u.Family, &o.Family, &m.Family} {
		if *family == "" {
			*family = "Other"
		}
	}
	return u, o, m
}
