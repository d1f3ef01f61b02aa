package storetest

import (
	"errors"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

func heldDevice(t *testing.T, s Store) {
	for _, name := range []string{"ada", "bob"} {
		good(t, s.CreateUser(t.Context(), oauth.User{
			Subject: name, Identifier: name + "@Example.com", PasswordHash: "x", CreatedAt: noon, UpdatedAt: noon,
		}))
	}
	hash := func(of string) []byte { return devices.CookieHash([]byte(of)) }
	put := func(subject, id, cookie string, state devices.State) {
		t.Helper()
		d := enrolled(t, s, subject, id)
		d.State = state
		if cookie != "" {
			d.CookieHash = hash(cookie)
		}
		good(t, s.Change(t.Context(), subject, func(tx devices.Tx) error { return tx.Put(t.Context(), d) }))
	}
	put("ada", "laptop", "one", devices.StateActive)
	put("ada", "phone", "two", devices.StateFlagged)
	put("ada", "lost", "three", devices.StateRevoked)
	put("ada", "plain", "", devices.StateActive)
	put("bob", "bobs", "four", devices.StateActive)
	for _, tt := range []struct {
		identifier string
		cookies    [][]byte
		want       string
	}{
		{"ada@example.com", [][]byte{hash("zero"), hash("one")}, "laptop"},
		{"ADA@EXAMPLE.COM", [][]byte{hash("two")}, "phone"},
		{"ada@example.com", [][]byte{hash("three")}, ""},
		{"ada@example.com", [][]byte{hash("four")}, ""},
		{"ada@example.com", [][]byte{{}}, ""},
		{"ada@example.com", nil, ""},
		{"nobody@example.com", [][]byte{hash("one")}, ""},
		{"ada@example.com\x00", [][]byte{hash("one")}, ""},
	} {
		got, err := s.HeldDevice(t.Context(), tt.identifier, tt.cookies)
		if got != tt.want || (err != nil) != (tt.want == "") || err != nil && !errors.Is(err, devices.ErrNotFound) {
			t.Errorf("%q with %x: %q (%v), want %q", tt.identifier, tt.cookies, got, err, tt.want)
		}
	}
}
