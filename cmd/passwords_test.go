package cmd

import (
	"errors"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/hashing"
)

// TestNewPasswordsWaitForTheirTurn shows that owners' new passwords are hashed in
// the pool that bounds what all comparisons take together.
func TestNewPasswordsWaitForTheirTurn(t *testing.T) {
	pool := hashing.New(1)
	pool.MaxWait = 10 * time.Millisecond
	started, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	go func() {
		_ = pool.Do(t.Context(), hashing.Known, func() { close(started); <-release })
	}()
	<-started
	err := passwords{&server{hashing: pool}}.ChangePassword(t.Context(), devices.Actor{}, "correct horse battery staple")
	if !errors.Is(err, hashing.ErrBusy) {
		t.Errorf("it got %v", err)
	}
}
