package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

func TestRefreshes(t *testing.T) {
	ada, thief := devicestest.LaptopHeaders(), devicestest.ThiefHeaders()
	t.Run("an owner goes on", func(t *testing.T) {
		h := newHouse(t)
		token := h.begun("c1")
		for range 3 {
			a := h.is(h.token(ada, presents(token)), http.StatusOK, "")
			if a.header.Get("X-Hydra") != "yes" || a.refresh == token {
				t.Errorf("%v %s", a.header, a.body)
			}
			token = a.refresh
		}
		h.told(devices.EventGrantCreated)
	})
	t.Run("a thief is refused before Hydra hears of it", func(t *testing.T) {
		h := newHouse(t)
		token := h.begun("c1")
		before := h.endpoint.asked
		h.is(h.token(thief, presents(token)), http.StatusBadRequest, "invalid_grant")
		if h.endpoint.asked != before {
			t.Error("Hydra was asked")
		}
		h.told(devices.EventGrantCreated, devices.EventHijackSuspected, devices.EventDeviceRefused,
			devices.EventGrantRevoked, devices.EventDeviceFlagged)
		h.is(h.token(ada, presents(token)), http.StatusBadRequest, "invalid_grant") // the chain has ended
	})
	t.Run("a token that is older than the gateway is the hook's to judge, and known from then on", func(t *testing.T) {
		h := newHouse(t)
		h.begun("c1")
		h.endpoint.chains["old"] = &chain{ref: "c1", client: "notes", current: "old"}
		a := h.is(h.token(ada, presents("old")), http.StatusOK, "")
		before := h.endpoint.asked
		h.is(h.token(thief, presents(a.refresh)), http.StatusBadRequest, "invalid_grant")
		if h.endpoint.asked != before {
			t.Error("the next token was not known")
		}
	})
	t.Run("the hook's refusal has the words that clients know", func(t *testing.T) {
		h := newHouse(t)
		h.hook.RefuseUnknown = true
		h.endpoint.chains["old"] = &chain{ref: "c9", client: "notes", current: "old"}
		h.is(h.token(ada, presents("old")), http.StatusBadRequest, "invalid_grant")
		h.told()
	})
	t.Run("a spent token that comes back is told", func(t *testing.T) {
		h := newHouse(t)
		spent := h.begun("c1")
		h.is(h.token(ada, presents(spent)), http.StatusOK, "")
		a := h.is(h.token(ada, presents(spent)), http.StatusBadRequest, "invalid_grant")
		if !strings.Contains(a.body, "in Hydra's words") {
			t.Errorf("the answer was changed: %s", a.body)
		}
		if h.revoked("c1") != devices.ReasonReuse {
			t.Errorf("the grant ended by %q", h.revoked("c1"))
		}
		h.told(devices.EventGrantCreated, devices.EventReuseDetected, devices.EventDeviceRefused,
			devices.EventGrantRevoked, devices.EventDeviceFlagged)
	})
	t.Run("a chain that Hydra has ended is no reuse", func(t *testing.T) {
		h := newHouse(t)
		token := h.begun("c1")
		h.endpoint.chains[token].ended = true
		h.is(h.token(ada, presents(token)), http.StatusBadRequest, "invalid_grant")
		h.told(devices.EventGrantCreated)
	})
	t.Run("another client's token changes nothing", func(t *testing.T) {
		h := newHouse(t)
		spent := h.begun("c1")
		token := h.is(h.token(ada, presents(spent)), http.StatusOK, "").refresh
		before := h.endpoint.asked
		for _, t := range []string{spent, token} {
			form := presents(t)
			form.Set("client_id", "mail")
			h.is(h.token(thief, form), http.StatusBadRequest, "invalid_grant")
		}
		if h.endpoint.asked != before {
			t.Error("Hydra was asked: it would end the chain of the spent one")
		}
		h.told(devices.EventGrantCreated)
		h.is(h.token(ada, presents(token)), http.StatusOK, "")
	})
	t.Run("a client that only its credentials name is known by its token", func(t *testing.T) {
		h := newHouse(t)
		form := redeem("c1")
		form.Set("client_id", "")
		form.Set("client_assertion", "a.b.c")
		h.endpoint.named = "notes"
		token := h.is(h.token(ada, form), http.StatusOK, "").refresh
		form = presents(token)
		form.Set("client_id", "")
		form.Set("client_assertion", "a.b.c")
		h.is(h.token(thief, form), http.StatusOK, "") // a backend's looks say nothing
		h.is(h.token(thief, form), http.StatusBadRequest, "invalid_grant")
		if h.revoked("c1") != devices.ReasonReuse {
			t.Errorf("the grant ended by %q", h.revoked("c1"))
		}
	})
	t.Run("white space around the grant type hides nothing", func(t *testing.T) {
		for _, kind := range []string{"refresh_token\t", "\n refresh_token", "\u00a0refresh_token \v"} {
			h := newHouse(t)
			form := presents(h.begun("c1"))
			form.Set("grant_type", kind)
			before := h.endpoint.asked
			h.is(h.token(thief, form), http.StatusBadRequest, "invalid_grant")
			if h.endpoint.asked != before || h.revoked("c1") == "" {
				t.Errorf("%q was not looked at", kind)
			}
		}
	})
	t.Run("a spent token that is written otherwise is told too", func(t *testing.T) {
		h := newHouse(t)
		spent := "ory_rt_AAEC.sig"
		h.endpoint.next = spent
		h.begun("c1")
		h.endpoint.next = ""
		h.is(h.token(ada, presents(spent)), http.StatusOK, "")
		h.is(h.token(ada, presents("AA\nEC.sig")), http.StatusBadRequest, "invalid_grant")
		if h.revoked("c1") != devices.ReasonReuse {
			t.Errorf("the grant ended by %q", h.revoked("c1"))
		}
	})
	t.Run("half of a spent token is told, since Hydra ends its chain", func(t *testing.T) {
		h := newHouse(t)
		spent := h.begun("c1")
		h.is(h.token(ada, presents(spent)), http.StatusOK, "")
		h.is(h.token(thief, presents("junk."+signature(spent))), http.StatusBadRequest, "invalid_grant")
		if h.revoked("c1") == "" {
			t.Error("the grant lives")
		}
		h.told(devices.EventGrantCreated, devices.EventReuseDetected, devices.EventDeviceRefused,
			devices.EventGrantRevoked, devices.EventDeviceFlagged)
	})
	t.Run("half of a token ends nothing that Hydra does not end", func(t *testing.T) {
		h := newHouse(t)
		token := h.begun("c1")
		for half, code := range map[string]string{
			"junk." + signature(token): "invalid_request", "." + signature(token): "invalid_request",
			strings.TrimSuffix(token, signature(token)): "invalid_grant",
		} {
			h.is(h.token(thief, presents(half)), http.StatusBadRequest, code)
		}
		h.told(devices.EventGrantCreated)
		h.is(h.token(ada, presents(token)), http.StatusOK, "")
	})
	t.Run("half of another client's token goes no further", func(t *testing.T) {
		h := newHouse(t)
		spent := h.begun("c1")
		token := h.is(h.token(ada, presents(spent)), http.StatusOK, "").refresh
		form := presents("junk." + signature(spent))
		form.Set("client_id", "mail")
		before := h.endpoint.asked
		h.is(h.token(thief, form), http.StatusBadRequest, "invalid_grant")
		if h.endpoint.asked != before {
			t.Error("Hydra was asked: it would end the chain")
		}
		h.is(h.token(ada, presents(token)), http.StatusOK, "")
	})
	t.Run("a thief whom Hydra takes for somebody else is seen all the same", func(t *testing.T) {
		h := newHouse(t)
		h.begun("c1")
		h.endpoint.chains["old"] = &chain{ref: "c1", client: "notes", current: "old"}
		h.endpoint.named = "notes"
		form := presents("old")
		form.Set("client_id", "mail")
		h.is(h.token(thief, form), http.StatusBadRequest, "invalid_grant")
		if h.revoked("c1") == "" {
			t.Error("the grant lives")
		}
	})
	t.Run("a backend is not judged by its looks", func(t *testing.T) {
		h := newHouse(t)
		as := func(looks http.Header) http.Header {
			r := http.Request{Header: looks}
			r.SetBasicAuth("backend", "a secret")
			return looks
		}
		form := redeem("c1")
		form.Del("client_id")
		a := h.is(h.token(as(ada.Clone()), form), http.StatusOK, "")
		form = presents(a.refresh)
		form.Del("client_id")
		h.is(h.token(as(thief.Clone()), form), http.StatusOK, "")
	})
	t.Run("an ended device is refused", func(t *testing.T) {
		h := newHouse(t)
		token := h.begun("c1")
		err := h.store.Change(t.Context(), "ada", func(tx devices.Tx) error {
			h.laptop.State, h.laptop.RevokedAt = devices.StateRevoked, h.clock.Now()
			return tx.Put(t.Context(), h.laptop)
		})
		if err != nil {
			t.Fatal(err)
		}
		before := h.endpoint.asked
		h.is(h.token(ada, presents(token)), http.StatusBadRequest, "invalid_grant")
		if h.endpoint.asked != before {
			t.Error("Hydra was asked")
		}
	})
}

