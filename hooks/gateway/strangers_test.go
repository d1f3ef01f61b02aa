package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// dressed are the headers of a client that nobody has seen before.
func dressed(n int) http.Header {
	return http.Header{"User-Agent": {fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) Stranger/%d.%d Safari/537.36", n, n)}}
}

// A stranger's User-Agent is parsed only if the code or the token is real.
func TestStrangersUserAgentsAreNotParsed(t *testing.T) {
	h := newHouse(t)
	h.begun("c1")
	half := h.begun("c2")
	before := h.observer.Parses()
	for n := range 50 {
		h.is(h.token(dressed(n), presents("ory_rt_no.token")), http.StatusBadRequest, "invalid_grant")
	}
	if got := h.observer.Parses() - before; got != 0 {
		t.Errorf("%d User-Agents of strangers were parsed", got)
	}
	h.endpoint.chains["old"] = &chain{ref: "c1", client: "notes", current: "old"}
	h.is(h.token(devicestest.ThiefHeaders(), presents("old")), http.StatusBadRequest, "invalid_grant")
	if h.revoked("c1") == "" {
		t.Error("a real token that the gateway did not know was not judged by what its client looks like")
	}
	// Half of the token in force is no token: Hydra refuses it.
	before = h.observer.Parses()
	for n := range 50 {
		h.is(h.token(dressed(n), presents("junk."+signature(half))), http.StatusBadRequest, "invalid_request")
	}
	if got := h.observer.Parses() - before; got != 0 {
		t.Errorf("%d User-Agents of strangers with half a token were parsed", got)
	}
}

// What a new client looks like at its code exchange is what its refreshes are
// compared with, whoever read it.
func TestANewClientIsReadByTheHook(t *testing.T) {
	h := newHouse(t)
	a := h.is(h.token(dressed(1), redeem("c1")), http.StatusOK, "")
	held, err := h.store.HoldingByRef(t.Context(), devices.IssuerHydra, "c1")
	if err != nil || held.Grant.Baseline == nil || held.Grant.Baseline.Fingerprint[devices.SignalOS] != "Linux" {
		t.Fatalf("the baseline is %+v (%v)", held.Grant.Baseline, err)
	}
	a = h.is(h.token(dressed(1), presents(a.refresh)), http.StatusOK, "")
	h.is(h.token(devicestest.LaptopHeaders(), presents(a.refresh)), http.StatusBadRequest, "invalid_grant")
}

// One network tries many tokens. It has to wait, and nobody who holds a real
// one does: neither in that network, nor elsewhere.
func TestUnknownTokensAreLimitedPerNetwork(t *testing.T) {
	h := newHouse(t)
	token := h.begun("c1")
	send := func(form url.Values) answer { return h.token(devicestest.LaptopHeaders(), form) }
	for range 200 {
		h.is(send(presents("ory_rt_no.token")), http.StatusBadRequest, "invalid_grant")
	}
	asked := h.endpoint.asked
	a := h.is(send(presents("ory_rt_no.token")), http.StatusTooManyRequests, "temporarily_unavailable")
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || h.endpoint.asked != asked {
		t.Errorf("Retry-After %q, Hydra was asked %d times", a.header.Get("Retry-After"), h.endpoint.asked-asked)
	}
	token = h.is(send(presents(token)), http.StatusOK, "").refresh
	h.is(send(redeem("c2")), http.StatusOK, "")
	h.clock.Advance(time.Minute)
	h.is(send(presents("ory_rt_no.token")), http.StatusBadRequest, "invalid_grant")
	h.is(send(presents(token)), http.StatusOK, "")
}

// The tokens of a grant that has ended are refused whatever their client looks
// like, so that nobody has User-Agents parsed with one.
func TestUserAgentsOfEndedGrantsAreNotParsed(t *testing.T) {
	h := newHouse(t)
	spent := h.begun("c1")
	token := h.is(h.token(devicestest.LaptopHeaders(), presents(spent)), http.StatusOK, "").refresh
	h.is(h.token(devicestest.LaptopHeaders(), presents("junk."+signature(spent))), http.StatusBadRequest, "invalid_grant")
	if h.revoked("c1") != devices.ReasonReuse {
		t.Fatalf("the grant ended by %q", h.revoked("c1"))
	}
	before := h.observer.Parses()
	for n := range 50 {
		for _, ended := range []string{token, spent, "junk." + signature(spent), "junk." + signature(token)} {
			h.is(h.token(dressed(n), presents(ended)), http.StatusBadRequest, "invalid_grant")
		}
	}
	if got := h.observer.Parses() - before; got != 0 {
		t.Errorf("%d User-Agents with tokens of an ended grant were parsed", got)
	}
	h.told(devices.EventGrantCreated, devices.EventReuseDetected, devices.EventDeviceRefused,
		devices.EventGrantRevoked, devices.EventDeviceFlagged)
}

// A client changes its User-Agent with each refresh. It has to wait, and keeps
// its token. Other grants, other networks and known User-Agents do not wait.
func TestNewUserAgentsAreLimitedPerGrantAndNetwork(t *testing.T) {
	h := newHouse(t)
	token := h.is(h.token(dressed(1), redeem("c1")), http.StatusOK, "").refresh
	other := h.is(h.token(dressed(1), redeem("c2")), http.StatusOK, "").refresh
	from := func(network string, n int) http.Header {
		header := dressed(n)
		header.Set("X-Forwarded-For", network)
		return header
	}
	const ada, away = "203.0.113.7", "198.51.100.7"
	for n := range 20 {
		token = h.is(h.token(from(ada, n+2), presents(token)), http.StatusOK, "").refresh
	}
	asked, parses := h.endpoint.asked, h.observer.Parses()
	a := h.is(h.token(from(ada, 22), presents(token)), http.StatusTooManyRequests, "temporarily_unavailable")
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 6 {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	if h.endpoint.asked != asked || h.observer.Parses() != parses {
		t.Errorf("Hydra was asked %d times and %d User-Agents were parsed", h.endpoint.asked-asked, h.observer.Parses()-parses)
	}
	token = h.is(h.token(from(ada, 21), presents(token)), http.StatusOK, "").refresh
	token = h.is(h.token(from(away, 23), presents(token)), http.StatusOK, "").refresh
	h.is(h.token(from(ada, 24), presents(other)), http.StatusOK, "")
	h.clock.Advance(6 * time.Second)
	h.is(h.token(from(ada, 25), presents(token)), http.StatusOK, "")
}

// Tokens that the gateway does not know are limited whoever refuses them.
func TestTokensThatTheHookRefusesAreLimited(t *testing.T) {
	h := newHouse(t)
	h.hook.RefuseUnknown = true
	h.endpoint.chains["old"] = &chain{ref: "c9", client: "notes", current: "old"}
	for range 200 {
		h.is(h.token(devicestest.LaptopHeaders(), presents("old")), http.StatusBadRequest, "invalid_grant")
	}
	h.is(h.token(devicestest.LaptopHeaders(), presents("old")), http.StatusTooManyRequests, "temporarily_unavailable")
}
