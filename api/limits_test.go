package api_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
)

// TestCallsAreLimited has one device call in a loop. That device has to wait, and
// no other.
func TestCallsAreLimited(t *testing.T) {
	h := newHouse(t)
	ada, eve := h.enroll("ada", laptopLooks), h.enroll("eve", laptopLooks)
	for name, d := range map[string]device{"ada": ada, "eve": eve} {
		h.tokens[name] = func() (devices.Actor, error) {
			return devices.Actor{Subject: d.Subject, DeviceID: d.ID}, nil
		}
	}
	list := func(token string) answer { return h.call(device{token: token}, "GET", "/api/v1/devices", "") }
	statuses := map[int]int{}
	for range 1500 {
		a := list("ada")
		if statuses[a.status]++; a.status == http.StatusTooManyRequests {
			refused(t, a, 429, "rate_limited")
			if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 {
				t.Fatalf("Retry-After is %q", a.header.Get("Retry-After"))
			}
		}
	}
	if statuses[200] != 300 || statuses[429] != 1200 {
		t.Errorf("1,500 calls in a row: %v", statuses)
	}
	if a := list("eve"); a.status != 200 {
		t.Errorf("another caller: %d", a.status)
	}
	h.wind(time.Second)
	if a := list("ada"); a.status != 200 {
		t.Errorf("a second later: %d", a.status)
	}
}

// TestWrongTokensAreLimited: good tokens from the same source are served.
func TestWrongTokensAreLimited(t *testing.T) {
	h := newHouse(t)
	ada := h.enroll("ada", laptopLooks)
	statuses := map[int]int{}
	for range 300 {
		statuses[h.call(device{token: "guess"}, "GET", "/api/v1/devices", "").status]++
	}
	if statuses[401] != 200 || statuses[429] != 100 {
		t.Errorf("300 guesses in a row: %v", statuses)
	}
	if a := h.call(ada, "GET", "/api/v1/devices", ""); a.status != 200 {
		t.Errorf("a good token: %d", a.status)
	}
}
