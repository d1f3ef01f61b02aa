package pagetest

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Crawler follows links and submits forms as a browser without scripts does.
type Crawler struct {
	T      testing.TB
	Client *http.Client // keeps cookies
	Header http.Header  // sent with every request; may be nil
	// Params are the query parameters that pages read. A link with another one
	// is wrong, although the page it leads to answers.
	Params []string
	// Inputs are the values typed into fields, by their name.
	Inputs map[string]string
	// Skip reports forms, by the path of their action, that are not submitted.
	Skip func(action string) bool
	// Last reports forms, by the path of their action, that are submitted after
	// all others: they end what the others are about. May be nil.
	Last func(action string) bool
	// Seen is called with every form that a page shows. May be nil.
	Seen func(Form)
	// Most is how many pages are visited, so that a crawl ends; more are an error.
	Most int
}

// Form is a form as a page shows it, with the values it sends.
type Form struct {
	Method string
	Action *url.URL
	Values url.Values
}

// Page is what a request led to.
type Page struct {
	URL   *url.URL
	Text  string
	Links []*url.URL // of the same origin
	Forms []Form
}

// Get visits a page. An answer that is no page fails the test.
func (c *Crawler) Get(at string) Page {
	c.T.Helper()
	return c.do(http.MethodGet, at, nil, "a link")
}

// Submit sends a form with the crawler's inputs.
func (c *Crawler) Submit(f Form) Page {
	c.T.Helper()
	values := url.Values{}
	for name, had := range f.Values {
		values[name] = had
		if typed, has := c.Inputs[name]; has {
			values.Set(name, typed)
		}
	}
	if f.Method == http.MethodGet {
		to := *f.Action
		to.RawQuery = values.Encode()
		return c.do(http.MethodGet, to.String(), nil, "a form")
	}
	return c.do(http.MethodPost, f.Action.String(), values, "a form")
}

// Crawl visits everything that links lead to from a page, then submits every
// form that was shown on the way, and follows the links of the answers. It
// returns how many pages it visited and how many forms it submitted.
func (c *Crawler) Crawl(from string) (pages, forms int) {
	c.T.Helper()
	visited := map[string]bool{}
	var kept []Form
	walk := func(start ...string) {
		for queue := start; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			if visited[at] {
				continue
			}
			if visited[at] = true; len(visited) > c.Most {
				c.T.Fatalf("more than %d pages", c.Most)
			}
			page := c.Get(at)
			kept = append(kept, page.Forms...)
			queue = append(queue, page.next()...)
		}
	}
	walk(from)
	submitted := map[string]bool{}
	for len(kept) > 0 {
		next := max(0, slices.IndexFunc(kept, func(f Form) bool { return c.Last == nil || !c.Last(f.Action.Path) }))
		f := kept[next]
		kept = slices.Delete(kept, next, next+1)
		key := f.Method + f.Action.String() + "?" + f.Values.Encode()
		if submitted[key] || c.Skip != nil && c.Skip(f.Action.Path) {
			continue
		}
		submitted[key] = true
		answer := c.Submit(f)
		walk(answer.next()...)
	}
	return len(visited), len(submitted)
}

func (p Page) next() (links []string) {
	for _, to := range p.Links {
		links = append(links, to.String())
	}
	return links
}

func (c *Crawler) do(method, at string, form url.Values, from string) Page {
	c.T.Helper()
	r, err := http.NewRequestWithContext(c.T.Context(), method, at, strings.NewReader(form.Encode()))
	if err != nil {
		c.T.Fatal(err)
	}
	for name, values := range c.Header {
		r.Header[name] = values
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := c.Client.Do(r)
	if err != nil {
		c.T.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.Body.Close() != nil {
		c.T.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		c.T.Errorf("%s leads to %s %s: %d", from, method, at, answer.StatusCode)
	}
	return c.read(answer.Request.URL, string(text))
}

// read takes the links and forms of a page.
func (c *Crawler) read(at *url.URL, text string) Page {
	c.T.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		c.T.Fatal(err)
	}
	page := Page{URL: at, Text: text}
	for n := range root.Descendants() {
		switch {
		case n.Type == html.ElementNode && n.Data == "a":
			if to := c.resolve(at, Attr(n, "href")); to.Host == at.Host {
				page.Links = append(page.Links, to)
			}
		case n.Type == html.ElementNode && n.Data == "form":
			f := Form{Method: strings.ToUpper(Attr(n, "method")), Action: c.resolve(at, Attr(n, "action")), Values: fields(n)}
			page.Forms = append(page.Forms, f)
			if c.Seen != nil {
				c.Seen(f)
			}
		}
	}
	return page
}

func (c *Crawler) resolve(at *url.URL, link string) *url.URL {
	c.T.Helper()
	to, err := at.Parse(link)
	if err != nil {
		c.T.Fatalf("%s has the link %q: %v", at, link, err)
	}
	to.Fragment = ""
	for name := range to.Query() {
		if to.Host == at.Host && !slices.Contains(c.Params, name) {
			c.T.Errorf("%s has the link %q: no page reads %q", at, link, name)
		}
	}
	return to
}

// fields returns what a form sends as it stands.
func fields(form *html.Node) url.Values {
	v := url.Values{}
	for n := range form.Descendants() {
		name := Attr(n, "name")
		switch {
		case n.Type != html.ElementNode || name == "":
		case n.Data == "select":
			for o := range n.Descendants() {
				if o.Data == "option" && (!v.Has(name) || has(o, "selected")) {
					v.Set(name, Attr(o, "value"))
				}
			}
		case n.Data == "button", n.Data == "input" && (Attr(n, "type") != "checkbox" || has(n, "checked")):
			v.Set(name, Attr(n, "value"))
		}
	}
	return v
}
