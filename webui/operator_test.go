package webui_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

func operator(t *testing.T, h *house, tokens ...string) http.Handler {
	mux := http.NewServeMux()
	webui.NewOperator(webui.OperatorConfig{
		Registry: h.registry, Finder: h.store, Tokens: tokens, Pages: newPages(t), Now: h.clock.Now,
		Log: slog.New(slog.DiscardHandler),
	}).Mount(mux)
	return mux
}

// ask sends a request from this machine.
func ask(door http.Handler, method, target string, form url.Values, edits ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.RemoteAddr, r.Host = "127.0.0.1:5000", "127.0.0.1:4478"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, edit := range edits {
		edit(r)
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w.Result()
}

func TestWhoIsAnOperator(t *testing.T) {
	h := newHouse(t)
	door := operator(t, h, "first", "second")
	paths := []string{"/pages", "/pages/events", "/pages/revoke", "/pages/devices/x"}
	in := ask(door, "POST", "/pages/signin", url.Values{"token": {"second"}}).Cookies()
	if len(in) != 1 || !in[0].HttpOnly || in[0].SameSite != http.SameSiteStrictMode || strings.Contains(in[0].Value, "second") {
		t.Fatalf("%v", in)
	}
	with := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: in[0].Name, Value: value}) }
	}
	for _, path := range paths {
		if got := ask(door, "GET", path, nil, with(in[0].Value)).StatusCode; got == http.StatusUnauthorized {
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
	if got := ask(operator(t, h, "other"), "GET", "/pages", nil, with(in[0].Value)).StatusCode; got != 401 {
		t.Errorf("the cookie outlives its token: %d", got)
	}
	h.clock.Advance(9 * time.Hour)
	if got := ask(door, "GET", "/pages", nil, with(in[0].Value)).StatusCode; got != 401 {
		t.Errorf("the cookie outlives its time: %d", got)
	}
	// Without tokens: a browser on this machine, at its name, and nobody else.
	open := operator(t, h)
	if got := ask(open, "GET", "/pages", nil).StatusCode; got != 200 {
		t.Errorf("this machine: %d", got)
	}
	for name, edit := range map[string]func(*http.Request){
		"another machine": func(r *http.Request) { r.RemoteAddr = "203.0.113.7:1" },
		"another name":    func(r *http.Request) { r.Host = "rebound.example" },
		"a proxy":         func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.7") },
	} {
		if got := ask(open, "GET", "/pages", nil, edit).StatusCode; got != 403 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestBulkRevoke(t *testing.T) {
	h := newHouse(t)
	h.fill(30)
	door := operator(t, h)
	live := func() (n int) {
		for _, d := range h.devices() {
			if d.Live() {
				n++
			}
		}
		return n
	}
	text := body(t, ask(door, "GET", "/pages/revoke?subject=ada", nil))
	if !strings.Contains(text, "End 30 devices?") || !strings.Contains(text, "and 10 more") || live() != 30 {
		t.Errorf("the preview: %s", text)
	}
	run := func(form url.Values, edits ...func(*http.Request)) *http.Response {
		return ask(door, "POST", "/pages/revoke", form, edits...)
	}
	cross := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if a := run(url.Values{"subject": {"ada"}, "count": {"30"}}, cross); a.StatusCode != 403 || live() != 30 {
		t.Errorf("another site: %d, %d live", a.StatusCode, live())
	}
	for name, form := range map[string]url.Values{
		"another count": {"subject": {"ada"}, "count": {"29"}}, "no count": {"subject": {"ada"}},
		"everything": {"count": {"30"}}, "nonsense": {"address": {"x"}, "count": {"30"}}, "nobody": {"subject": {"eve"}, "count": {"0"}},
	} {
		if run(form); live() != 30 {
			t.Fatalf("%s: %d are left", name, live())
		}
	}
	if text := body(t, run(url.Values{"subject": {"ada"}, "os": {"Windows"}, "count": {"30"}})); live() != 0 ||
		!strings.Contains(text, "30 ended") {
		t.Errorf("%d are left: %s", live(), text)
	}
	if d := h.devices()[0]; d.RevokedReason != devices.ReasonOperator {
		t.Errorf("%+v", d)
	}
	latest, err := h.store.LatestEvents(context.Background(), 5)
	if err != nil || len(latest) != 5 {
		t.Errorf("%d events, %v", len(latest), err)
	}
	if text := body(t, ask(door, "GET", "/pages/events?follow=1", nil)); !strings.Contains(text, "device.revoked") {
		t.Errorf("the events: %s", text)
	}
}
