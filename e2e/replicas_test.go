package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// balancer passes each request to the next of its servers: nothing sticks.
type balancer struct {
	behind []*httputil.ReverseProxy
	next   atomic.Int64
}

func (b *balancer) add(t *testing.T, h *house.House) {
	t.Helper()
	u, err := url.Parse(h.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	b.behind = append(b.behind, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.SetXForwarded()
	}})
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.behind[int(b.next.Add(1))%len(b.behind)].ServeHTTP(w, r)
}

// Two servers on one PostgreSQL are one: either answers for the other, and
// what ends at one has ended at both.
func TestReplicas(t *testing.T) {
	front := &balancer{}
	door := httptest.NewServer(front)
	t.Cleanup(door.Close)
	one := house.Open(t, house.PostgreSQL,
		house.Set("issuer", door.URL), house.Set("trusted_proxies", []string{"127.0.0.1/32"}))
	two := one.Replica()
	two.Start()
	front.add(t, one)
	front.add(t, two)
	ada, notes := one.User("ada@example.com"), one.Client("--id", "notes", "--public")
	hand := func(looks http.Header) *house.Hand {
		h := one.NewHand(notes, looks)
		h.At = door.URL
		return h
	}
	at := func(h *house.House, hand *house.Hand) *house.Hand {
		there := *hand
		there.At = h.Issuer
		return &there
	}

	// Each request goes to the other server than the one before.
	laptop, phone := hand(house.Laptop()), hand(house.Phone())
	good(t, http.StatusOK)(laptop.SignIn(ada, everything, nil))
	good(t, http.StatusOK)(laptop.SignIn(ada, everything, url.Values{"prompt": {"none"}}))
	for range 10 {
		good(t, http.StatusOK)(laptop.Refresh())
		good(t, http.StatusOK)(laptop.Call(http.MethodGet, "/userinfo", ""))
	}
	crowd(t, laptop)

	// What one ends, the other refuses at once; nothing is waited for.
	for range 10 {
		good(t, http.StatusOK)(phone.SignIn(ada, everything, nil))
		good(t, http.StatusOK)(at(one, phone).Call(http.MethodGet, "/userinfo", ""))
		good(t, http.StatusOK)(at(two, phone).Call(http.MethodGet, "/userinfo", ""))
		path := "/api/v1/devices/" + phone.Tokens.Device
		good(t, http.StatusNoContent)(at(one, laptop).Call(http.MethodDelete, path, ""))
		good(t, http.StatusUnauthorized)(at(two, phone).Call(http.MethodGet, "/userinfo", ""))
		good(t, http.StatusBadRequest)(at(two, phone).Refresh())
	}
	two.CLI("devices", "revoke", laptop.Tokens.Device)
	good(t, http.StatusBadRequest)(at(one, laptop).Refresh())

	// One goes, the other stays.
	good(t, http.StatusOK)(phone.SignIn(ada, everything, nil))
	one.Stop()
	good(t, http.StatusOK)(at(two, phone).Refresh())
}

// crowd presents one token many times at once.
func crowd(t *testing.T, hand *house.Hand) {
	t.Helper()
	tabs := make([]house.Hand, 16)
	var all sync.WaitGroup
	for i := range tabs {
		tabs[i] = *hand
		all.Go(func() {
			if a, err := tabs[i].Refresh(); err != nil || a.Status != http.StatusOK {
				t.Errorf("tab %d: %v %s", i, err, a.Body)
			}
		})
	}
	all.Wait()
	for i := range tabs {
		if tabs[i].Tokens.Refresh != tabs[0].Tokens.Refresh {
			t.Errorf("tab %d was given another successor", i)
		}
	}
	hand.Tokens = tabs[0].Tokens
}

// An owner has signed in at one server. At another one, strangers guess their
// password until the server makes everybody wait; the owner's browser, which
// holds the cookie of one of their devices, does not have to.
func TestOwnersSignInWhileStrangersGuess(t *testing.T) {
	front := &balancer{}
	door := httptest.NewServer(front)
	t.Cleanup(door.Close)
	one := house.Open(t, house.PostgreSQL,
		house.Set("issuer", door.URL), house.Set("trusted_proxies", []string{"127.0.0.1/32"}))
	two := one.Replica()
	two.Start()
	ada, notes := one.User("ada@example.com"), one.Client("--id", "notes", "--public")
	hand := func(looks http.Header) *house.Hand {
		h := one.NewHand(notes, looks)
		h.At = door.URL
		return h
	}
	front.add(t, one)
	laptop := hand(house.Laptop())
	good(t, http.StatusOK)(laptop.SignIn(ada, everything, nil))

	front.behind = nil
	front.add(t, two)
	login := func(h *house.Hand, password string) int {
		t.Helper()
		page, err := h.Browser.Visit(h.NewAsk(everything, url.Values{"prompt": {"login"}}).URL)
		if err != nil {
			t.Fatal(err)
		}
		form, _ := page.Form("/login")
		got, err := h.Browser.Submit(page, form, map[string]string{"identifier": ada.Identifier, "password": password}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got.Away != nil {
			return http.StatusOK
		}
		return got.Status
	}
	thief := hand(house.Thief())
	for range 15 {
		login(thief, "a guess at Ada's password")
	}
	if got := login(hand(house.Laptop()), ada.Password); got != http.StatusTooManyRequests {
		t.Errorf("a browser that nobody knows: %d, want 429", got)
	}
	if got := login(laptop, ada.Password); got != http.StatusOK {
		t.Errorf("the owner's browser: %d", got)
	}
}
