package e2e_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// TestATokenForAnotherServerEndsNoDevice: a resource server that is handed a
// token of its own audience cannot act on the devices with it.
func TestATokenForAnotherServerEndsNoDevice(t *testing.T) {
	h := house.Open(t, house.SQLite)
	const files = "https://files.example.com"
	ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public", "--audience", files)
	laptop := h.NewHand(notes, house.Laptop())
	good(t, http.StatusOK)(laptop.SignIn(ada, everything, url.Values{"audience": {files}}))
	good(t, http.StatusUnauthorized)(laptop.Call(http.MethodGet, "/api/v1/devices", ""))
	good(t, http.StatusOK)(laptop.SignIn(ada, everything, nil))
	good(t, http.StatusOK)(laptop.Call(http.MethodGet, "/api/v1/devices", ""))
}
