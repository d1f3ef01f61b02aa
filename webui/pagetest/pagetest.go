// Package pagetest checks pages as they are sent, and the texts that they say.
//
// # Not here
//
// No browser: what only one can tell is checked in e2e/pages.
package pagetest

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Hostile returns texts that strangers might send, of which a page must make
// nothing but text.
func Hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus=alert(1) x='`,
		`javascript:alert(1)`, "java\tscript:alert(1)", ` javascript:alert(1)`, `JaVaScRiPt:alert(1)//https://x`,
		`data:text/html,<script>alert(1)</script>`, `vbscript:x`, `</title><script>alert(1)</script>`,
		`{{.Flow}}`, `&lt;script&gt;`, "\x00<script>", "\xff\xfe<b>", `--><svg onload=alert(1)>`, "a\r\nSet-Cookie: x=1",
		`</bdi></main><form action="https://evil.example">`, "\u202etxt.exe", "https://x/\"onload=alert(1)",
		`x; script-src *`, "https://evil.example; script-src *", `https://evil.example/ onload=`,
	}
}

// Check checks what holds for every page: it is well-formed, it runs
// nothing, and whoever cannot see it can use it.
func Check(t testing.TB, text string) {
	t.Helper()
	balanced(t, text)
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ids, labelled, count := map[string]int{}, map[string]bool{}, map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		ids[Attr(n, "id")]++
		if n.Data == "label" {
			labelled[Attr(n, "for")] = true
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("<%s %s> is against the policy", n.Data, a.Key)
			}
		}
	}
	for n := range root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "input" && Attr(n, "type") != "hidden" && !has(n, "hidden") && !labelled[Attr(n, "id")]:
			t.Errorf("input %q has no label", Attr(n, "name"))
		case n.Data == "img" && !has(n, "alt"):
			t.Error("an image has no alt")
		case n.Data == "form" && Attr(n, "method") == "post" && !bound(n):
			t.Errorf("the form %q is not bound to a sign-in", Attr(n, "action"))
		case n.Data == "form" && Attr(n, "method") != "post" && !strings.HasPrefix(Attr(n, "action"), "/pages"):
			t.Error("a form is not posted")
		case n.Data == "html" && Attr(n, "lang") == "":
			t.Error("no language")
		case n.Data == "title" && (n.FirstChild == nil || strings.TrimSpace(n.FirstChild.Data) == ""):
			t.Error("no title")
		}
		for ref := range strings.FieldsSeq(Attr(n, "aria-describedby") + " " + Attr(n, "aria-labelledby")) {
			if ids[ref] == 0 {
				t.Errorf("nothing has the id %q", ref)
			}
		}
	}
	delete(ids, "")
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q is there %d times", id, n)
		}
	}
	for _, tag := range []string{"h1", "main", "title"} {
		if count[tag] != 1 {
			t.Errorf("%d <%s>", count[tag], tag)
		}
	}
	if count["script"] > 2 || strings.Contains(text, "<script>") || count["style"]+count["iframe"]+count["object"] > 0 {
		t.Error("a page brings what its policy forbids")
	}
}

// bound reports whether a form has the hidden field that binds it to the sign-in
// for which it is rendered. A form that asks for a password or a token is for
// somebody who is not signed in yet.
func bound(form *html.Node) bool {
	for n := range form.Descendants() {
		name, kind := Attr(n, "name"), Attr(n, "type")
		if kind == "hidden" && (name == "form" || name == "shown") || Attr(n, "autocomplete") == "current-password" {
			return true
		}
	}
	return false
}

// balanced checks that every element is closed where it should be: the parser
// would forgive.
func balanced(t testing.TB, text string) {
	t.Helper()
	void := []string{"meta", "link", "input", "img", "br", "hr"}
	var open []string
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("never closed: %v", open)
			}
			return
		case html.StartTagToken:
			if tag := z.Token().Data; !slices.Contains(void, tag) {
				open = append(open, tag)
			}
		case html.EndTagToken:
			tag := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != tag {
				t.Fatalf("</%s> closes %v", tag, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// Attr returns an attribute of an element, empty where it has none.
func Attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// CheckLinks checks that no link of a page is a script, whatever was sent to
// it.
func CheckLinks(t testing.TB, page, evil, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		for _, key := range []string{"href", "src", "action"} {
			link := strings.ToLower(strings.TrimSpace(Attr(n, key)))
			for _, scheme := range []string{"javascript:", "data:", "vbscript:", "java\tscript:"} {
				if strings.HasPrefix(link, scheme) {
					t.Errorf("%s with %q: %s=%q", page, evil, key, link)
				}
			}
		}
	}
}
