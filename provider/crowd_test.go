package provider_test

import (
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
)

// crowd presents a refresh token n times at once, each time by the next of the
// browsers, and returns the answers.
func crowd(n int, token string, by ...*browser) []answer {
	answers := make([]answer, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-start
			answers[i] = by[i%len(by)].token(refreshForm(token))
		})
	}
	close(start)
	all.Wait()
	return answers
}

// TestCrowdInGrace is T8 with a grace: everybody of the same device is
// answered alike.
func TestCrowdInGrace(t *testing.T) { onBoth(t, crowdInGraceStory) }

func crowdInGraceStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	token := laptop.signIn(ada)
	for range 3 {
		answers := crowd(40, token.str("refresh_token"), laptop)
		for _, a := range answers {
			if a.want(t, 200, ""); a.str("refresh_token") != answers[0].str("refresh_token") ||
				a.str("access_token") != answers[0].str("access_token") {
				t.Fatal("the lineage forked")
			}
		}
		token = answers[0]
	}
	if g := h.grant(token); g.Generation != 4 {
		t.Errorf("generation %d after three rounds", g.Generation)
	}
	h.told(t, h.grantOf(token), "grant.created")
}

// TestCrowdWithoutGrace is T8 in strict mode: one of them is served, and then
// the lineage is dead.
func TestCrowdWithoutGrace(t *testing.T) {
	onBoth(t, crowdWithoutGraceStory, func(c *provider.Config) { c.Gate.Grace = 0 })
}

func crowdWithoutGraceStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	var won []answer
	for _, a := range crowd(40, first.str("refresh_token"), laptop) {
		if a.Status == 200 {
			won = append(won, a)
			continue
		}
		a.refused(t, 400, "invalid_grant")
	}
	if len(won) != 1 {
		t.Fatalf("%d were served", len(won))
	}
	laptop.token(refreshForm(won[0].str("refresh_token"))).refused(t, 400, "invalid_grant")
	h.told(t, h.grantOf(first), "grant.created", "grant.reuse_detected", "device.refused", "grant.revoked")
}

// TestCrowdWithThief mixes the owner's requests with a thief's: the grant dies
// once, whoever was first, and nothing that was handed out works.
func TestCrowdWithThief(t *testing.T) { onBoth(t, crowdWithThiefStory) }

func crowdWithThiefStory(t *testing.T, h *house) {
	laptop, thief := h.browser(devicestest.LaptopHeaders()), h.browser(devicestest.ThiefHeaders())
	first := laptop.signIn(ada)
	answers := crowd(20, first.str("refresh_token"), laptop, thief)
	for i, a := range answers {
		if i%2 == 1 || a.Status != 200 {
			a.refused(t, 400, "invalid_grant")
			continue
		}
		laptop.token(refreshForm(a.str("refresh_token"))).refused(t, 400, "invalid_grant")
		laptop.userinfo(a.str("access_token")).want(t, 401, "invalid_token")
	}
	revoked := 0
	for _, e := range h.events(h.grantOf(first)) {
		if e == "grant.revoked" {
			revoked++
		}
	}
	if revoked != 1 {
		t.Errorf("told %d times that the grant was revoked", revoked)
	}
}

// TestRevocationInFlight is T10: once a revocation is answered, nothing that
// anybody got before, during or after it works.
func TestRevocationInFlight(t *testing.T) { onBoth(t, revocationInFlightStory) }

func revocationInFlightStory(t *testing.T, h *house) {
	for range 5 {
		laptop := h.browser(devicestest.LaptopHeaders())
		first := laptop.signIn(ada)
		var mu sync.Mutex
		got := []answer{first}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				token := first
				for token.Status == 200 {
					token = laptop.token(refreshForm(token.str("refresh_token")))
					mu.Lock()
					got = append(got, token)
					mu.Unlock()
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
		h.must(h.gate.Registry.RevokeByOperator(t.Context(), "ada", first.str("device_id")))
		all.Wait()
		h.unchanged(t, func() {
			for _, a := range got {
				if a.Status != 200 {
					a.refused(t, 400, "invalid_grant")
					continue
				}
				laptop.token(refreshForm(a.str("refresh_token"))).refused(t, 400, "invalid_grant")
				laptop.userinfo(a.str("access_token")).want(t, 401, "invalid_token")
			}
		})
	}
}
