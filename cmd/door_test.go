package cmd

import (
	"net/http"
	"net/http/httptest"
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
