package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lanyard-id/lanyard/bounded"
)

// maxBody is the most bytes that a request may carry.
const maxBody = 64 << 10

// door is what both APIs do with every request before and around its route.
type door struct {
	log      *slog.Logger
	realm    string // of the Bearer challenge (RFC 6750 §3)
	freshFor int    // seconds for which a sign-in is fresh (RFC 9470)
}

// handler serves the mux behind the guard, which returns an error to turn a
// request away.
func (d *door) handler(mux *http.ServeMux, guard func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := incomingID(r)
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		r = r.WithContext(context.WithValue(r.Context(), idKey{}, id))
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		defer bounded.Recover(w, r, d.log.With("request_id", id), func(w http.ResponseWriter, r *http.Request) {
			d.fail(w, r, errInternal)
		})
		if err := guard(r); err != nil {
			d.fail(w, r, err)
			return
		}
		if err := wellFormed(r); err != nil {
			d.fail(w, r, err)
			return
		}
		if err := routed(w, r, mux); err != nil {
			d.fail(w, r, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// routed returns errNotFound or errMethod where the mux has no route, so that
// these too are problems. Unclean paths are unknown and not redirected.
func routed(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) error {
	if p := r.URL.EscapedPath(); path.Clean(p) != p {
		return errNotFound
	}
	h, pattern := mux.Handler(r)
	if pattern != "" {
		return nil
	}
	answer := headersOnly{}
	h.ServeHTTP(answer, r)
	allow := http.Header(answer).Get("Allow")
	if allow == "" {
		return errNotFound
	}
	w.Header().Set("Allow", allow)
	return errMethod
}

// headersOnly is a response of which only the headers matter.
type headersOnly http.Header

func (h headersOnly) Header() http.Header       { return http.Header(h) }
func (headersOnly) Write(b []byte) (int, error) { return len(b), nil }
func (headersOnly) WriteHeader(int)             {}

// wellFormed refuses what no database should see (NUL, invalid UTF-8) and
// parameters that are given twice, of which one reader takes the first and
// another the last.
func wellFormed(r *http.Request) error {
	if !clean(r.URL.Path) {
		return errNotFound
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid(FieldProblem{Field: "query", Message: "cannot be parsed"})
	}
	for key, values := range query {
		switch {
		case !clean(key):
			return invalid(FieldProblem{Field: "query", Message: "holds control characters"})
		case len(values) > 1:
			return invalid(FieldProblem{Field: "query." + key, Message: "given more than once"})
		case !clean(values[0]):
			return invalid(FieldProblem{Field: "query." + key, Message: "holds control characters"})
		}
	}
	return nil
}

func clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

type idKey struct{}

// requestID returns the id that the request of this context is logged with.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}

// incomingID returns the caller's request id where it is harmless to log and
// to echo, else a new one.
func incomingID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	strange := func(c rune) bool {
		return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("-_.", c)
	}
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, strange) {
		return rand.Text()
	}
	return id
}
