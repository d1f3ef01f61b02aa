package hooks_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/hooks"
)

// Who lacks the key is turned away, and the log says so, but not each time.
func TestWhoLacksTheKeyIsTold(t *testing.T) {
	var log bytes.Buffer
	reached := 0
	door := hooks.NewKeys([]byte("the key")).Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }),
		slog.New(slog.NewTextHandler(&log, nil)))
	call := func(key string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/hydra/token", nil)
		r.Header.Set(hooks.KeyHeader, key)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w.Code
	}
	if call("the key") != http.StatusOK || reached != 1 || log.Len() != 0 {
		t.Errorf("with the key: %d times, %s", reached, &log)
	}
	for range 1000 {
		if got := call("the kex"); got != http.StatusUnauthorized {
			t.Fatal(got)
		}
	}
	if lines := strings.Count(log.String(), "\n"); reached != 1 || lines != 10 || !strings.Contains(log.String(), "times=512") {
		t.Errorf("without it: %d times, %d lines\n%s", reached, lines, &log)
	}
	if strings.Contains(log.String(), "the ke") {
		t.Error("the log has a key")
	}
}
