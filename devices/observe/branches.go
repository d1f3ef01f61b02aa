package observe

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// minBranches is the fewest branches of an alternation that is split.
const minBranches = 8

// branches is a regular expression with a long alternation, split into one
// expression per branch. Only branches that can match in a text are tried: the
// whole is too long for the fast matchers of package regexp, a branch is not.
type branches struct {
	filter      *prefilter
	expressions []*regexp.Regexp
	matchOnly   bool // the caller does not need the groups of a match
}

// branchesOf splits an expression that regexp.Compile takes. It returns nil if
// the expression has no long alternation, or if the place of a match does not
// say which branch the whole expression would take. If matchOnly is true, the
// caller only needs to know whether the expression matches, and any alternation
// can be split.
func branchesOf(expression string, matchOnly bool) *branches {
	if strings.Count(expression, "|") < minBranches-1 {
		return nil
	}
	re, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		panic(err) // regexp has compiled it
	}
	alternation := longest(re, matchOnly)
	if alternation == nil || len(alternation.Sub) < minBranches {
		return nil
	}
	groups := func(branch *syntax.Regexp) bool { return branch.MaxCap() > 0 }
	if !matchOnly && slices.ContainsFunc(alternation.Sub, groups) {
		return nil // without this branch, later groups would have other numbers
	}
	b := &branches{filter: newPrefilter(), matchOnly: matchOnly}
	for _, branch := range alternation.Sub {
		*alternation = syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{branch}}
		b.filter.add(re.String())
		b.expressions = append(b.expressions, regexp.MustCompile(re.String()))
	}
	return b
}

// first returns the number of the branch that matches as the whole expression
// does, or -1 if the expression does not match. An expression prefers the
// leftmost match, and the first branch among those that match there.
func (b *branches) first(text, folded string) int {
	first, start := -1, len(text)+1
	b.filter.candidates(folded, func(i int) bool {
		if b.matchOnly {
			if b.expressions[i].MatchString(text) {
				first = i
			}
			return first >= 0
		}
		if at := b.expressions[i].FindStringIndex(text); at != nil && at[0] < start {
			first, start = i, at[0]
		}
		return start == 0
	})
	return first
}

// longest returns the alternation with the most branches through which every
// match goes once, or nil. If matchOnly is false, it must be at the beginning, so
// that the branch is chosen before anything else.
func longest(re *syntax.Regexp, matchOnly bool) *syntax.Regexp {
	if re.Op == syntax.OpAlternate {
		return re
	}
	if re.Op != syntax.OpCapture && re.Op != syntax.OpConcat {
		return nil
	}
	var found *syntax.Regexp
	for _, sub := range re.Sub {
		if inner := longest(sub, matchOnly); inner != nil && (found == nil || len(inner.Sub) > len(found.Sub)) {
			found = inner
		}
		if !matchOnly && !slices.Contains(empty, sub.Op) {
			break
		}
	}
	return found
}

// empty are the operations that match only the empty text.
var empty = []syntax.Op{
	syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
	syntax.OpWordBoundary, syntax.OpNoWordBoundary,
}
