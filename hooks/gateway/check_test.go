package gateway_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
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
		check := httptest.NewServer(&gateway.Check{
			Whose: func(context.Context, string) (string, string, string, error) {
				return whose.subject, whose.client, whose.device, trouble
			},
			Find: h.store.FindGrants, Grants: h.store, Gate: h.gate, Observer: h.observer,
			Deadline: 10 * time.Second, Log: slog.New(slog.DiscardHandler),
		})
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
	mails, itself := presents("x"), presents("x")
	mails.Set("client_id", "mail")
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
		{"nothing to look at", adas, nil, thief, nil, http.StatusOK},
		{"a code", adas, nil, thief, redeem("c2"), http.StatusOK},
		{"a client for itself", adas, nil, thief, itself, http.StatusOK},
		{"nobody's token is Hydra's to turn down", owner{}, nil, thief, presents("x"), http.StatusOK},
		{"another client's too", adas, nil, thief, mails, http.StatusOK},
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