// What ends while Hydra mints a token reaches nobody: the answer is withheld.
func TestEndsBeforeTheAnswer(t *testing.T) {
	for name, end := range map[string]func(*house) error{
		"the device": func(h *house) error {
			return h.gate.Registry.RevokeByOperator(h.t.Context(), "ada", h.laptop.ID)
		},
		"the grant": func(h *house) error {
			_, err := h.gate.Registry.EndGrantsOf(h.t.Context(), "ada", h.laptop.ID, devices.ReasonOperator)
			return err
		},
		"the subject": func(h *house) error { return h.store.SetUserDisabled(h.t.Context(), "ada", true, h.clock.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			token := h.begun("c1")
			h.endpoint.after = func() {
				if err := end(h); err != nil {
					t.Error(err)
				}
			}
			a := h.is(h.token(devicestest.LaptopHeaders(), presents(token)), http.StatusBadRequest, "invalid_grant")
			if strings.Contains(a.body, "_token\":") {
				t.Errorf("the client gets %s", a.body)
			}
			h.endpoint.after = nil
			h.is(h.token(devicestest.LaptopHeaders(), presents(token)), http.StatusBadRequest, "invalid_grant")
		})
	}
	t.Run("a device at its code exchange", func(t *testing.T) {
		h := newHouse(t)
		h.endpoint.after = func() {
			if err := h.gate.Registry.RevokeByOperator(t.Context(), "ada", h.laptop.ID); err != nil {
				t.Error(err)
			}
		}
		h.is(h.token(devicestest.LaptopHeaders(), redeem("c1")), http.StatusBadRequest, "invalid_grant")
	})
}

