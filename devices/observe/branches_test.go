package observe

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// asWhole fails if the branches of an expression find something else in a text
// than the whole expression.
func asWhole(t *testing.T, whole *regexp.Regexp, b *branches, text string) {
	t.Helper()
	want := whole.FindStringSubmatchIndex(text)
	first := b.first(text, fold(text))
	switch {
	case (first >= 0) != (want != nil):
		t.Errorf("%s in %q: branch %d, the whole expression has %v", whole, text, first, want)
	case first >= 0 && !b.matchOnly:
		if got := b.expressions[first].FindStringSubmatchIndex(text); !slices.Equal(got, want) {
			t.Errorf("%s in %q: %v, the whole expression has %v", whole, text, got, want)
		}
	}
}

// Of several branches that match, the one counts that the whole expression
// takes.
func TestBranchesMatchAsTheWhole(t *testing.T) {
	for _, expression := range []string{
		`(robot|rob|bot|ant|bee|cat|dog|eel|fox)(?:/(\d+)|)`,
		`(rob|robot|bot|ant|bee|cat|dog|eel|fox)(?:/(\d+)|)`,
		`(ant|bee|^cat|dog|eel|fox|\bgnu|robot)[ /](\d+)`,
		`(?i)\b(?:((?:ant|bee|cat|dog|eel|fox|gnu|robot|bot))-v)(\d+)`,
		`(a.*|b.*?|c+|d?|[ef]x|[gh]y|i.j|robot).(x|)`,
	} {
		b := branchesOf(expression, false)
		if b == nil {
			t.Errorf("%s is not split", expression)
			continue
		}
		for _, text := range []string{
			"", "robot", "robot/5", "a robot 7", "bot/1 robot/2", "cat/1", "gnu/1 cat/2 ant 3", "agnu 4, gnu 5", "Robot-v9", "abot-v1",
			"bxx axx", "ccx", "d", "i\u017fj robot", "xyz",
		} {
			asWhole(t, regexp.MustCompile(expression), b, text)
		}
	}
}

// The place of a match does not tell the branch, or a group would have another
// number: such expressions are matched as a whole, unless their groups are of
// no interest.
func TestWhichExpressionsAreSplit(t *testing.T) {
	const eight = "ant|bee|cat|dog|eel|fox|gnu|hen"
	for expression, want := range map[string][2]bool{
		`(` + eight + `)`:                         {true, true},
		`^\b(?:` + eight + `)/(\d+)`:              {true, true},
		`; {0,2}(` + eight + `)`:                  {false, true},
		`(ant|bee|cat|dog|eel|fox|gnu|hen)?`:      {false, false},
		`(ant|bee|cat|dog|eel|fox|(gnu)|hen)(\d)`: {false, true},
		`(ant|bee|cat|dog|eel|fox|gnu)`:           {false, false},
		`abc`:                                     {false, false},
	} {
		for i, matchOnly := range []bool{false, true} {
			if got := branchesOf(expression, matchOnly) != nil; got != want[i] {
				t.Errorf("%s with matchOnly %t is split: %t", expression, matchOnly, got)
			}
		}
	}
}

// Whatever the branches are, and whatever stands around them.
func FuzzBranchesMatchAsTheWhole(f *testing.F) {
	f.Add("", "robot|rob|bot|ant|bee|cat|dog|eel|fox", `(?:/(\d+)|)`, "bot/1 robot/2")
	f.Add(`\b`, `a.*|b.*?|c+|d?|[ef]x|[gh]y|i.j|robot`, `.(x|)`, "bxx axx")
	f.Add("(?i)^.{0,9}", "spider|bot|^zao|yahoo|crawl|slurp|a.c|xenu", "", "a Bot and a Spider")
	f.Add("; {0,2}", "A1|A2|(B)|C[12]|D.{1,9}E|F|Foo|G+", `(?: Build|\))`, ";  Foo Build")
	f.Fuzz(func(t *testing.T, before, branches, after, text string) {
		expression := before + "(" + branches + ")" + after
		whole, err := regexp.Compile(expression)
		if err != nil || len(expression) > 200 || len(text) > 200 || strings.Count(expression, "{") > 2 {
			return
		}
		for _, matchOnly := range []bool{false, true} {
			if b := branchesOf(expression, matchOnly); b != nil {
				asWhole(t, whole, b, text)
			}
		}
	})
}
