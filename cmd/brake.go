package cmd

import (
	"net/http"
	"time"
)

// brake delays answers with 429, so that a program that repeats a request
// without waiting slows itself down. Only so many wait at once; further ones
// are answered without delay.
type brake struct {
	delay time.Duration
	room  chan struct{}
}

func newBrake() brake { return brake{delay: time.Second, room: make(chan struct{}, 256)} }

func (b brake) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&brakedWriter{ResponseWriter: w, brake: b, request: r}, r)
	})
}

// brakedWriter delays WriteHeader(429).
type brakedWriter struct {
	http.ResponseWriter
	brake   brake
	request *http.Request
}

// WriteHeader waits before it writes a 429, until the client hangs up.
func (w *brakedWriter) WriteHeader(status int) {
	if status == http.StatusTooManyRequests {
		w.wait()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *brakedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *brakedWriter) wait() {
	select {
	case w.brake.room <- struct{}{}:
		defer func() { <-w.brake.room }()
	default:
		return
	}
	timer := time.NewTimer(w.brake.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.request.Context().Done():
	}
}