// Who reaches Hydra around the gateway has no context of its own.
func TestRefreshesAroundTheGateway(t *testing.T) {
	h := newHouse(t)
	h.hook.Bypass = devices.BypassRefused
	token := h.begun("c1")
	token = h.is(h.token(devicestest.LaptopHeaders(), presents(token)), http.StatusOK, "").refresh
	gateway := h.at
	h.at = h.upstream.URL
	form := presents(token)
	form.Set("assertion", h.endpoint.form.Get("assertion")) // of a refresh before
	h.clock.Advance(2 * time.Minute)
	for _, form := range []url.Values{presents(token), form} {
		h.is(h.token(devicestest.ThiefHeaders(), form), http.StatusForbidden, "access_denied")
	}
	h.told(devices.EventGrantCreated, devices.EventDeviceRefused, devices.EventDeviceFlagged)
	h.at = gateway
	h.is(h.token(devicestest.LaptopHeaders(), presents(token)), http.StatusOK, "")
	h.endpoint.chains["old"] = &chain{ref: "c1", client: "notes", current: "old"} // a token that did not pass by
	h.is(h.token(devicestest.LaptopHeaders(), presents("old")), http.StatusOK, "")
}

// Only the gateway speaks to the hook.
func TestAssertionIsTakenOut(t *testing.T) {
	h := newHouse(t)
	form := redeem("c1")
	form.Set("assertion", "what a client wrote")
	token := h.is(h.token(devicestest.LaptopHeaders(), form), http.StatusOK, "").refresh
	for range 2 {
		if got := h.endpoint.form["assertion"]; len(got) != 1 || !strings.HasPrefix(got[0], "ly_cx_") {
			t.Errorf("Hydra got %q", got)
		}
		form = presents(token)
		form.Set("assertion", "what a client wrote")
		token = h.is(h.token(devicestest.LaptopHeaders(), form), http.StatusOK, "").refresh
	}
}

