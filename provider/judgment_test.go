package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
)

// judged returns the judgments on a subject's device, newest first.
func (h *house) judged(subject, device string) []devices.Judgment {
	h.t.Helper()
	list, err := h.store.History(h.t.Context(), subject, device, devices.Page{Limit: 500})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// told fails the test where the events of a grant or device are not these.
func (h *house) told(t *testing.T, id string, want ...devices.EventType) {
	t.Helper()
	var names []string
	for _, e := range want {
		names = append(names, string(e))
	}
	if diff := cmp.Diff(names, h.events(id)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// firefoxHeaders returns what another browser on the laptop sends.
func firefoxHeaders() http.Header {
	return devicestest.Headers(
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
		"Accept-Language: en-GB,en-US;q=0.9,en;q=0.8",
	)
}

// chromeHeaders returns what the laptop sends with another Chrome.
func chromeHeaders(major string) http.Header {
	h := devicestest.LaptopHeaders()
	for name, values := range h {
		h[name] = []string{strings.ReplaceAll(values[0], "142", major)}
	}
	return h
}

// TestThief is T1: a stolen refresh token shown on another system with
// another browser is refused, ends the grant, and is told once.
func TestThief(t *testing.T) { onBoth(t, thiefStory) }

func thiefStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	current := laptop.token(refreshForm(first.str("refresh_token")))
	grant, device := h.grantOf(first), first.str("device_id")
	before := len(h.judged("ada", device))

	thief := h.browser(devicestest.ThiefHeaders())
	thief.token(refreshForm(current.str("refresh_token"))).refused(t, 400, "invalid_grant")

	if g := h.grant(first); g.RevokedAt.IsZero() || g.RevokedReason != devices.ReasonOSChanged {
		t.Errorf("the grant was revoked at %v for %q", g.RevokedAt, g.RevokedReason)
	}
	h.told(t, grant, devices.EventGrantCreated, devices.EventHijackSuspected, devices.EventDeviceRefused, devices.EventGrantRevoked)
	h.told(t, device, devices.EventDeviceEnrolled, devices.EventGrantCreated, devices.EventHijackSuspected,
		devices.EventDeviceRefused, devices.EventGrantRevoked, devices.EventDeviceFlagged)
	j := h.judged("ada", device)
	if len(j) != before+1 || j[0].GrantID != grant || j[0].ClientID != "notes" || j[0].Verdict.Decision != devices.Refuse ||
		!j[0].Verdict.RevokeGrant || !slices.Contains(j[0].Verdict.Reasons(), devices.ReasonBrowserChanged) ||
		j[0].Sighting.Fingerprint[devices.SignalOS] != "Linux" || !j[0].Sighting.Network.Addr.IsLoopback() {
		t.Errorf("judged %+v", j)
	}
	if d := h.devices("ada")[0]; d.State != devices.StateFlagged || d.FlaggedReason != devices.ReasonOSChanged {
		t.Errorf("the device is %s for %q", d.State, d.FlaggedReason)
	}
	h.unchanged(t, func() {
		for range 100 { // nobody floods the owner with it
			thief.token(refreshForm(current.str("refresh_token"))).refused(t, 400, "invalid_grant")
		}
		laptop.token(refreshForm(current.str("refresh_token"))).refused(t, 400, "invalid_grant")
		laptop.userinfo(current.str("access_token")).want(t, 401, "invalid_token")
	})
	again := laptop.signIn(ada) // the owner, whom the provider's cookie still knows
	if again.str("device_id") != device {
		t.Error("the owner's device is met as another one")
	}
	laptop.token(refreshForm(again.str("refresh_token"))).want(t, 200, "")
}

// TestReuse is T4: a token that was spent before the last one is theft, and
// told once however often it comes.
func TestReuse(t *testing.T) { onBoth(t, reuseStory) }

func reuseStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	second := laptop.token(refreshForm(first.str("refresh_token")))
	third := laptop.token(refreshForm(second.str("refresh_token")))
	h.clock.Advance(time.Minute)
	laptop.token(refreshForm(first.str("refresh_token"))).refused(t, 400, "invalid_grant")
	h.told(t, h.grantOf(first), devices.EventGrantCreated, devices.EventReuseDetected, devices.EventDeviceRefused, devices.EventGrantRevoked)
	if g := h.grant(first); g.RevokedReason != devices.ReasonReuse {
		t.Errorf("revoked for %q", g.RevokedReason)
	}
	h.unchanged(t, func() {
		for range 50 {
			laptop.token(refreshForm(first.str("refresh_token"))).refused(t, 400, "invalid_grant")
			laptop.token(refreshForm(second.str("refresh_token"))).refused(t, 400, "invalid_grant")
		}
		laptop.token(refreshForm(third.str("refresh_token"))).refused(t, 400, "invalid_grant")
		laptop.userinfo(third.str("access_token")).want(t, 401, "invalid_token")
	})
}

// TestRetry is T6: the same request again within the grace has the same
// answer, and writes nothing.
func TestRetry(t *testing.T) { onBoth(t, retryStory) }

func retryStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	spent := laptop.signIn(ada).str("refresh_token")
	won := laptop.token(refreshForm(spent))
	for _, after := range []time.Duration{0, 5 * time.Second, 5 * time.Second} {
		h.clock.Advance(after)
		h.unchanged(t, func() {
			again := laptop.token(refreshForm(spent))
			again.want(t, 200, "")
			for _, name := range []string{"access_token", "refresh_token", "scope", "device_id", "sid"} {
				if again.str(name) != won.str(name) {
					t.Errorf("%s later the %s differs", after, name)
				}
			}
			before, _ := claimsOf(t, won.str("id_token"))
			after, _ := claimsOf(t, again.str("id_token"))
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the ID token differs:\n%s", diff)
			}
			if left := again.JSON["expires_in"].(float64); left > won.JSON["expires_in"].(float64) {
				t.Errorf("the access token lives %v s longer", left)
			}
		})
	}
	laptop.token(refreshForm(won.str("refresh_token"))).want(t, 200, "")
}

