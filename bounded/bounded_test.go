package bounded_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/bounded"
)

func TestTheSoonerDeadlineCounts(t *testing.T) {
	for _, row := range []struct{ outer, inner, want time.Duration }{
		{time.Hour, time.Minute, time.Minute}, {time.Minute, time.Hour, time.Minute}, {time.Minute, time.Minute, time.Minute},
	} {
		var end time.Time
		inner := bounded.Time(row.inner, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			end, _ = r.Context().Deadline()
		}))
		began := time.Now()
		bounded.Time(row.outer, inner).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		if end.Before(began.Add(row.want)) || end.After(time.Now().Add(row.want)) {
			t.Errorf("%+v: ends in %v", row, end.Sub(began))
		}
	}
	outer, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if inner, stop := bounded.Context(outer, time.Minute); inner != outer {
		t.Error("a second timer for the same bound")
	} else if stop(); inner.Err() != nil {
		t.Error("the end of the inner handler ends the outer one")
	}
}

func TestRecover(t *testing.T) {
	serve := func(thrown any) (code int, log string, passed any) {
		var lines bytes.Buffer
		w := httptest.NewRecorder()
		defer func() { code, log, passed = w.Code, lines.String(), recover() }()
		func(w http.ResponseWriter, r *http.Request) {
			defer bounded.Recover(w, r, slog.New(slog.NewTextHandler(&lines, nil)), func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
			})
			if thrown != nil {
				panic(thrown)
			}
		}(w, httptest.NewRequestWithContext(t.Context(), "GET", "/here", nil))
		return code, log, passed
	}
	if code, log, passed := serve("a bug"); code != 500 || passed != nil ||
		!strings.Contains(log, "path=/here") || !strings.Contains(log, "bounded_test.go") {
		t.Errorf("a bug: %d %v %s", code, passed, log)
	}
	if code, log, passed := serve(http.ErrAbortHandler); code != 200 || passed != http.ErrAbortHandler || log != "" { //nolint:errorlint // because the very value must pass
		t.Errorf("a cut: %d %v %s", code, passed, log)
	}
	if code, log, passed := serve(nil); code != 200 || passed != nil || log != "" {
		t.Errorf("no panic: %d %v %s", code, passed, log)
	}
}
