package cmd

import (
	"net/http"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/bounded"
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
		defer bounded.Recover(w, r, s.log, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "internal error", http.StatusInternalServerError)
		})
		next.ServeHTTP(w, r)
	})
}

// patience is how long a request from outside may take: less than clients and
// proxies wait.
const patience = 10 * time.Second

// timely ends what a request does when patience does. A store that is too slow
// is one in trouble, and is answered as such; nobody holds on to it.
func timely(next http.Handler) http.Handler {
	return bounded.Time(patience, next)
}

// adminPatience is how long a change by an operator may take, such as the end of
// some hundred devices. It is less than the server may take to answer.
const adminPatience = 30 * time.Second

// timelyAdmin is timely for operators' requests. A reader who waits for events
// may wait longer: the API bounds each of its reads.
func timelyAdmin(next http.Handler) http.Handler {
	reads, changes := timely(next), bounded.Time(adminPatience, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == api.EventsPath:
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet, r.Method == http.MethodHead:
			reads.ServeHTTP(w, r)
		default:
			changes.ServeHTTP(w, r)
		}
	})
}
