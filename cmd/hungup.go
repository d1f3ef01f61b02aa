package cmd

import (
	"context"
	"errors"
	"log/slog"
)

// hungUp logs errors of requests whose client has hung up as debug messages: a
// client can cause them at will, and nobody waits for an answer. A request that
// took too long was not hung up.
type hungUp struct{ slog.Handler }

// Handle logs a record.
func (h hungUp) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError && errors.Is(ctx.Err(), context.Canceled) {
		r.Level = slog.LevelDebug
		if !h.Enabled(ctx, r.Level) {
			return nil
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler that adds attributes.
func (h hungUp) WithAttrs(attrs []slog.Attr) slog.Handler { return hungUp{h.Handler.WithAttrs(attrs)} }

// WithGroup returns a handler that opens a group.
func (h hungUp) WithGroup(name string) slog.Handler { return hungUp{h.Handler.WithGroup(name)} }
