package house

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Page is what a browser shows.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
	Title  string
	Forms  []Form
	// Text is what a person reads.
	Text string
	// Away is where the browser was sent, where that is another origin; then
	// there is no page.
	Away *url.URL
}

// Form is a form of a page.
type Form struct {
	Action, Method string
	Fields         map[string]string // with the values they have
	Buttons        []Button
}

// Button is a button that submits a form.
type Button struct{ Name, Value, Label string }

// Form returns the form whose action ends like that, without its query.
func (p *Page) Form(action string) (Form, bool) {
	for _, f := range p.Forms {
		path, _, _ := strings.Cut(f.Action, "?")
		if strings.HasSuffix(path, action) {
			return f, true
		}
	}
	return Form{}, false
}

func newPage(answer *http.Response, body []byte) (*Page, error) {
	p := &Page{URL: answer.Request.URL, Status: answer.StatusCode, Header: answer.Header, Body: string(body)}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		return p, nil
	}
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read the page of %s: %w", p.URL, err)
	}
	var text strings.Builder
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.DataAtom == atom.Title:
			p.Title = strings.TrimSpace(n.Data)
		case n.Type == html.TextNode && n.Parent.DataAtom != atom.Style:
			text.WriteString(n.Data + " ")
		case n.DataAtom == atom.Form:
			p.Forms = append(p.Forms, newForm(n))
		}
	}
	p.Text = strings.Join(strings.Fields(text.String()), " ")
	return p, nil
}

func newForm(form *html.Node) Form {
	f := Form{Action: attribute(form, "action"), Method: http.MethodGet, Fields: map[string]string{}}
	if strings.EqualFold(attribute(form, "method"), "post") {
		f.Method = http.MethodPost
	}
	for n := range form.Descendants() {
		name, value, kind := attribute(n, "name"), attribute(n, "value"), attribute(n, "type")
		switch {
		case n.DataAtom == atom.Button && kind != "button", n.DataAtom == atom.Input && kind == "submit":
			label := value
			if n.FirstChild != nil {
				label = n.FirstChild.Data
			}
			f.Buttons = append(f.Buttons, Button{name, value, label})
		case n.DataAtom == atom.Input && name != "":
			f.Fields[name] = value
		}
	}
	return f
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// mayLead reports whether the page's policy lets a form lead there (CSP 3
// form-action; browsers hold redirects to it too).
func (p *Page) mayLead(to *url.URL) error {
	for directive := range strings.SplitSeq(p.Header.Get("Content-Security-Policy"), ";") {
		words := strings.Fields(directive)
		if len(words) == 0 || words[0] != "form-action" {
			continue
		}
		if !slices.ContainsFunc(words[1:], func(source string) bool {
			return source == "'self'" && origin(to) == origin(p.URL) ||
				source == to.Scheme+":" || source == origin(to)
		}) {
			return fmt.Errorf("the policy of %s (%s) forbids its form to lead to %s", p.URL, strings.TrimSpace(directive), to)
		}
	}
	return nil
}
