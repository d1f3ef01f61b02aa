package cmd

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// took returns how long a request takes that is answered with that status.
func took(ctx context.Context, b brake, status int) time.Duration {
	start := time.Now()
	w := httptest.NewRecorder()
	b.handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if w.Code != status {
		return -1
	}
	return time.Since(start)
}

func TestBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrake()
		if got := took(t.Context(), b, http.StatusOK); got != 0 {
			t.Errorf("200 takes %s", got)
		}
		if got := took(t.Context(), b, http.StatusTooManyRequests); got != b.delay {
			t.Errorf("429 takes %s", got)
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got := took(gone, b, http.StatusTooManyRequests); got != time.Millisecond {
			t.Errorf("429 to a client that hangs up takes %s", got)
		}
		var all sync.WaitGroup
		for range cap(b.room) {
			all.Go(func() { took(t.Context(), b, http.StatusTooManyRequests) })
		}
		synctest.Wait()
		if got := took(t.Context(), b, http.StatusTooManyRequests); got != 0 {
			t.Errorf("one too many waits for %s", got)
		}
		all.Wait()
	})
}
