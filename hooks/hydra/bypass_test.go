package hydra_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/hooks/carry"
	"github.com/lanyard-id/lanyard/hooks/hydra"
)

// past lists the ways in which a refresh of the chain c1 comes that did not pass
// the gateway, or not as this client's.
func past(h *house) map[string][]string {
	seal := func(c carry.Context) []string {
		text, _ := h.sealer.Seal(c)
		return []string{text}
	}
	seen := devicestest.Returns(h.laptop)
	stale := seal(carry.Context{ClientID: "notes", Binding: devices.BindingObserved, Sighting: &seen})
	h.clock.Advance(2 * time.Minute)
	return map[string][]string{
		"no context": nil, "a client's own text": {"ly_cx_AAAA"}, "two texts": {"", "eyJhbGciOiJub25lIn0.e30."},
		"a context that is too old": stale,
		"another client's context":  seal(carry.Context{ClientID: "mail", Binding: devices.BindingObserved, Sighting: &seen}),
		"another grant's context":   seal(carry.Context{ClientID: "notes", GrantID: "g9", Chain: "c9"}),
	}
}

func TestRefreshesPastTheGateway(t *testing.T) {
	// begun is a house where the code exchange of c1 passed the gateway.
	begun := func(t *testing.T, rule devices.Bypass, binding devices.Binding) (*house, call) {
		h := newHouse(t, func(k *hydra.Hook) { k.Bypass = rule })
		seen := devicestest.Returns(h.laptop)
		text, _ := h.sealer.Seal(carry.Context{ClientID: "notes", Binding: binding, Sighting: &seen})
		h.wants(http.StatusNoContent, call{kind: code, chain: "c1", subject: "ada", device: h.laptop.ID, sealed: []string{text}})
		return h, call{kind: refresh, chain: "c1", subject: "ada", device: h.laptop.ID}
	}
	const flagged, refused = "device.flagged gateway_bypassed", "device.refused gateway_bypassed"
	for name, rule := range map[string]devices.Bypass{"off": devices.BypassAllowed, "flag": devices.BypassFlagged, "refuse": devices.BypassRefused} {
		names := []string{"no context", "a client's own text", "two texts", "a context that is too old", "another client's context", "another grant's context"}
		for _, way := range names {
			t.Run(name+", "+way, func(t *testing.T) {
				h, c := begun(t, rule, devices.BindingObserved)
				c.sealed = past(h)[way]
				status, told := http.StatusNoContent, []string{"grant.created"}
				switch rule {
				case devices.BypassFlagged:
					told = append(told, flagged)
				case devices.BypassRefused:
					status, told = http.StatusForbidden, append(told, refused, flagged)
				default:
				}
				doubts := min(len(told)-1, 1)
				h.wants(status, c)
				h.wants(status, c) // told once
				h.told(told...)
				if !h.grant("c1").RevokedAt.IsZero() {
					t.Error("the grant ended: to come another way is no finding")
				}
				history, err := h.store.History(t.Context(), "ada", h.laptop.ID, devices.Page{})
				if err != nil || len(history) != doubts {
					t.Errorf("judgments %+v, %v", history, err)
				}
				judged, _ := h.sealer.Seal(carry.Context{ClientID: "notes", GrantID: h.grant("c1").ID, Chain: "c1"})
				c.sealed = []string{judged}
				h.wants(http.StatusNoContent, c) // through the gateway
				h.clock.Advance(2 * time.Second) // and so is what Hydra asks again
				h.wants(http.StatusNoContent, c)
				h.told(told...)
			})
		}
		t.Run(name+", a backend may come as it likes", func(t *testing.T) {
			h, c := begun(t, rule, devices.BindingDeviceStatus)
			for _, c.sealed = range past(h) {
				h.wants(http.StatusNoContent, c)
			}
			h.told("grant.created")
		})
		t.Run(name+", what has ended is refused as that", func(t *testing.T) {
			h, c := begun(t, rule, devices.BindingObserved)
			h.end()
			h.wants(http.StatusForbidden, c)
			h.told("grant.created")
		})
		t.Run(name+", a code exchange is never refused", func(t *testing.T) {
			h, _ := begun(t, rule, devices.BindingObserved)
			h.wants(http.StatusNoContent, call{kind: code, chain: "c2", subject: "ada", device: h.laptop.ID})
			h.told("grant.created", "grant.created")
		})
	}
}

func TestUnknownChainsPastTheGateway(t *testing.T) {
	for rule, want := range map[devices.Bypass]struct {
		status int
		told   []string
	}{
		devices.BypassAllowed: {http.StatusNoContent, []string{"grant.created"}},
		devices.BypassFlagged: {http.StatusNoContent, []string{"grant.created", "device.flagged gateway_bypassed"}},
		devices.BypassRefused: {http.StatusForbidden, nil},
	} {
		h := newHouse(t, func(k *hydra.Hook) { k.Bypass = rule })
		c := call{kind: refresh, chain: "old", subject: "ada", device: h.laptop.ID}
		h.wants(want.status, c)
		h.told(want.told...)
		if rule == devices.BypassRefused {
			if _, err := h.store.HoldingByRef(t.Context(), devices.IssuerHydra, "old"); !errors.Is(err, devices.ErrNotFound) {
				t.Error(err)
			}
		}
		seen := devicestest.Returns(h.laptop)
		text, _ := h.sealer.Seal(carry.Context{Binding: devices.BindingObserved, Sighting: &seen}) // its credentials name it
		c.chain, c.sealed = "older", []string{text}
		h.wants(http.StatusNoContent, c)
		h.told(slices.Concat(want.told, []string{"grant.created"})...)
	}
}
