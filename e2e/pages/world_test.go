package pages_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// world is a house where things have happened to Ada: clients on her phone, an
// answer that was lost, a stolen token, and a device that she ended.
type world struct {
	*house.House
	ada          house.User
	notes, shop  house.Client
	phone, other *house.Hand
}

const offline = "openid offline_access"

// newWorld furnishes a world. Ada's first device, which may do everything, is
// the one that signs in before all that.
func newWorld(t *testing.T, first func(h *house.House, ada house.User)) *world {
	t.Helper()
	h := house.Open(t, house.SQLite)
	w := &world{
		House: h, ada: h.User("ada@example.com", "--name", "Ada Lovelace"),
		notes: h.Client("--id", "notes", "--public", "--name", "Notes"),
		shop:  h.Client("--id", "shop", "--public", "--name", "Corner Shop", "--access-token", "jwt"),
	}
	first(h, w.ada)
	w.phone, w.other = h.NewHand(w.notes, house.Phone()), h.NewHand(w.shop, house.Tablet())
	want := func(status int) func(house.Answer, error) {
		return func(a house.Answer, err error) {
			t.Helper()
			if err != nil || a.Status != status {
				t.Fatalf("status %d, want %d: %v\n%s", a.Status, status, err, a.Body)
			}
		}
	}
	want(200)(w.other.SignIn(w.ada, offline, nil))
	want(200)(w.phone.SignIn(w.ada, offline, nil))
	// The phone's token is stolen, and shows up elsewhere.
	for range 3 {
		want(200)(w.phone.Refresh())
	}
	thief := h.NewHand(w.notes, house.Thief())
	thief.Tokens = w.phone.Tokens
	want(400)(thief.Refresh())
	time.Sleep(20 * time.Millisecond)
	want(200)(w.phone.SignIn(w.ada, offline, nil))
	want(200)(w.phone.Refresh())
	// The shop is on the phone as well.
	both := h.NewHand(w.shop, house.Phone())
	both.Browser = w.phone.Browser
	want(200)(both.SignIn(w.ada, offline, nil))
	return w
}

// mac returns the headers of Safari on a Mac.
func mac() http.Header {
	return http.Header{
		"User-Agent":      {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"},
		"Accept-Language": {"en-GB,en;q=0.9"},
	}
}
