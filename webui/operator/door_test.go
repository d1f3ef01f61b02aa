package operator_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestWhoIsAnOperator(t *testing.T) {
	h := newHouse(t)
	door := h.door("first", "second")
	paths := []string{"/pages", "/pages/events", "/pages/events/stream", "/pages/revoke", "/pages/devices/x"}
	in := ask(door, "POST", "/pages/signin", url.Values{"token": {"second"}}).Cookies()
	if len(in) != 1 || !in[0].HttpOnly || in[0].SameSite != http.SameSiteStrictMode || strings.Contains(in[0].Value, "second") {
		t.Fatalf("%v", in)
	}
	with := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: in[0].Name, Value: value}) }
	}
	gone, leave := context.WithCancel(t.Context())
	leave() // or the stream would go on for a while
	for _, path := range paths {
		briefly := func(r *http.Request) { *r = *r.WithContext(gone) }
		if got := ask(door, "GET", path, nil, with(in[0].Value), briefly).StatusCode; got == http.StatusUnauthorized {
			t.Errorf("%s: an operator is turned away", path)
		}
		for name, edit := range map[string]func(*http.Request){
			"nobody": func(*http.Request) {}, "a token as a cookie": with("second"), "a longer stay": with("9999999999." + in[0].Value[11:]),
			"two cookies": func(r *http.Request) { with(in[0].Value)(r); with(in[0].Value)(r) },
		} {
			if got := ask(door, "GET", path, nil, edit).StatusCode; got != http.StatusUnauthorized {
				t.Errorf("%s: %s: %d", path, name, got)
			}
		}
	}
	for _, token := range []string{"", "firs", "first second", "third"} {
		if a := ask(door, "POST", "/pages/signin", url.Values{"token": {token}}); a.StatusCode != 401 || len(a.Cookies()) > 0 {
			t.Errorf("token %q: %d", token, a.StatusCode)
		}
	}
	if got := ask(h.door("other"), "GET", "/pages", nil, with(in[0].Value)).StatusCode; got != 401 {
		t.Errorf("the cookie outlives its token: %d", got)
	}
	h.clock.Advance(9 * time.Hour)
	if got := ask(door, "GET", "/pages", nil, with(in[0].Value)).StatusCode; got != 401 {
		t.Errorf("the cookie outlives its time: %d", got)
	}
	// Without tokens: a browser on this machine, at its name, and nobody else.
	open := h.door()
	if got := ask(open, "GET", "/pages", nil).StatusCode; got != 200 {
		t.Errorf("this machine: %d", got)
	}
	for name, edit := range map[string]func(*http.Request){
		"another machine": func(r *http.Request) { r.RemoteAddr = "203.0.113.7:1" },
		"another name":    func(r *http.Request) { r.Host = "rebound.example" },
		"a proxy of ours": func(r *http.Request) { r.Header.Set("X-Our-Client", "203.0.113.7") },
		"a proxy":         func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.7") },
		"another site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another port":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another origin":  func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:5000") },
		"a sandbox":       func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		for _, path := range []string{"/pages", "/pages/events", "/pages/events/stream?seen=x", "/pages/revoke", "/pages/devices/x", "/pages/x"} {
			if got := ask(open, "GET", path, nil, edit).StatusCode; got != 403 {
				t.Errorf("%s at %s: %d", name, path, got)
			}
		}
	}
	own := func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:4478") }
	if got := ask(open, "POST", "/pages/revoke", url.Values{}, own).StatusCode; got != 200 {
		t.Errorf("a form of its own: %d", got)
	}
}

// TestProblemsAreTheOperators: a page that says what is wrong has the
// operator's head, and a way out for who came in with a token only.
func TestProblemsAreTheOperators(t *testing.T) {
	h := newHouse(t)
	open, locked := h.door(), h.door("first")
	in := ask(locked, "POST", "/pages/signin", url.Values{"token": {"first"}}).Cookies()
	for path, want := range map[string]string{"/pages/devices/unknown": "Device not found", "/pages/unknown": "Page not found"} {
		a := ask(open, "GET", path, nil)
		if text := body(t, a); a.StatusCode != 404 || !strings.Contains(text, want) || strings.Contains(text, "Sign out") ||
			!strings.Contains(text, `href="/pages/events"`) {
			t.Errorf("%s: %d %s", path, a.StatusCode, text)
		}
		a = ask(locked, "GET", path, nil, func(r *http.Request) { r.AddCookie(in[0]) })
		if text := body(t, a); a.StatusCode != 404 || !strings.Contains(text, `action="/pages/signout"`) {
			t.Errorf("%s: %d %s", path, a.StatusCode, text)
		}
		if a := ask(locked, "GET", path, nil); a.StatusCode != 401 {
			t.Errorf("%s tells a stranger: %d", path, a.StatusCode)
		}
	}
	foreign := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	for _, path := range []string{"/pages/signin", "/pages/signout", "/pages/revoke"} {
		a := ask(open, "POST", path, url.Values{}, foreign)
		if text := body(t, a); a.StatusCode != 403 || !strings.Contains(text, "The form was sent from another website") {
			t.Errorf("%s of another site: %d %s", path, a.StatusCode, text)
		}
	}
	signedIn := func(r *http.Request) { r.AddCookie(in[0]) }
	out := ask(locked, "POST", "/pages/signout", fields(body(t, ask(locked, "GET", "/pages", nil, signedIn))), signedIn)
	if c := out.Cookies(); out.StatusCode != 303 || len(c) != 1 || c[0].MaxAge >= 0 || c[0].Path != in[0].Path {
		t.Errorf("signing out: %d %v", out.StatusCode, c)
	}
}

// TestOtherOriginsReadNothing sends what Chromium sends for a page of another
// origin: an EventSource, an image and a fetch. Another port of this machine is
// the same site, so that its requests have the operator's cookie.
func TestOtherOriginsReadNothing(t *testing.T) {
	h := newHouse(t)
	locked := h.door("first")
	in := ask(locked, "POST", "/pages/signin", url.Values{"token": {"first"}}).Cookies()
	gone, leave := context.WithCancel(t.Context())
	leave() // or the stream would go on for a while
	for _, headers := range []map[string]string{
		{"Accept": "text/event-stream", "Origin": "http://127.0.0.1:5000", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
		{"Accept": "text/event-stream", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
		{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
	} {
		for name, door := range map[string]http.Handler{"no tokens": h.door(), "tokens": locked} {
			for _, path := range []string{"/pages", "/pages/events", "/pages/events/stream", "/pages/revoke"} {
				a := ask(door, "GET", path, nil, func(r *http.Request) {
					*r = *r.WithContext(gone)
					r.AddCookie(in[0])
					for header, value := range headers {
						r.Header.Set(header, value)
					}
				})
				if a.StatusCode != http.StatusForbidden {
					t.Errorf("%s, %s, %v: %d", name, path, headers, a.StatusCode)
				}
			}
		}
	}
	link := func(r *http.Request) {
		r.AddCookie(in[0])
		r.Header.Set("Sec-Fetch-Site", "same-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	if a := ask(locked, "GET", "/pages/revoke", nil, link); a.StatusCode != http.StatusOK {
		t.Errorf("a link that an operator follows: %d", a.StatusCode)
	}
}
