package observe

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"testing"
)

// maxFast is the most instructions of an expression for which package regexp
// uses a fast matcher (maxBacktrackProg).
const maxFast = 500

// slowWork returns how many instructions an expression has if it is too long
// for the fast matchers, and else 0.
func slowWork(t *testing.T, known map[string]int, expression *regexp.Regexp) int {
	t.Helper()
	text := expression.String()
	if work, ok := known[text]; ok {
		return work
	}
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	program, err := syntax.Compile(re.Simplify())
	if err != nil {
		t.Fatal(err)
	}
	known[text] = len(program.Inst)
	if len(program.Inst) <= maxFast {
		known[text] = 0
	}
	return known[text]
}

// workOf returns the slow work of trying each expression of a table until one
// matches, and the slow work of those that are left by the filter.
func workOf[R any](t *testing.T, known map[string]int, patterns *table[R], expressions []*regexp.Regexp, text string) (alone, filtered int) {
	t.Helper()
	for _, e := range expressions {
		if alone += slowWork(t, known, e); e.MatchString(text) {
			break
		}
	}
	folded := fold(text)
	patterns.filter.candidates(folded, func(i int) bool {
		if b := patterns.rules[i].branches; b == nil {
			filtered += slowWork(t, known, expressions[i])
		} else {
			b.filter.candidates(folded, func(branch int) bool {
				filtered += slowWork(t, known, b.expressions[branch])
				return false
			})
		}
		return expressions[i].MatchString(text)
	})
	return alone, filtered
}

// Expressions that are slow to match are tried at least ten times less: in the
// whole census, in the 99th percentile of its User-Agents and in the worst.
func TestSlowExpressionsAreTriedTenTimesLess(t *testing.T) {
	plain, d, known := plainParser(t), loadDefinitions(), map[string]int{}
	var browsers, systems, models []*regexp.Regexp
	for _, p := range plain.UA {
		browsers = append(browsers, p.Reg)
	}
	for _, p := range plain.OS {
		systems = append(systems, p.Reg)
	}
	for _, p := range plain.Device {
		models = append(models, p.Reg)
	}
	var alone, filtered []int
	var sum, filteredSum int
	for i, text := range census(t) {
		if i%(7*everyNth) != 0 {
			continue
		}
		text = clean(text, maxAgent)
		b, fb := workOf(t, known, &d.browsers, browsers, text)
		s, fs := workOf(t, known, &d.systems, systems, text)
		m, fm := workOf(t, known, &d.models, models, text)
		alone, filtered = append(alone, b+s+m), append(filtered, fb+fs+fm)
		sum, filteredSum = sum+b+s+m, filteredSum+fb+fs+fm
	}
	slices.Sort(alone)
	slices.Sort(filtered)
	p99, worst := len(alone)*99/100, len(alone)-1
	if 10*filteredSum > sum || 10*filtered[p99] > alone[p99] || 10*filtered[worst] > alone[worst] {
		t.Errorf("%d of %d instructions are left in the whole census, %d of %d in the 99th percentile, %d of %d in the worst",
			filteredSum, sum, filtered[p99], alone[p99], filtered[worst], alone[worst])
	}
}
