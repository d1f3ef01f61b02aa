package events_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// given gives ada's grants of two clients: one whose tokens Hydra mints, on two
// devices, and one of this server's own.
func (h *house) given() {
	h.t.Helper()
	for i, issuer := range []string{devices.IssuerHydra, devices.IssuerHydra, ""} {
		seen := devicestest.Returns(devicestest.Phone("ada"))
		seen.At = h.clock.Now()
		met, err := h.registry.EnrollHeld(h.t.Context(), "ada", seen, []byte(rand.Text()))
		if err != nil {
			h.t.Fatal(err)
		}
		g := devicestest.GrantOn(met.Device)
		g.ID, g.ClientID, g.Issuer = rand.Text(), "own", issuer
		if issuer == "" {
			err = h.store.OpenGrant(h.t.Context(), g)
		} else {
			g.ClientID, g.ExternalRef = "shop", "chain-"+string(rune('a'+i))
			_, err = h.store.OpenChain(h.t.Context(), g, nil, func(devices.Grant) []devices.Event { return nil })
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestAWithdrawnConsentEndsElsewhere: first each chain, whose end Hydra then
// confirms, and last what Hydra remembers of the consent.
func TestAWithdrawnConsentEndsElsewhere(t *testing.T) {
	onEach(t, func(h *house) {
		h.given()
		w := h.worker()
		for _, client := range []string{"own", "shop"} {
			if err := h.registry.WithdrawConsentByOperator(h.t.Context(), "ada", client); err != nil {
				h.t.Fatal(err)
			}
		}
		h.once(w)
		if diff := cmp.Diff([]string{"hydra_chain chain-a", "hydra_chain chain-b"}, h.elsewhere.attempts()); diff != "" {
			h.t.Error(diff)
		}
		h.clock.Advance(5 * time.Second)
		h.once(w)
		tried := h.elsewhere.attempts()
		if len(tried) != 3 || !strings.HasPrefix(tried[0]+tried[1]+tried[2], "hydra_chain") ||
			!strings.Contains(strings.Join(tried, " "), "hydra_consent ") {
			h.t.Errorf("tried %q", tried)
		}
		legs, err := h.store.ClientLegs(h.t.Context(), "ada", "shop", h.clock.Now().Add(-time.Minute))
		if err != nil || len(legs) != 3 {
			h.t.Fatalf("legs %+v, %v", legs, err)
		}
		for _, l := range legs {
			if l.State != devices.LegDone || l.Subject != "ada" || l.ClientID != "shop" {
				h.t.Errorf("leg %+v", l)
			}
		}
		for name, of := range map[string]struct {
			subject, client string
			since           time.Duration
		}{
			"another client": {"ada", "own", time.Minute}, "another subject": {"eve", "shop", time.Minute},
			"later": {"ada", "shop", 0}, "text that cannot be": {"ada", "a\x00", time.Minute},
		} {
			if legs, err := h.store.ClientLegs(h.t.Context(), of.subject, of.client, h.clock.Now().Add(-of.since)); len(legs) > 0 || err != nil {
				h.t.Errorf("%s: %+v, %v", name, legs, err)
			}
		}
	})
}
