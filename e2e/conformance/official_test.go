package conformance_test

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// official is what the official suite is configured with, as far as it is
// about our pages.
type official struct {
	Browser  []script
	Override map[string]struct{ Browser []script }
}

// script is what the suite's browser does from a page on.
type script struct {
	Match string
	Tasks []struct {
		Match    string
		Commands [][]any
	}
}

// The configuration for the official suite presses buttons and reads words
// that our pages have.
func TestTheOfficialConfigurationFitsOurPages(t *testing.T) {
	text, err := os.ReadFile("testdata/official.json")
	if err != nil {
		t.Fatal(err)
	}
	var config official
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	seen := pages(t)
	check := func(scripts []script) {
		for _, s := range scripts {
			for _, task := range s.Tasks {
				for _, command := range task.Commands {
					if _, path, _ := strings.Cut(task.Match, "9443"); path != "" && !slices.ContainsFunc(seen[strings.TrimSuffix(path, "*")], fits(command)) {
						t.Errorf("no page at %s is fit for %v", path, command)
					}
				}
			}
		}
	}
	check(config.Browser)
	var all []string
	for _, list := range modules(t) {
		all = append(all, list...)
	}
	for module, more := range config.Override {
		check(more.Browser)
		if !slices.Contains(all, module) {
			t.Errorf("%s is no module of the list", module)
		}
	}
}

// fits returns whether a page is fit for a command of the suite's browser.
func fits(command []any) func(*house.Page) bool {
	word := func(i int) string { text, _ := command[i].(string); return text }
	return func(page *house.Page) bool {
		switch word(0) + " " + word(1) {
		case "text id":
			return strings.Contains(page.Body, `id="`+word(2)+`"`)
		case "click css":
			attribute := strings.TrimSuffix(strings.TrimPrefix(word(2), "button["), "]")
			name, value, _ := strings.Cut(attribute, "=")
			return strings.Count(page.Body, name+`="`+value+`"`) == 1
		case "wait xpath":
			found, err := regexp.MatchString(word(4), page.Text)
			return err == nil && found
		default:
			return false
		}
	}
}

// pages returns the pages that the suite's browser may get to see, by path.
func pages(t *testing.T) map[string][]*house.Page {
	t.Helper()
	s := shared(t)
	client := s.register("paged", "client_secret_basic", "ES256")
	first := s.with(t, client)
	o := first.visit(first.ask())
	seen := map[string][]*house.Page{"/login": o.logins, "/consent": o.consents}
	seen["/oauth2/auth"] = append(seen["/oauth2/auth"], first.page(first.visit(first.ask("redirect_uri", callback+"/other"))))
	end := "/oauth2/sessions/logout"
	l := s.leaving(t)
	l.Values = url.Values{}
	asked := l.leave()
	seen[end] = append(seen[end], asked)
	seen[end+"/confirm"] = append(seen[end+"/confirm"], l.confirms(asked, "allow"))
	l = s.leaving(t)
	l.Del("post_logout_redirect_uri")
	seen[end] = append(seen[end], l.leave())
	return seen
}
