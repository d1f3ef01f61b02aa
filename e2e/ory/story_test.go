//go:build ory

package ory_test

import (
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// The whole way: a sign-in at Kratos for a client of Hydra, refreshes, a thief,
// and the end of the device.
func TestDeviceEndsEverywhere(t *testing.T) {
	s := open(t, change{})
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	refreshes(t, c)
	refreshes(t, c)
	d := s.theDevice(t, ada.Subject)
	if d.Entrance != "kratos" {
		t.Errorf("enrolled by %s", d.Entrance)
	}
	s.revoke(t, d)
	isRefused(t, c)
}