// TestRetryFromElsewhere is T7: the grace is for the same device only, whether
// the other one differs much or little, short of a language.
func TestRetryFromElsewhere(t *testing.T) {
	for name, looks := range map[string]http.Header{
		"another system": devicestest.ThiefHeaders(), "another browser": firefoxHeaders(), "an older version": chromeHeaders("139"),
		"a bare client": devicestest.AppHeaders(),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			laptop := h.browser(devicestest.LaptopHeaders())
			spent := laptop.signIn(ada)
			won := laptop.token(refreshForm(spent.str("refresh_token")))
			h.browser(looks).token(refreshForm(spent.str("refresh_token"))).refused(t, 400, "invalid_grant")
			laptop.token(refreshForm(won.str("refresh_token"))).refused(t, 400, "invalid_grant")
			h.told(t, h.grantOf(spent), devices.EventGrantCreated, devices.EventReuseDetected, devices.EventDeviceRefused, devices.EventGrantRevoked)
		})
	}
}

func withHeader(h http.Header, name, value string) http.Header {
	h.Set(name, value)
	return h
}

// TestLostResponse shows that a client which never had its answer goes on
// after the grace too, and that the answer which got lost is worth nothing.
func TestLostResponse(t *testing.T) { onBoth(t, lostResponseStory) }

func lostResponseStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	spent := first.str("refresh_token")
	lost := laptop.token(refreshForm(spent))
	h.clock.Advance(time.Hour)
	next := laptop.token(refreshForm(spent))
	next.want(t, 200, "")
	if next.str("refresh_token") == lost.str("refresh_token") {
		t.Error("what got lost an hour ago was handed out again")
	}
	h.told(t, h.grantOf(first), devices.EventGrantCreated, devices.EventResponseLost)
	if j := h.judged("ada", first.str("device_id"))[0]; j.Verdict.Decision != devices.Flag {
		t.Errorf("judged %v", j.Verdict)
	}
	h.clock.Advance(time.Hour)
	next = laptop.token(refreshForm(spent)) // lost once more
	next.want(t, 200, "")
	next = laptop.token(refreshForm(next.str("refresh_token")))
	next.want(t, 200, "")
	laptop.token(refreshForm(lost.str("refresh_token"))).refused(t, 400, "invalid_grant")
	laptop.token(refreshForm(next.str("refresh_token"))).refused(t, 400, "invalid_grant")
}

// TestLostResponseFromElsewhere ends the grant: the same token twice with
// different looks is two holders.
func TestLostResponseFromElsewhere(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	spent := laptop.signIn(ada)
	laptop.token(refreshForm(spent.str("refresh_token")))
	h.clock.Advance(time.Hour)
	h.browser(firefoxHeaders()).token(refreshForm(spent.str("refresh_token"))).refused(t, 400, "invalid_grant")
	laptop.token(refreshForm(spent.str("refresh_token"))).refused(t, 400, "invalid_grant")
}

// TestStrict has no grace: a spent token is reused, however soon.
func TestStrict(t *testing.T) {
	h := newHouse(t, func(c *provider.Config) { c.Gate.Grace = 0 })
	laptop := h.browser(devicestest.LaptopHeaders())
	spent := laptop.signIn(ada)
	won := laptop.token(refreshForm(spent.str("refresh_token")))
	laptop.token(refreshForm(spent.str("refresh_token"))).refused(t, 400, "invalid_grant")
	laptop.token(refreshForm(won.str("refresh_token"))).refused(t, 400, "invalid_grant")
}

