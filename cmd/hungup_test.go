package cmd

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/bounded"
)

// TestErrorsOfHungUpClients shows that a client that hangs up fills no log. A
// request that took too long, and a panic, are errors whoever waits.
func TestErrorsOfHungUpClients(t *testing.T) {
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	for level, want := range map[string]int{"info": 0, "debug": 2} {
		var out strings.Builder
		log := newLog(Log{Format: "text", Level: level}, &out)
		log.ErrorContext(gone, "hung up", "err", errors.New("no store"))
		log.With("a", "b").WithGroup("g").ErrorContext(gone, "hung up")
		if got := strings.Count(out.String(), "hung up"); got != want || strings.Contains(out.String(), "level=ERROR") {
			t.Errorf("at %s: %s", level, &out)
		}
	}
	var out strings.Builder
	log := newLog(Log{Format: "json"}, &out)
	log.ErrorContext(late, "late")
	log.WarnContext(gone, "warned")
	http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer bounded.Recover(w, r, log, http.NotFound)
		panic("bug")
	}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/", nil))
	for _, want := range []string{`"level":"ERROR","msg":"late"`, `"level":"WARN","msg":"warned"`, `"level":"ERROR","msg":"panic"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, &out)
		}
	}
}

// TestTheLogSteersNoTerminal logs a path that a stranger asked for.
func TestTheLogSteersNoTerminal(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out strings.Builder
		newLog(Log{Format: format}, &out).Info("page", "path", "/\x1b[2J\u009b2J\x7f\u202e\U000e0041")
		if got := out.String(); strings.ContainsAny(got, "\x1b\u009b\x7f\u202e\U000e0041") || !strings.Contains(got, `\u202e`) {
			t.Errorf("%s: %q", format, got)
		}
	}
}
