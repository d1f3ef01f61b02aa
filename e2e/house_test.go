package e2e_test

import (
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

const everything = "openid offline_access profile email devices"

// good fails the test unless the answer is as wanted.
func good(t *testing.T, status int) func(house.Answer, error) house.Answer {
	t.Helper()
	return func(a house.Answer, err error) house.Answer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if a.Status != status {
			t.Fatalf("status %d, want %d\n%s", a.Status, status, a.Body)
		}
		return a
	}
}

func TestAHouseStandsUp(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public", "--ask")
		laptop := h.NewHand(notes, house.Laptop())
		good(t, http.StatusOK)(laptop.SignIn(ada, everything, nil))
		good(t, http.StatusOK)(laptop.Refresh())
		good(t, http.StatusOK)(laptop.Call(http.MethodGet, "/userinfo", ""))
		thief := h.NewHand(notes, house.Thief())
		thief.Tokens = laptop.Tokens
		if a := good(t, http.StatusBadRequest)(thief.Refresh()); a.Error() != "invalid_grant" {
			t.Errorf("the thief was told %s", a.Body)
		}
		t.Logf("from start to ready: %v", h.Ready)
	})
}
