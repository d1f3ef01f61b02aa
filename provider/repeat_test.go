package provider_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider"
)

// from returns the looks as they come from an address, through a proxy.
func from(looks http.Header, addr string) http.Header {
	looks.Set("X-Forwarded-For", addr)
	return looks
}

// TestRepeatedElsewhere lets a thief repeat each refresh of the owner within
// the grace, with the owner's looks: the owner goes on with the same tokens,
// and is told.
func TestRepeatedElsewhere(t *testing.T) {
	onBoth(t, repeatedElsewhereStory, func(c *provider.Config) {
		c.Observer = observe.New(observe.Config{
			Now: c.Now, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		})
	})
}

func repeatedElsewhereStory(t *testing.T, h *house) {
	laptop := h.browser(from(devicestest.LaptopHeaders(), "203.0.113.10"))
	thief := h.browser(from(devicestest.LaptopHeaders(), "192.0.2.66"))
	got := laptop.signIn(ada)
	grant := h.grantOf(got)
	for range 3 {
		next := laptop.token(refreshForm(got.str("refresh_token")))
		next.want(t, 200, "")
		h.clock.Advance(3 * time.Second)
		again := thief.token(refreshForm(got.str("refresh_token")))
		again.want(t, 200, "")
		if again.str("refresh_token") != next.str("refresh_token") {
			t.Error("the thief has a successor of their own")
		}
		h.told(t, grant, devices.EventGrantCreated, devices.EventDeviceFlagged)
		got = next
		h.clock.Advance(time.Hour)
	}
	j := h.judged("ada", got.str("device_id"))[0]
	if len(j.Verdict.Evidence) != 1 || j.Verdict.Evidence[0].Reason != devices.ReasonNewNetwork ||
		j.Sighting.Network.Addr.String() != "192.0.2.66" {
		t.Errorf("kept %+v", j)
	}
	// A second tab at home is nothing.
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
	laptop.looks = from(devicestest.LaptopHeaders(), "203.0.113.99")
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
	h.told(t, grant, devices.EventGrantCreated, devices.EventDeviceFlagged)
}
