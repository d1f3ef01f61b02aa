package conformance_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// modules returns the modules of the list, by plan.
func modules(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open("testdata/modules.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	plans := map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		plan, module, _ := strings.Cut(line, " ")
		if module == "" || slices.Contains(plans[plan], module) {
			t.Errorf("the list has a line %q", line)
		}
		plans[plan] = append(plans[plan], module)
	}
	return plans
}

// ported returns the names behind TestConf_ in this package.
func ported(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil {
				if module, is := strings.CutPrefix(f.Name.Name, "TestConf_"); is {
					names = append(names, module)
				}
			}
		}
	}
	return names
}

// Every module is ported or has a reason, and nothing goes by a name that the
// suite does not know.
func TestEveryModuleIsPortedOrHasAReason(t *testing.T) {
	left, exempt := ported(t), notApplicable()
	count := map[bool]int{}
	for plan, list := range modules(t) {
		for _, module := range list {
			i := slices.Index(left, strings.ReplaceAll(module, "-", "_"))
			why, isExempt := exempt[module]
			delete(exempt, module)
			switch {
			case i >= 0 && isExempt:
				t.Errorf("%s is ported and has a reason not to be: %s", module, why.reason)
			case i >= 0:
				left = slices.Delete(left, i, i+1)
			case !isExempt || why.reason == "" || why.shown == nil:
				t.Errorf("%s of %s is not ported and has no reason", module, plan)
			}
			count[isExempt]++
		}
	}
	for _, module := range left {
		t.Errorf("TestConf_%s is no module of the list", module)
	}
	for module := range exempt {
		t.Errorf("%s has a reason and is no module of the list", module)
	}
	t.Logf("%d modules ported, %d not applicable", count[false], count[true])
}

func TestTheBasicPlanIsWhole(t *testing.T) {
	if got := len(modules(t)["oidcc-basic-certification-test-plan"]); got != 38 {
		t.Errorf("the list has %d modules of the basic plan", got)
	}
}

// The document names each module, and each reason as it is here.
func TestTheDocumentNamesEveryModule(t *testing.T) {
	text, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	exempt := notApplicable()
	for plan, list := range modules(t) {
		if !strings.Contains(string(text), "`"+plan+"`") {
			t.Errorf("the document does not name the plan %s", plan)
		}
		for _, module := range list {
			row := "| `" + module + "` | ported |"
			if why, is := exempt[module]; is {
				row = "| `" + module + "` | not applicable: " + why.reason + " |"
			}
			if !strings.Contains(string(text), row+"\n") {
				t.Errorf("the document has no row\n%s", row)
			}
		}
	}
}

// The modules run on SQLite. These show that the other database makes no
// difference.
func TestOnPostgreSQL(t *testing.T) {
	s := newSuite(t, house.PostgreSQL)
	for name, module := range map[string]func(*testing.T, *suite){
		"oidcc-server": server, "oidcc-codereuse-30seconds": codereuse,
		"oidcc-refresh-token": refreshToken, "oidcc-rp-initiated-logout": rpInitiatedLogout,
	} {
		t.Run(name, func(t *testing.T) { module(t, s) })
	}
}