// TestGraceAfterRevocation is T9: the grace never beats an explicit end.
func TestGraceAfterRevocation(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	spent := laptop.signIn(ada)
	laptop.token(refreshForm(spent.str("refresh_token")))
	h.must(h.gate.Registry.RevokeByOperator(t.Context(), "ada", spent.str("device_id")))
	h.unchanged(t, func() {
		laptop.token(refreshForm(spent.str("refresh_token"))).refused(t, 400, "invalid_grant")
	})
}

// TestStepUp shows that one doubtful look refuses the request and nothing
// more: the owner goes on, and a sign-in heals it.
func TestStepUp(t *testing.T) { onBoth(t, stepUpStory) }

func stepUpStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	h.unchanged(t, func() {
		h.browser(firefoxHeaders()).token(refreshForm(got.str("refresh_token"))).refused(t, 400, "invalid_grant")
	}, "judgments", "events", "flags")
	if j := h.judged("ada", got.str("device_id"))[0]; j.Verdict.Decision != devices.StepUp || j.Verdict.RevokeGrant {
		t.Errorf("judged %+v", j.Verdict)
	}
	h.told(t, h.grantOf(got), devices.EventGrantCreated, devices.EventDeviceRefused)
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
}

// TestVersionsRise shows that an updated browser is the same device, and that
// what it was before is then suspicious.
func TestVersionsRise(t *testing.T) { onBoth(t, versionsRiseStory) }

func versionsRiseStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	for _, major := range []string{"142", "143", "143", "151"} {
		laptop.looks = chromeHeaders(major)
		got = laptop.token(refreshForm(got.str("refresh_token")))
		got.want(t, 200, "")
	}
	if seen := h.grant(got).Baseline.Fingerprint[devices.SignalBrowserVersion]; !strings.HasPrefix(seen, "151") {
		t.Errorf("the grant remembers version %q", seen)
	}
	h.told(t, h.grantOf(got), devices.EventGrantCreated)
	laptop.looks = chromeHeaders("142")
	got = laptop.token(refreshForm(got.str("refresh_token")))
	got.want(t, 200, "")
	h.told(t, h.grantOf(got), devices.EventGrantCreated, devices.EventDeviceFlagged)
	// What was told once is not told at every refresh.
	got = laptop.token(refreshForm(got.str("refresh_token")))
	got.want(t, 200, "")
	h.told(t, h.grantOf(got), devices.EventGrantCreated, devices.EventDeviceFlagged)
}

// TestModes judges the same thief under each mode: observing tells nobody,
// flagging tells, and both let pass.
func TestModes(t *testing.T) {
	for mode, want := range map[devices.Mode]struct {
		decision devices.Decision
		events   []devices.EventType
	}{
		devices.ModeObserve: {devices.Allow, []devices.EventType{devices.EventGrantCreated}},
		devices.ModeFlag:    {devices.Flag, []devices.EventType{devices.EventGrantCreated, devices.EventDeviceFlagged}},
	} {
		t.Run(string(mode), func(t *testing.T) {
			h := newHouse(t, func(c *provider.Config) { c.Gate.Registry.Policy.Mode = mode })
			laptop := h.browser(devicestest.LaptopHeaders())
			first := laptop.signIn(ada)
			got := h.browser(devicestest.ThiefHeaders()).token(refreshForm(first.str("refresh_token")))
			got.want(t, 200, "")
			h.told(t, h.grantOf(first), want.events...)
			j := h.judged("ada", first.str("device_id"))[0]
			if j.Verdict.Decision != want.decision || j.Verdict.Would != devices.Refuse {
				t.Errorf("judged %v, would be %v", j.Verdict.Decision, j.Verdict.Would)
			}
			if seen := h.grant(first).Baseline.Fingerprint[devices.SignalOS]; seen != "Windows" {
				t.Errorf("the thief taught the grant: it remembers %q", seen)
			}
			// Facts are refused in every mode: the owner and the thief both
			// hold a lineage now.
			h.clock.Advance(time.Minute)
			laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
			laptop.token(refreshForm(first.str("refresh_token"))).refused(t, 400, "invalid_grant")
			laptop.token(refreshForm(got.str("refresh_token"))).refused(t, 400, "invalid_grant")
		})
	}
}

// TestObservedRetry shows that observing keeps the judgment on a retry from
// elsewhere too.
func TestObservedRetry(t *testing.T) {
	onBoth(t, observedRetryStory, func(c *provider.Config) { c.Gate.Registry.Policy.Mode = devices.ModeObserve })
}

func observedRetryStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	spent := laptop.signIn(ada)
	laptop.token(refreshForm(spent.str("refresh_token")))
	h.browser(devicestest.ThiefHeaders()).token(refreshForm(spent.str("refresh_token"))).want(t, 200, "")
	if j := h.judged("ada", spent.str("device_id"))[0]; j.Verdict.Would != devices.Refuse {
		t.Errorf("judged %+v", j.Verdict)
	}
}
