package observe

import (
	"math/bits"
	"regexp/syntax"
	"slices"
	"strings"
)

// prefilter finds which of many regular expressions can match in a text at
// all, in one pass over the text. Once all are added, it is
// read-only.
type prefilter struct {
	// starts are the literals by their first minLiteral bytes.
	starts map[[minLiteral]byte][]int32
	texts  []string  // the literals
	asks   [][]int32 // for each literal, the expressions that are looked at if it is there
	// clauses are what each expression needs besides, as numbers of literals.
	clauses [][][]int32
	always  []uint64 // a bit for each expression that needs nothing
}

// newPrefilter returns a filter of no expressions.
func newPrefilter() *prefilter {
	return &prefilter{starts: map[[minLiteral]byte][]int32{}}
}

// add gives the next number, from 0, to an expression that regexp.Compile
// takes.
func (f *prefilter) add(expression string) {
	re, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(err) // regexp has compiled it
	}
	i := len(f.clauses)
	f.clauses = append(f.clauses, nil)
	if i/64 == len(f.always) {
		f.always = append(f.always, 0)
	}
	n := needOf(re)
	best, ok := n.best()
	if !ok {
		f.always[i/64] |= 1 << (i % 64)
		return
	}
	for _, literal := range best {
		at := f.number(literal)
		f.asks[at] = append(f.asks[at], int32(i))
	}
	for _, other := range n.all() {
		if slices.Equal(other, best) {
			continue
		}
		var clause []int32
		for _, literal := range other {
			clause = append(clause, f.number(literal))
		}
		f.clauses[i] = append(f.clauses[i], clause)
	}
}

// number returns the number of a literal. A new literal gets the next one.
func (f *prefilter) number(literal string) int32 {
	start := [minLiteral]byte([]byte(literal))
	for _, at := range f.starts[start] {
		if f.texts[at] == literal {
			return at
		}
	}
	at := int32(len(f.texts))
	f.texts, f.asks = append(f.texts, literal), append(f.asks, nil)
	f.starts[start] = append(f.starts[start], at)
	return at
}

// candidates calls try with the number of each expression that can match in a
// text, in order, until it returns true. The text is folded.
func (f *prefilter) candidates(folded string, try func(int) bool) {
	there := make([]uint64, (len(f.texts)+63)/64)
	chosen := slices.Clone(f.always)
	for i := 0; i+minLiteral <= len(folded); i++ {
		for _, at := range f.starts[[minLiteral]byte{folded[i], folded[i+1], folded[i+2]}] {
			if there[at/64]&(1<<(at%64)) != 0 || !strings.HasPrefix(folded[i:], f.texts[at]) {
				continue
			}
			there[at/64] |= 1 << (at % 64)
			for _, e := range f.asks[at] {
				chosen[e/64] |= 1 << (e % 64)
			}
		}
	}
	for word, set := range chosen {
		for ; set != 0; set &= set - 1 {
			if e := word*64 + bits.TrailingZeros64(set); f.met(e, there) && try(e) {
				return
			}
		}
	}
}

// met reports whether the other clauses of an expression hold.
func (f *prefilter) met(expression int, there []uint64) bool {
	for _, clause := range f.clauses[expression] {
		if !slices.ContainsFunc(clause, func(at int32) bool { return there[at/64]&(1<<(at%64)) != 0 }) {
			return false
		}
	}
	return true
}

// fold returns a text in which literals in lower case are found whatever case
// they are written in.
func fold(text string) string {
	if strings.Contains(text, "ſ") || strings.Contains(text, "\u212a") {
		text = strings.NewReplacer("ſ", "s", "\u212a", "k").Replace(text)
	}
	folded := []byte(text)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c | 0x20
		}
	}
	return string(folded)
}
