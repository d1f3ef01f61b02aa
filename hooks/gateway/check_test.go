package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/hooks/gateway"
)

// TestCheck asks as a proxy does that keeps Hydra's answers to itself.
func TestCheck(t *testing.T) {
	ada, thief := devicestest.LaptopHeaders(), devicestest.ThiefHeaders()
	type owner struct{ subject, client, device string }
	checked := func(t *testing.T, whose owner, trouble error) (*house, func(http.Header, url.Values) int) {
		h := newHouse(t)
		h.begun("c1")
		check := httptest.NewServer(gateway.NewCheck(gateway.Check{
			Whose: func(context.Context, string) (string, string, string, error) {
				return whose.subject, whose.client, whose.device, trouble
			},
			Find: h.store.FindGrants, Grants: h.store, Gate: h.gate, Observer: h.observer,
			Deadline: 10 * time.Second, Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
		}))
		t.Cleanup(check.Close)
		return h, func(looks http.Header, form url.Values) int {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, check.URL, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = looks.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			a, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = a.Body.Close() // its status is all there is to know
			return a.StatusCode
		}
	}
	adas := owner{"ada", "notes", "ada-laptop"}
	mails, itself, unnamed := presents("x"), presents("x"), presents("x")
	mails.Set("client_id", "mail")
	unnamed.Del("client_id")
	itself.Set("grant_type", "client_credentials")
	twice := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"a", "b"}}
	for _, tt := range []struct {
		name    string
		whose   owner
		trouble error
		looks   http.Header
		form    url.Values
		want    int
	}{
		{"the owner", adas, nil, ada, presents("x"), http.StatusOK},
		{"a thief", adas, nil, thief, presents("x"), http.StatusBadRequest},
		{"a form that is kept back", adas, nil, thief, nil, http.StatusBadRequest},
		{"half a form", adas, nil, partly(thief), presents("x"), http.StatusRequestEntityTooLarge},
		{"a code", adas, nil, thief, redeem("c2"), http.StatusOK},
		{"a client for itself", adas, nil, thief, itself, http.StatusOK},
		{"nobody's token is Hydra's to turn down", owner{}, nil, thief, presents("x"), http.StatusOK},
		{"another client's token", adas, nil, thief, mails, http.StatusBadRequest},
		{"a client that its credentials name, and its owner", adas, nil, ada, unnamed, http.StatusOK},
		{"who has no grant here is the hook's", owner{"bob", "notes", ""}, nil, thief, presents("x"), http.StatusOK},
		{"Hydra does not say", owner{}, errors.New("no answer"), ada, presents("x"), http.StatusServiceUnavailable},
		{"what two parsers read differently", adas, nil, ada, twice, http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, asks := checked(t, tt.whose, tt.trouble)
			if got := asks(tt.looks, tt.form); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
			if ended := h.revoked("c1") != ""; ended != (tt.name == "a thief") {
				t.Errorf("the grant ended: %v", ended)
			}
		})
	}
	t.Run("half a request is none", func(t *testing.T) {
		_, asks := checked(t, adas, nil)
		looks := ada.Clone()
		looks.Set("X-Envoy-Auth-Partial-Body", "true")
		if got := asks(looks, url.Values{"x": {"y"}}); got != http.StatusRequestEntityTooLarge {
			t.Errorf("%d", got)
		}
	})
	t.Run("a page is let through, if it is one", func(t *testing.T) {
		for method, want := range map[string]int{"": http.StatusOK, http.MethodGet: http.StatusOK, http.MethodPost: http.StatusBadRequest} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/hooks/gateway/check", http.NoBody)
			r.Header.Set("X-Forwarded-Method", method)
			w := httptest.NewRecorder()
			if new(gateway.Check).ServeHTTP(w, r); w.Code != want {
				t.Errorf("asked about %q: %d, want %d", method, w.Code, want)
			}
		}
	})
	t.Run("new User-Agents are limited", func(t *testing.T) {
		_, asks := checked(t, adas, nil)
		agent := func(n int) http.Header {
			looks := ada.Clone()
			looks.Set("User-Agent", looks.Get("User-Agent")+" Build/"+strconv.Itoa(n))
			return looks
		}
		for n := range 20 {
			if got := asks(agent(n), presents("x")); got != http.StatusOK {
				t.Fatalf("%d for User-Agent %d", got, n)
			}
		}
		if got := asks(agent(20), presents("x")); got != http.StatusTooManyRequests {
			t.Errorf("%d, want 429", got)
		}
		if got := asks(agent(19), presents("x")); got != http.StatusOK {
			t.Errorf("%d for a User-Agent that was seen before", got)
		}
	})
	t.Run("an ended grant stands for nobody", func(t *testing.T) {
		h, asks := checked(t, adas, nil)
		_, err := (&devices.Registry{Store: h.store, Now: h.clock.Now, NewID: h.gate.Registry.NewID}).
			EndGrantsOf(t.Context(), "ada", "ada-laptop", devices.ReasonGrantRevoked)
		if err != nil {
			t.Fatal(err)
		}
		if got := asks(ada, presents("x")); got != http.StatusOK {
			t.Errorf("%d, want what Hydra and the hook make of it", got)
		}
	})
}

// Where the token hook wants the gateway's context, a proxy that only asks hears
// that it must not, and its clients keep their tokens.
func TestNoCheck(t *testing.T) {
	var log bytes.Buffer
	check := gateway.NoCheck(slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		w := httptest.NewRecorder()
		check.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/gateway/check/oauth2/token", http.NoBody))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
	if n := strings.Count(log.String(), "set hooks.require_gateway to off"); n != 2 {
		t.Errorf("logged %d times of 3:\n%s", n, &log)
	}
}

// partly is what Envoy says of a body of which it sends a part.
func partly(looks http.Header) http.Header {
	looks = looks.Clone()
	looks.Set("X-Envoy-Auth-Partial-Body", "true")
	return looks
}
