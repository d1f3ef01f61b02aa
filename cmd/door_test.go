package cmd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestEveryRequestEnds shows that no request from outside waits for longer
// than clients do.
func TestEveryRequestEnds(t *testing.T) {
	var left time.Duration
	timely(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if end, ok := r.Context().Deadline(); ok {
			left = time.Until(end)
		}
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/devices", nil))
	if left <= 0 || left > patience {
		t.Errorf("%v left", left)
	}
}

// talkative is an error with more to say, as errors with a stack are.
type talkative struct{}

func (talkative) Error() string { return "no store" }

// Format writes the stack where it is asked for.
func (talkative) Format(f fmt.State, _ rune) { fmt.Fprint(f, "no store\n\tserver.go:7") }

// TestErrorsAreOneLine logs an error that carries a stack, and names the items
// of a list that came from the environment.
func TestErrorsAreOneLine(t *testing.T) {
	var out strings.Builder
	newLog(Log{Format: "text"}, &out).Error("failed", "err", talkative{})
	if text := out.String(); strings.Contains(text, ".go:") || strings.Count(text, "\n") != 1 {
		t.Errorf("logged %s", text)
	}
	_, err := Source{Dir: t.TempDir(), Environ: []string{"LANYARD_SECRETS_SYSTEM=short", "LANYARD_TRUSTED_PROXIES=10.0.0.0/8,x"}}.Load()
	for _, want := range []string{"LANYARD_SECRETS_SYSTEM[0]: must", "LANYARD_TRUSTED_PROXIES[1]: must"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
