package hydra_test

import (
	"bytes"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/hooks/carry"
	"github.com/lanyard-id/lanyard/hooks/hydra"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

func TestChainIsTiedToTheDevice(t *testing.T) {
	h := newHouse(t)
	h.put(devicestest.Phone("bob"))
	err := h.store.PutTie(t.Context(), devices.Tie{
		Kind: devices.TieHydraLogin, Ref: "sid-1", Subject: "ada", DeviceID: h.laptop.ID, At: h.clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for chain, tt := range map[string]struct {
		call   call
		device string
	}{
		"consent": {call{subject: "ada", device: h.laptop.ID}, h.laptop.ID},
		"sign-in": {call{subject: "ada", sid: "sid-1"}, h.laptop.ID},
		"stolen":  {call{subject: "ada", device: "bob-phone"}, ""},
		"other":   {call{subject: "bob", sid: "sid-1"}, ""},
		"nobody":  {call{subject: "ada"}, ""},
	} {
		tt.call.kind, tt.call.chain = code, chain
		h.wants(http.StatusNoContent, tt.call)
		if g := h.grant(chain); g.DeviceID != tt.device || g.Subject != tt.call.subject || !g.Offline || g.ClientID != "notes" {
			t.Errorf("%s: %+v, want device %q", chain, g, tt.device)
		}
	}
}

func TestRefreshAsksForTheStanding(t *testing.T) {
	h := newHouse(t)
	first := call{kind: code, chain: "c1", subject: "ada", device: h.laptop.ID}
	again := call{kind: refresh, chain: "c1", subject: "ada", device: h.laptop.ID}
	h.wants(http.StatusNoContent, first)
	for range 3 { // also what Hydra asks once more
		h.wants(http.StatusNoContent, again)
	}
	h.told("grant.created")
	h.end()
	h.wants(http.StatusForbidden, again)
	h.wants(http.StatusForbidden, again)
	h.told("grant.created") // it had ended before

	// A sign-in on the ended device opens nothing, and its chain is ended.
	late := call{kind: code, chain: "c2", subject: "ada", device: h.laptop.ID}
	h.wants(http.StatusForbidden, late)
	h.wants(http.StatusForbidden, late)
	if _, err := h.store.HoldingByRef(t.Context(), devices.IssuerHydra, "c2"); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("c2: %v", err)
	}
	legs, err := h.store.LeaseLegs(t.Context(), h.clock.Now(), h.clock.Now().Add(time.Minute), 10)
	if err != nil || len(legs) != 1 || legs[0].Kind != devices.LegHydraChain || legs[0].Ref != "c2" {
		t.Errorf("legs %+v, %v", legs, err)
	}
}

func TestUnknownChains(t *testing.T) {
	nameless := call{kind: refresh, chain: "old", subject: "ada"}
	t.Run("are taken over and told", func(t *testing.T) {
		h := newHouse(t)
		for range 2 {
			h.wants(http.StatusNoContent, nameless)
		}
		h.told("grant.created", "device.flagged unknown_device")
		h.grant("old")
	})
	t.Run("with a device are taken over", func(t *testing.T) {
		h := newHouse(t)
		c := nameless
		c.device = h.laptop.ID
		h.wants(http.StatusNoContent, c)
		h.told("grant.created")
		if g := h.grant("old"); g.DeviceID != h.laptop.ID {
			t.Errorf("device %q", g.DeviceID)
		}
	})
	t.Run("on an ended device are refused", func(t *testing.T) {
		h := newHouse(t)
		h.end()
		c := nameless
		c.device = h.laptop.ID
		h.wants(http.StatusForbidden, c)
	})
	t.Run("are refused where the operator wants it, and nothing ends", func(t *testing.T) {
		h := newHouse(t, func(k *hydra.Hook) { k.RefuseUnknown = true })
		h.wants(http.StatusForbidden, nameless)
		h.told()
		if _, err := h.store.HoldingByRef(t.Context(), devices.IssuerHydra, "old"); !errors.Is(err, devices.ErrNotFound) {
			t.Error(err)
		}
		legs, err := h.store.LeaseLegs(t.Context(), h.clock.Now(), h.clock.Now().Add(time.Minute), 10)
		if err != nil || len(legs) != 0 {
			t.Errorf("legs %+v, %v", legs, err)
		}
	})
}

func TestDoor(t *testing.T) {
	h := newHouse(t)
	good := call{kind: code, chain: "c1", subject: "ada"}
	other := good
	other.kind = "client_credentials"
	nobody := good
	nobody.subject = ""
	nul := good
	nul.chain = "c\x00"
	long := good
	long.sid = string(bytes.Repeat([]byte("s"), 1<<20))
	for _, tt := range []struct {
		name, key string
		body      []byte
		want      int
	}{
		{"no key", "", good.body(), http.StatusUnauthorized},
		{"another key", "a key of those tests", good.body(), http.StatusUnauthorized},
		{"another key and nothing to read", "x", nil, http.StatusUnauthorized},
		{"garbage", key, []byte(`{"session":`), http.StatusBadRequest},
		{"nothing", key, nil, http.StatusBadRequest},
		{"other types", key, []byte(`{"session":7,"request":[]}`), http.StatusBadRequest},
		{"too large", key, long.body(), http.StatusBadRequest},
		{"text that no database holds", key, nul.body(), http.StatusBadRequest},
		{"nothing of ours", key, []byte(`{}`), http.StatusNoContent},
		{"a client for itself", key, other.body(), http.StatusNoContent},
		{"nobody's", key, nobody.body(), http.StatusNoContent},
	} {
		if got := h.post(tt.key, tt.body); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	h.told()
	odd := bytes.Replace(good.body(), []byte(`"extra":{}`), []byte(`"extra":{"device_id":["x"],"more":7}`), 1)
	if got := h.post(key, odd); got != http.StatusNoContent {
		t.Errorf("claims that are no texts: %d", got)
	}
	h.grant("c1")
}

// Trouble is told within the deadline and changes nothing, so that what Hydra
// asks again is answered as if it were the first time.
func TestDeadline(t *testing.T) {
	h := newHouse(t, func(k *hydra.Hook) { k.Deadline = 100 * time.Millisecond })
	c := call{kind: code, chain: "c1", subject: "ada", device: h.laptop.ID}
	err := h.store.Change(t.Context(), "ada", func(devices.Tx) error {
		began := time.Now()
		h.wants(http.StatusServiceUnavailable, c)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("answered after %s", took)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.told()
	for end := time.Now().Add(10 * time.Second); h.post(key, c.body()) != http.StatusNoContent; {
		if time.Now().After(end) {
			t.Fatal("still in trouble")
		}
	}
	h.told("grant.created")
}

func TestRetriesAtOnce(t *testing.T) {
	h := newHouse(t)
	c := call{kind: code, chain: "c1", subject: "ada", device: h.laptop.ID}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() { h.wants(http.StatusNoContent, c) })
	}
	group.Wait()
	h.told("grant.created")
}

func TestContextOfTheGateway(t *testing.T) {
	sealed := func(h *house, c carry.Context) ([]string, carry.Context) {
		c.ClientID, c.Binding = "notes", devices.BindingObserved
		text, sent := h.sealer.Seal(c)
		return []string{text}, sent
	}
	looks := func(h *house, s devices.Sighting) carry.Context {
		s.At, s.Entrance = h.clock.Now(), devices.EntranceGateway
		return carry.Context{Sighting: &s}
	}
	begun := func(t *testing.T) (*house, call) {
		h := newHouse(t)
		c := call{kind: code, chain: "c1", subject: "ada", device: h.laptop.ID}
		c.sealed, _ = sealed(h, looks(h, devicestest.Returns(h.laptop)))
		h.wants(http.StatusNoContent, c)
		c.kind = refresh
		return h, c
	}
	t.Run("who looks the same is let through, and the token is known from then on", func(t *testing.T) {
		h, c := begun(t)
		var sent carry.Context
		c.sealed, sent = sealed(h, looks(h, devicestest.Returns(h.laptop)))
		h.wants(http.StatusNoContent, c)
		held, _, err := h.store.HoldingByToken(t.Context(), devices.TokenHash{Signature: h.sealer.Hash(sent.ID)})
		if err != nil || held.Grant.ExternalRef != "c1" {
			t.Errorf("%+v, %v", held.Grant, err)
		}
	})
	t.Run("who looks otherwise is refused", func(t *testing.T) {
		h, c := begun(t)
		c.sealed, _ = sealed(h, looks(h, devicestest.Thief()))
		h.wants(http.StatusForbidden, c)
		if h.grant("c1").RevokedAt.IsZero() {
			t.Error("the grant lives")
		}
	})
	// That is how a hook of an older version reads a context that says what the
	// request looks like in a field which the hook does not know.
	t.Run("a context that shows nothing is judged by the device alone", func(t *testing.T) {
		h, c := begun(t)
		c.sealed, _ = sealed(h, carry.Context{})
		h.wants(http.StatusNoContent, c)
		h.end()
		c.sealed, _ = sealed(h, carry.Context{})
		h.wants(http.StatusForbidden, c)
	})
	t.Run("what a client wrote counts for nothing", func(t *testing.T) {
		h, c := begun(t)
		h.end()
		for _, text := range []string{"", "ly_cx_", "ly_cx_AAAA", "eyJhbGciOiJub25lIn0.e30."} {
			c.sealed = []string{text}
			h.wants(http.StatusForbidden, c)
		}
	})
	t.Run("what was judged this moment is not asked again, and later is", func(t *testing.T) {
		h, c := begun(t)
		of := func(chain string) []string {
			text, _ := sealed(h, carry.Context{GrantID: h.grant("c1").ID, Chain: chain})
			return text
		}
		h.end()
		c.sealed = of("c2")
		h.wants(http.StatusForbidden, c) // of another chain
		c.sealed = of("c1")
		h.wants(http.StatusNoContent, c) // the gateway looks again at the answer
		h.wants(http.StatusForbidden, c) // nobody looks again at what is sent twice
		h.clock.Advance(time.Second)     // Hydra tries again
		h.wants(http.StatusForbidden, c)
		c.sealed = of("c1")
		h.clock.Advance(time.Second)
		h.wants(http.StatusForbidden, c)
		h.clock.Advance(-2 * time.Second) // from a server whose clock is ahead
		h.wants(http.StatusForbidden, c)
	})
}

// The hook waits for the database twice at most, and not at all for what the
// gateway has judged.
func TestRoundTrips(t *testing.T) {
	through, counter := pgtest.Count(t, pgtest.Fresh(t))
	h := newHouseOn(t, through)
	costs := func(what string, want int, c call) {
		t.Helper()
		counter.Reset()
		h.wants(http.StatusNoContent, c)
		if n := counter.Counts(); n.RoundTrips != want {
			t.Errorf("%s costs %+v, want %d round trips", what, n, want)
		}
	}
	seen := devicestest.Returns(h.laptop)
	unjudged, _ := h.sealer.Seal(carry.Context{ClientID: "notes", Binding: devices.BindingObserved, Sighting: &seen})
	c := call{kind: code, chain: "c1", subject: "ada", device: h.laptop.ID, sealed: []string{unjudged}}
	costs("a code exchange", 2, c)
	costs("a code exchange again", 2, c)
	costs("a code exchange of somebody new", 2, call{kind: code, chain: "c2", subject: "bob"})
	c.kind = refresh
	h.wants(http.StatusNoContent, c) // prepares
	costs("a refresh of a token that the gateway did not know", 1, c)
	c.sealed = nil
	h.wants(http.StatusNoContent, c) // prepares
	costs("a refresh around the gateway", 1, c)
	h.clock.Advance(2 * time.Minute)
	h.wants(http.StatusNoContent, c) // prepares
	h.clock.Advance(2 * time.Minute)
	costs("a refresh, once a minute", 2, c)
	judged, _ := h.sealer.Seal(carry.Context{ClientID: "notes", GrantID: h.grant("c1").ID, Chain: "c1"})
	c.sealed = []string{judged}
	costs("a refresh that the gateway has judged", 0, c)
	h.wants(http.StatusNoContent, c) // prepares
	costs("the same context again", 1, c)
}
