package cmd

import (
	"log/slog"
	"os"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// TestMemoryFollowsTheContainer, and what the operator sets goes before.
func TestMemoryFollowsTheContainer(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	t.Cleanup(func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	})
	for _, tt := range []struct {
		name        string
		environ     map[string]string
		limit       int64
		wantPercent int
	}{
		{"nothing set", nil, 900 << 20, gcPercent},
		{"GOMEMLIMIT", map[string]string{"GOMEMLIMIT": "500MiB"}, 500 << 20, gcPercent},
		{"GOGC", map[string]string{"GOGC": "50"}, 900 << 20, 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			debug.SetMemoryLimit(500 << 20) // as the runtime reads GOMEMLIMIT
			debug.SetGCPercent(50)
			for name, value := range tt.environ {
				t.Setenv(name, value)
			}
			limitMemory(os.Getenv, memlimit.Limit(1000<<20), slog.New(slog.DiscardHandler))
			if got := debug.SetMemoryLimit(-1); got != tt.limit {
				t.Errorf("limit %d, want %d", got, tt.limit)
			}
			if got := debug.SetGCPercent(100); got != tt.wantPercent {
				t.Errorf("GC percent %d, want %d", got, tt.wantPercent)
			}
		})
	}
}
