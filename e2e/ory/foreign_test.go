//go:build ory

package ory_test

import (
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// deviceCookie returns the secrets of the browser's devices, "" for none.
func (b *surfer) deviceCookie() string {
	if c := b.only("lanyard_device"); len(c) == 1 {
		return c[0].Value
	}
	return ""
}

// Mallory has an account of her own. She signs in as far as the consent, and a
// page of hers sends Ada's browser to what Hydra gave her for that: without
// Ada's doing, it would be filled with Mallory's devices, and forget Ada's.
func foreignSignIns(t *testing.T, s *site) {
	ada, b := s.newcomer(t)
	held := b.deviceCookie()
	if held == "" {
		t.Fatal("a newcomer has no device cookie")
	}
	id, _ := s.client(t, true)
	mallory := s.registered(t, house.Phone())
	stranger := s.surfer(t, ada, house.Tablet())
	for range 5 {
		_, login, err := mallory.Elsewhere(house.Laptop()).Begin(id)
		good(t, err)
		consent, err := mallory.Elsewhere(house.Laptop()).ConsentOf(id)
		good(t, err)
		theirs := len(s.devices(t, mallory.Subject))
		for _, at := range []string{login, consent} {
			for _, victim := range []*surfer{b, stranger} {
				_, err := victim.Visit(at)
				good(t, err)
			}
			if got := b.deviceCookie(); got != held {
				t.Fatalf("the browser holds %q instead of %q", got, held)
			}
		}
		if n := len(s.devices(t, mallory.Subject)); n != theirs {
			t.Errorf("the visits have enrolled %d devices of Mallory's", n-theirs)
		}
	}
	b.goes("/devices")
	b.sees("You are signed in on this device only", "This device")
	stranger.goes("/devices")
	stranger.proves()
	stranger.sees("You are signed in on 2 devices")
}

// Two tabs of a browser that nobody has used begin at once; both end signed in,
// on one device.
func twoTabs(t *testing.T, s *site) {
	ada := s.registered(t, house.Tablet())
	for _, d := range s.devices(t, ada.Subject) {
		s.revoke(t, d)
	}
	id, _ := s.client(t, true)
	other, _ := s.client(t, true)
	browser := ada.Elsewhere(house.Laptop())
	one, oneAt, err := browser.Begin(id)
	good(t, err)
	two, twoAt, err := browser.Begin(other)
	good(t, err)
	for at, begun := range map[string]*ory.Chain{oneAt: one, twoAt: two} {
		c, a, err := browser.Resume(begun, at)
		good(t, err)
		wants(t, a, http.StatusOK, "")
		refreshes(t, c)
	}
	if n := live(s.devices(t, ada.Subject)); n != 1 {
		t.Errorf("two tabs are %d devices", n)
	}
}

// Hydra leads straight to Kratos, so that the bridge sees the browser at the
// consent only. A newcomer still gets a device, and proves themselves twice: the
// first sign-in was not begun in a browser that the bridge knows.
func loginElsewhere(t *testing.T, s *site) {
	urls := func(login string) {
		good(t, s.Reconfigure(t.Context(), "hydra", func(config map[string]any) {
			config["urls"].(map[string]any)["login"] = login
		}))
	}
	urls("http://" + s.KratosPublic + "/self-service/login/browser")
	ada := s.registered(t, house.Tablet())
	b := s.surfer(t, ada, house.Laptop())
	b.goes("/devices")
	b.proves()
	b.proves()
	b.is("/devices")
	if b.deviceCookie() == "" {
		t.Error("a newcomer has no device cookie")
	}
	b.goes("/devices/signin")
	b.is("/devices") // who is known is not asked again
	urls(s.House.Issuer + "/bridge/login")
}

func live(list []device) int {
	n := 0
	for _, d := range list {
		if d.State != "revoked" {
			n++
		}
	}
	return n
}