// A proxy passes on no field that the Connection header names: Hydra would take
// the client for another one than was judged.
func TestNothingIsHiddenFromHydra(t *testing.T) {
	h := newHouse(t)
	token := h.begun("c1")
	before := h.endpoint.asked
	for _, line := range []string{"authorization", "keep-alive, Authorization", "close,\tAUTHORIZATION ,", "content-type"} {
		looks := devicestest.ThiefHeaders()
		r := http.Request{Header: looks}
		r.SetBasicAuth("mail", "x")
		looks["Connection"] = []string{"te", line}
		h.is(h.token(looks, presents(token)), http.StatusBadRequest, "invalid_request")
	}
	if h.endpoint.asked != before {
		t.Error("Hydra was asked")
	}
	looks := devicestest.LaptopHeaders()
	for name, value := range map[string]string{
		"Connection": "Upgrade, HTTP2-Settings, x-none", "Upgrade": "h2c", "Http2-Settings": "AAMAAABkAAQAAP__",
	} {
		looks.Set(name, value) // as Java's client does
	}
	h.is(h.token(looks, presents(token)), http.StatusOK, "")
	if h.endpoint.upgrade != "" {
		t.Errorf("Hydra was asked to speak %s", h.endpoint.upgrade)
	}
}

func TestWhatIsNoTokenRequest(t *testing.T) {
	h := newHouse(t)
	const urlencoded = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, body string
		types      []string
		status     int
	}{
		{"twice the same parameter", "grant_type=refresh_token&refresh_token=a&refresh_token=b", []string{urlencoded}, http.StatusBadRequest},
		{"another type", "{}", []string{"application/json"}, http.StatusBadRequest},
		{"two types", "grant_type=refresh_token", []string{urlencoded, "multipart/form-data; boundary=x"}, http.StatusBadRequest},
		{"no type", "grant_type=refresh_token", nil, http.StatusBadRequest},
		{"broken escapes", "grant_type=%zz", []string{urlencoded}, http.StatusBadRequest},
		{"too much", "code=" + strings.Repeat("a", 64<<10), []string{urlencoded}, http.StatusRequestEntityTooLarge},
	} {
		a := h.send(http.Header{"Content-Type": tt.types}, tt.body)
		if a.status != tt.status || a.code != "invalid_request" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", tt.name, a.status, a.body)
		}
	}
	if h.endpoint.asked > 0 {
		t.Error("Hydra was asked")
	}
}

// Trouble keeps the client's session: it is never a 4xx.
func TestTrouble(t *testing.T) {
	unavailable := func(h *house, a answer) {
		t.Helper()
		h.is(a, http.StatusServiceUnavailable, "temporarily_unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	t.Run("the database is gone", func(t *testing.T) {
		h := newHouse(t)
		token := h.begun("c1")
		if err := h.store.Close(); err != nil {
			t.Fatal(err)
		}
		unavailable(h, h.token(devicestest.LaptopHeaders(), presents(token)))
	})
	t.Run("Hydra is gone", func(t *testing.T) {
		h := newHouse(t)
		token := h.begun("c1")
		h.upstream.Close()
		unavailable(h, h.token(devicestest.LaptopHeaders(), presents(token)))
		a, err := http.Get(h.at + "/userinfo")
		if err != nil {
			t.Fatal(err)
		}
		if _ = a.Body.Close(); a.StatusCode != http.StatusBadGateway {
			t.Errorf("another path: %d", a.StatusCode)
		}
	})
	t.Run("the answer is the client's whatever becomes of it here", func(t *testing.T) {
		h := newHouse(t)
		h.endpoint.after = func() { _ = h.store.Close() }
		h.is(h.token(devicestest.LaptopHeaders(), redeem("c1")), http.StatusOK, "")
	})
}

// Gateway and hook together wait for the database twice in a refresh: a read
// before Hydra and a write behind it.
func TestRefreshCosts(t *testing.T) {
	through, counter := pgtest.Count(t, pgtest.Fresh(t))
	h := newHouseOn(t, through)
	token := h.begun("c1")
	refresh := func() {
		t.Helper()
		token = h.is(h.token(devicestest.LaptopHeaders(), presents(token)), http.StatusOK, "").refresh
	}
	refresh()
	counter.Reset()
	const times = 25
	for range times {
		refresh()
	}
	n := counter.Counts()
	n.Pings, n.Prepared = 0, 0
	if want := (pgtest.Counts{RoundTrips: 2 * times, Commits: times, Rows: times}); n != want {
		t.Errorf("%d refreshes cost %+v, want %+v", times, n, want)
	}
	counter.Reset()
	h.begun("c2")
	if n := counter.Counts(); n.RoundTrips != 3 {
		t.Errorf("a code exchange costs %+v, want two round trips in the hook and one behind it", n)
	}
	counter.Reset()
	h.token(http.Header{}, url.Values{"grant_type": {"client_credentials"}, "client_id": {"notes"}})
	if n := counter.Counts(); n.RoundTrips != 0 {
		t.Errorf("what is no device's costs %+v", n)
	}
}
