package operator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestSubjectsHaveNames: every page with subjects says what they sign in with,
// and reads that once, however many they are.
func TestSubjectsHaveNames(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	const people = 12
	for i := range people {
		subject, identifier := fmt.Sprint("s-", i), fmt.Sprintf("user%d@example.com", i)
		if err := h.store.CreateUser(ctx, oauth.User{Subject: subject, Identifier: identifier, PasswordHash: "x", CreatedAt: h.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		h.put(subject, h.laptop(func(d *devices.Device) { d.ID = fmt.Sprint("laptop-", i) }))
		if err := h.store.Change(ctx, subject, func(tx devices.Tx) error {
			return tx.Tell(ctx, devices.Event{ID: newID(), Type: devices.EventDeviceFlagged, At: h.clock.Now(), Subject: subject})
		}); err != nil {
			t.Fatal(err)
		}
	}
	h.fill("elsewhere", 1) // somebody who is no user here
	door := h.door()
	for path, want := range map[string]int{"/pages": people, "/pages/events": people, "/pages/revoke?os=Windows": people, "/pages/devices/laptop-3": 1} {
		h.batches = nil
		text := body(t, ask(door, "GET", path, nil))
		if n := strings.Count(text, "@example.com"); n != want || len(h.batches) != 1 {
			t.Errorf("%s: %d names, %d reads, want %d and 1", path, n, len(h.batches), want)
		}
	}
}
