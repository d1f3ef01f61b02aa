package observe

import (
	"regexp/syntax"
	"slices"
	"strings"
)

const (
	// minLiteral is the fewest bytes of a literal that is looked for.
	minLiteral = 3
	// maxExact is the most strings into which a part of an expression is
	// spelled out.
	maxExact = 64
	// maxClass is the most characters of a class that is spelled out.
	maxClass = 8
)

// clause is literals in lower case, of which a text must contain one.
type clause []string

// need is what a text must contain for a regular expression to match in it.
type need struct {
	// exact are all strings that the expression matches, in lower case, if
	// those are few; else nil.
	exact []string
	// clauses must all hold. A need without clauses is met by any text.
	clauses []clause
}

// needOf returns what an expression needs. It follows from the syntax alone;
// where that does not tell, nothing is needed.
func needOf(re *syntax.Regexp) need {
	switch re.Op {
	case syntax.OpLiteral:
		return concat(needsOfRunes(re.Rune))
	case syntax.OpCharClass:
		return needOfClass(re.Rune)
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return need{exact: []string{""}}
	case syntax.OpCapture:
		return needOf(re.Sub[0])
	case syntax.OpConcat:
		return concat(needsOf(re.Sub))
	case syntax.OpAlternate:
		return alternate(needsOf(re.Sub))
	case syntax.OpQuest:
		if inner := needOf(re.Sub[0]); inner.exact != nil {
			return need{exact: union(inner.exact, []string{""})}
		}
	case syntax.OpPlus:
		return need{clauses: needOf(re.Sub[0]).all()}
	case syntax.OpRepeat:
		if re.Min > 0 {
			return need{clauses: needOf(re.Sub[0]).all()}
		}
	case syntax.OpNoMatch, syntax.OpAnyCharNotNL, syntax.OpAnyChar, syntax.OpStar:
	}
	return need{}
}

func needsOf(subs []*syntax.Regexp) []need {
	needs := make([]need, len(subs))
	for i, sub := range subs {
		needs[i] = needOf(sub)
	}
	return needs
}

func needsOfRunes(runes []rune) []need {
	needs := make([]need, len(runes))
	for i, r := range runes {
		if c, ok := foldRune(r); ok {
			needs[i] = need{exact: []string{string(c)}}
		}
	}
	return needs
}

// needOfClass spells out a class of few characters.
func needOfClass(ranges []rune) need {
	var exact []string
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			c, ok := foldRune(r)
			if !ok || len(exact) == 2*maxClass {
				return need{}
			}
			exact = append(exact, string(c))
		}
	}
	if len(exact) == 0 {
		return need{} // a class of nothing
	}
	if exact = union(exact, nil); len(exact) > maxClass {
		return need{}
	}
	return need{exact: exact}
}

// all returns the clauses, and the exact strings as one if they are long
// enough to be looked for.
func (n need) all() []clause {
	if c, ok := clauseOf(n.exact); ok {
		return append(slices.Clone(n.clauses), c)
	}
	return n.clauses
}

// best returns the clause that the fewest texts meet, as far as lengths tell.
func (n need) best() (clause, bool) {
	all := n.all()
	if len(all) == 0 {
		return nil, false
	}
	return slices.MaxFunc(all, func(a, b clause) int { return a.rarity() - b.rarity() }), true
}

// rarity is higher the fewer texts are thought to meet a clause.
func (c clause) rarity() int {
	shortest := len(c[0])
	for _, literal := range c {
		shortest = min(shortest, len(literal))
		if common(literal) {
			shortest = min(shortest, 1)
		}
	}
	return shortest*64 - min(len(c), 63)
}

// common reports whether a literal is in most User-Agents of browsers.
func common(literal string) bool {
	for _, often := range []string{
		"mozilla/5.0 (", "applewebkit/", "(khtml, like gecko)", "chrome/", "safari/", "mobile safari/", "version/", "android ", "; android ",
		"windows nt ", "mobile/", "like mac os x", "linux; ", "build/", "iphone os ", "firefox/", "gecko/",
	} {
		if strings.Contains(often, literal) {
			return true
		}
	}
	return false
}

func clauseOf(exact []string) (clause, bool) {
	for _, s := range exact {
		if len(s) < minLiteral {
			return nil, false
		}
	}
	return clause(exact), len(exact) > 0
}

// concat joins parts that follow one another. Parts that are spelled out are
// joined to longer literals as far as maxExact goes.
func concat(parts []need) need {
	whole, exact := true, []string{""}
	var clauses []clause
	flush := func() {
		if c, ok := clauseOf(exact); ok {
			clauses = append(clauses, c)
		}
	}
	for _, part := range parts {
		switch {
		case part.exact == nil:
			flush()
			whole, exact = false, []string{""}
			clauses = append(clauses, part.clauses...)
		case len(exact)*len(part.exact) > maxExact:
			flush()
			whole, exact = false, part.exact
		default:
			exact = cross(exact, part.exact)
		}
	}
	if whole {
		return need{exact: exact}
	}
	flush()
	return need{clauses: clauses}
}

// alternate joins parts of which one matches: each gives its best clause, and
// the literals of all of them are one.
func alternate(parts []need) need {
	var exact []string
	spelled := true
	for _, part := range parts {
		spelled = spelled && part.exact != nil
		exact = union(exact, part.exact)
	}
	if spelled && len(exact) <= maxExact {
		return need{exact: exact}
	}
	var any clause
	for _, part := range parts {
		best, ok := part.best()
		if !ok {
			return need{}
		}
		any = union(any, best)
	}
	return need{clauses: []clause{any}}
}

func cross(heads, tails []string) []string {
	all := make([]string, 0, len(heads)*len(tails))
	for _, head := range heads {
		for _, tail := range tails {
			all = append(all, head+tail)
		}
	}
	return union(all, nil)
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// foldRune returns the ASCII character in lower case that stands for a rune in
// folded text, and reports whether there is one. The long s and the sign for
// Kelvin are letters to expressions that ignore case.
func foldRune(r rune) (byte, bool) {
	switch {
	case r == 'ſ':
		return 's', true
	case r == '\u212a':
		return 'k', true
	case 'A' <= r && r <= 'Z':
		return byte(r) | 0x20, true
	default:
		return byte(r), r >= 0 && r < 0x80
	}
}
