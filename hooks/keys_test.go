package hooks_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/hooks"
)

// Who lacks the key is turned away, and the log says so, but not each time. The
// right key passes meanwhile, from the same network too.
func TestWhoLacksTheKeyIsTold(t *testing.T) {
	var log bytes.Buffer
	const key = "the key of the hooks, 32 characters"
	reached, counted := 0, map[string]int{}
	door := hooks.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }), accesskey.New(accesskey.Config{Now: time.Now,
		Keys: []string{key}, Log: slog.New(slog.NewTextHandler(&log, nil)), Failed: func(kind string) { counted[kind]++ },
	}))
	call := func(key, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
		r.Header.Set(hooks.KeyHeader, key)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w
	}
	const token, check = "/hooks/hydra/token", "/hooks/gateway/check/oauth2/token"
	if call(key, token).Code != http.StatusOK || reached != 1 || log.Len() != 0 {
		t.Errorf("with the key: %d times, %s", reached, &log)
	}
	for n := range 1000 {
		path := []string{token, check}[n%2]
		w := call(key[1:], path)
		want := http.StatusUnauthorized
		if n >= 20 {
			want = http.StatusTooManyRequests
		}
		if w.Code != want || (w.Header().Get("Retry-After") != "") != (n >= 20) || w.Header().Get("Connection") != "close" {
			t.Fatalf("number %d: %d %v", n, w.Code, w.Header())
		}
		if n%100 == 0 && call(key, path).Code != http.StatusOK {
			t.Fatalf("the right key is held up after %d wrong ones", n)
		}
	}
	if call("", token).Code != http.StatusTooManyRequests {
		t.Error("no key is answered otherwise than a wrong one")
	}
	if lines := strings.Count(log.String(), "\n"); reached != 11 || lines != 5 || !strings.Contains(log.String(), "times=16") {
		t.Errorf("without it: %d times, %d lines\n%s", reached, lines, &log)
	}
	if counted["hook"] != 501 || counted["gateway_check"] != 500 {
		t.Errorf("counted %v", counted)
	}
	if strings.Contains(log.String(), key[1:8]) {
		t.Error("the log has a key")
	}
}
