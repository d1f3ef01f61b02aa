package devicestest

import (
	"sync"
	"time"
)

// Start returns when every clock and fixture starts.
func Start() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// Clock stands still until it is wound. Its zero value shows Start.
type Clock struct {
	mu      sync.Mutex
	elapsed time.Duration
}

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Start().Add(c.elapsed)
}

// Advance winds the clock; a negative d winds it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elapsed += d
}
