package webui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestCookies: nobody but this host over TLS sees or sets them.
func TestCookies(t *testing.T) {
	w := httptest.NewRecorder()
	u := &UI{secure: true}
	u.setCookie(w, "pages", "x", time.Hour, http.SameSiteStrictMode)
	want := "__Host-lanyard_pages=x; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict"
	if got := w.Header().Get("Set-Cookie"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	u.secure = false // plain http, on loopback: no browser takes the prefix there
	w = httptest.NewRecorder()
	u.setCookie(w, "pages", "x", time.Hour, http.SameSiteStrictMode)
	if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "lanyard_pages=x;") || strings.Contains(got, "Secure") {
		t.Error(got)
	}
}

// TestTheLastStepIsOurOwn: where another site leads here, the strict cookie is
// at home, so the browser comes again from here.
func TestTheLastStepIsOurOwn(t *testing.T) {
	pages, err := NewPages()
	if err != nil {
		t.Fatal(err)
	}
	u, err := New(Config{Issuer: "https://id.example/base", Pages: pages})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/devices": "0; url=/base/devices", "/devices/a%20b": "0; url=/base/devices/a%20b",
		"/devices/x%22;y": "0; url=/base/devices/x%22;y",
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		u.welcome(w, r)
		if got := w.Header().Get("Refresh"); got != want || w.Code != http.StatusOK {
			t.Errorf("%s: %d, %q", path, w.Code, got)
		}
		w = httptest.NewRecorder()
		u.onward(w, r, path)
		if got := w.Header().Get("Refresh"); got != want {
			t.Errorf("after signing in: %q", got)
		}
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w = httptest.NewRecorder()
		u.onward(w, r, path)
		if got := w.Header().Get("Location"); got != "https://id.example/base"+path || w.Code != http.StatusSeeOther {
			t.Errorf("at home: %d, %q", w.Code, got)
		}
	}
}
