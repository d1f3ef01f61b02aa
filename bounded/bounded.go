package bounded

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// Context returns ctx with a deadline after d, unless it has one that is not
// later. So a handler that is complete by itself adds nothing where a server
// around it bounds every request.
func Context(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// Time bounds each request to d.
func Time(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := Context(r.Context(), d)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Recover, deferred by a handler, logs a panic with its stack and answers the
// request. It lets http.ErrAbortHandler pass, by which a handler cuts its
// connection on purpose.
func Recover(w http.ResponseWriter, r *http.Request, log *slog.Logger, answer http.HandlerFunc) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		panic(v)
	default:
		// Whether or not the client is still there, as a canceled context says.
		log.ErrorContext(context.WithoutCancel(r.Context()), "panic", "path", r.URL.Path, "err", v, "stack", string(debug.Stack()))
		answer(w, r)
	}
}
