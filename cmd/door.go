package cmd

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// secure reports whether the issuer is reached over TLS.
func (c Config) secure() bool { return strings.HasPrefix(c.Issuer, "https://") }

// hardened adds what every answer has, and turns a panic into a 500.
func (s *server) hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if strings.HasPrefix(s.provider.Issuer, "https://") {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		defer func() {
			if what := recover(); what != nil {
				s.log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "err", what)
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// metrics serves what the process tells of itself.
func (s *server) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
