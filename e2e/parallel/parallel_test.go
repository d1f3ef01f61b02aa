// Package parallel_test presents one refresh token many times at once to the
// real server.
package parallel_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// proxied makes the server believe whose address a request comes from: what is
// refused is limited per network.
var proxied = house.Set("trusted_proxies", []string{"127.0.0.1/32"})

// rounds is how often the token is presented by everybody at once.
var rounds = flag.Int("rounds", 100, "rounds of parallel presentations")

const parallel = 100

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(house.Main(m))
}

// TestWithinTheGrace: whoever presents the token at the same time as the
// client itself, with its looks, is taken for its other tab. All get the same
// successor; there is one lineage and nobody is signed out.
func TestWithinTheGrace(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d, house.Set("tokens.grace", "60s"), proxied)
		laptop := signedIn(t, h)
		for round := range *rounds {
			spent := laptop.Tokens.Refresh
			answers := present(t, laptop, "198.51.100.7")
			for _, a := range answers {
				if a.status != http.StatusOK {
					t.Fatalf("round %d: %d %s", round, a.status, a.Error)
				}
				if a.Refresh != answers[0].Refresh || a.Refresh == spent {
					t.Fatalf("round %d: two lineages", round)
				}
			}
			again(t, laptop) // one grant may refresh only so often
		}
	})
}

// TestStrict: without grace exactly one presentation is answered, whatever
// the rest is refused with is no server error, and the grant has ended: one of
// the others may have been a thief (RFC 9700 §4.14.2).
func TestStrict(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d, house.Set("tokens.grace", "0s"), proxied)
		laptop := signedIn(t, h)
		for round := range *rounds {
			good := 0
			for _, a := range present(t, laptop, fmt.Sprintf("198.18.%d.7", round%256)) {
				switch {
				case a.status == http.StatusOK:
					good++
					laptop.Tokens.Refresh = a.Refresh
				case a.status != http.StatusBadRequest || a.Error != "invalid_grant":
					t.Fatalf("round %d: %d %s", round, a.status, a.Error)
				}
			}
			if good != 1 {
				t.Fatalf("round %d: %d answers are good, want 1", round, good)
			}
			if a, err := laptop.Refresh(); err != nil || a.Status != http.StatusBadRequest {
				t.Fatalf("round %d: the grant lives on: %d %v", round, a.Status, err)
			}
			again(t, laptop)
		}
	})
}

func signedIn(t *testing.T, h *house.House) *house.Hand {
	t.Helper()
	ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public")
	laptop := h.NewHand(notes, house.Laptop())
	if a, err := laptop.SignIn(ada, "offline_access", nil); err != nil || a.Status != http.StatusOK {
		t.Fatalf("sign-in: %d %s %v", a.Status, a.Body, err)
	}
	return laptop
}

// again gets a new grant: the browser is still signed in.
func again(t *testing.T, laptop *house.Hand) {
	t.Helper()
	if a, err := laptop.SignIn(house.User{}, "offline_access", nil); err != nil || a.Status != http.StatusOK {
		t.Fatalf("new grant: %d %s %v", a.Status, a.Body, err)
	}
}

// answer is what the token endpoint said.
type answer struct {
	status  int
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// crowd keeps a connection for everybody.
var crowd = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallel}}

// present presents the hand's refresh token from everybody at once, and from
// that address.
func present(t *testing.T, laptop *house.Hand, address string) []answer {
	t.Helper()
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {laptop.Tokens.Refresh}, "client_id": {"notes"},
	}.Encode()
	answers := make([]answer, parallel)
	errs := make([]error, parallel)
	var group sync.WaitGroup
	for i := range parallel {
		group.Go(func() { answers[i], errs[i] = post(laptop, form, address) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return answers
}

func post(laptop *house.Hand, form, address string) (answer, error) {
	r, err := http.NewRequest(http.MethodPost, laptop.At+"/oauth2/token", strings.NewReader(form))
	if err != nil {
		return answer{}, err
	}
	r.Header = laptop.Looks.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", address)
	got, err := crowd.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = got.Body.Close() }() // it is read
	a := answer{status: got.StatusCode}
	return a, json.NewDecoder(got.Body).Decode(&a)
}
