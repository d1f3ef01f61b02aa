package pages_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// TestEveryLinkAndButtonInABrowser follows the links that pages show and presses
// the buttons of their forms, in Chromium, with and without scripts. Of links and
// forms that differ by a device alone, two are tried.
func TestEveryLinkAndButtonInABrowser(t *testing.T) {
	browser := chromium(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		on := windows()
		on.scripts = scripts
		var ada *chrome
		w := newWorld(t, func(h *house.House, u house.User) {
			ada = open(t, browser, h, on)
			ada.signIn("/devices", u)
			ada.sees("Your devices")
		})
		t.Run("owners, "+name, func(t *testing.T) {
			ada.t = t
			c := &crawler{
				chrome: ada, ends: regexp.MustCompile("/signout$|/end$|/not-me$|/others$|/password$|/secure$"),
				signIn: func() { ada.signIn("/devices", w.ada); ada.sees("Sign out") },
				inputs: map[string]string{"name": "My phone", "identifier": w.ada.Identifier, "password": w.ada.Password, "again": w.ada.Password, "current": w.ada.Password},
			}
			c.crawl("/devices", 15, 8)
		})
		t.Run("operators, "+name, func(t *testing.T) {
			c := &crawler{chrome: operate(t, browser, w.House, on), ends: regexp.MustCompile("/signout$|/revoke$|/end$")}
			c.inputs = map[string]string{"token": w.Token}
			c.signIn = func() { c.write("#token", w.Token); c.click("main button"); c.sees("Decisions, last 14 days") }
			c.crawl("/pages?subject="+w.ada.Subject, 20, 8)
		})
	}
}

// most is how many links or buttons of one shape are tried.
const most = 2

// crawler walks through pages in a browser.
type crawler struct {
	*chrome
	ends   *regexp.Regexp    // actions that end what others are about: they come last
	signIn func()            // signs in again, if an action ended the session
	inputs map[string]string // typed into fields, by name

	visited, tried map[string]int // by shape
	kept           []shownForm
}

// shown is what a page offers.
type shown struct {
	Title string
	Links []string
	Forms []shownForm
}

type shownForm struct {
	At, Action, Method string
	Button             int // among the page's buttons that send a form
	Label              string
}

// offers reads a page: its links to the same origin, and each button that sends
// a form.
const offers = `JSON.stringify({
  Title: document.title,
  Links: [...document.querySelectorAll("a[href]")].filter(a => a.origin === location.origin).map(a => a.pathname + a.search),
  Forms: [...document.querySelectorAll("form button, form input[type=submit]")].map((b, i) => ({
    At: location.pathname + location.search, Action: new URL(b.hasAttribute("formaction") ? b.formAction : b.form.action).pathname,
    Method: b.form.method, Button: i, Label: b.innerText}))
})`

// ids are those of devices, grants and clients in an address.
var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{10,}`)

func shape(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	names := make([]string, 0, len(u.Query()))
	for name := range u.Query() {
		names = append(names, name)
	}
	slices.Sort(names)
	return ids.ReplaceAllString(u.Path, "*") + "?" + strings.Join(names, "&")
}

// crawl walks from a page, and fails if it finds fewer pages and buttons.
func (c *crawler) crawl(from string, pages, buttons int) {
	c.t.Helper()
	c.visited, c.tried = map[string]int{}, map[string]int{}
	c.walk(from)
	for len(c.kept) > 0 {
		next := max(0, slices.IndexFunc(c.kept, func(f shownForm) bool { return !c.ends.MatchString(f.Action) }))
		f := c.kept[next]
		c.kept = slices.Delete(c.kept, next, next+1)
		c.press(f)
	}
	n, m := 0, 0
	for _, times := range c.visited {
		n += min(times, most)
	}
	for _, times := range c.tried {
		m += min(times, most)
	}
	if n < pages || m < buttons {
		c.t.Errorf("only %d pages and %d buttons: %v, %v", n, m, c.visited, c.tried)
	}
}

// walk visits an address and what its links lead to.
func (c *crawler) walk(queue ...string) {
	c.t.Helper()
	seen := map[string]bool{}
	for ; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if seen[at] || c.visited[shape(at)] >= most {
			continue
		}
		seen[at] = true
		c.visited[shape(at)]++
		before := c.documents()
		c.visit(at)
		page := c.arrived(before, "the link "+at)
		if strings.Contains(at, "ui_locales=") {
			c.visit(strings.SplitN(at, "?", 2)[0] + "?ui_locales=en")
			continue
		}
		c.kept = append(c.kept, page.Forms...)
		queue = append(queue, page.Links...)
	}
}

// press goes to a page and presses one of its buttons, if it is still there.
func (c *crawler) press(f shownForm) {
	c.t.Helper()
	key := f.Method + " " + shape(f.At) + " " + shape(f.Action) + " " + f.Label
	if c.tried[key] >= most {
		return
	}
	c.visit(f.At)
	if c.signedOut() && !strings.HasPrefix(f.At, "/login") {
		c.signIn()
		c.visit(f.At)
	}
	found := evaluate[bool](c.chrome, fmt.Sprintf(`(() => {
  document.querySelectorAll("details").forEach(d => d.open = true)
  const b = document.querySelectorAll("form button, form input[type=submit]")[%d]
  if (!b || b.innerText !== %q) return false
  b.setAttribute("data-crawled", "1")
  for (const [name, text] of Object.entries(%s)) { const i = b.form.elements[name]; if (i && i.type !== "hidden") i.value = text }
  return true
})()`, f.Button, f.Label, text(c.inputs)))
	if !found {
		return // what it was about has ended
	}
	c.tried[key]++
	before := c.documents()
	c.click("[data-crawled]")
	page := c.arrived(before, fmt.Sprintf("the button %q of %s", f.Label, f.At))
	c.walk(page.Links...)
}

// arrived waits for the page that a link or a button leads to. A refusal or an
// error is a failure, and so is a button that does nothing.
func (c *crawler) arrived(before int, by string) (page shown) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); c.documents() == before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("%s leads nowhere", by)
		}
	}
	c.sees("") // the page has a text
	if err := json.Unmarshal([]byte(evaluate[string](c.chrome, offers)), &page); err != nil {
		c.t.Fatal(err)
	}
	if status, at := c.document(); status >= 400 && !(status == 401 && c.signedOut()) {
		c.t.Errorf("%s leads to %s: %d\n%s", by, at, status, c.text())
	}
	return page
}

// signedOut reports whether the page asks for a sign-in.
func (c *crawler) signedOut() bool {
	c.t.Helper()
	return evaluate[bool](c.chrome, `document.querySelector("[autocomplete=current-password], #token") !== null`)
}

func text(v any) string {
	b, _ := json.Marshal(v) // a map of strings
	return string(b)
}
