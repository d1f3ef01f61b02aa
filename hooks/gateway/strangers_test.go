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
