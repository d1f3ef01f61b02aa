package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// backend is a client with a secret, and its HTTP stack.
type backend struct {
	*browser
	id string
}

func (h *house) backend(c oauth.Client) backend {
	h.t.Helper()
	c.AuthMethod, c.Secret = "client_secret_post", backendSecret
	h.client(c)
	return backend{h.browser(devicestest.AppHeaders()), c.ID}
}

// signIn has ada sign in with her browser, and redeems the code.
func (b backend) signIn(with *browser, pairs ...string) answer {
	b.t.Helper()
	code := with.code(ada, ask("client_id", b.id))
	a := b.token(redeem(code, append([]string{"client_id", b.id, "client_secret", backendSecret}, pairs...)...))
	if a.Status != http.StatusOK {
		b.t.Fatalf("sign-in: %d %s", a.Status, a.Raw)
	}
	return a
}

func (b backend) form(token string, pairs ...string) url.Values {
	return refreshForm(token, append([]string{"client_id", b.id, "client_secret", backendSecret}, pairs...)...)
}

// contextOf is what a backend passes on of its user.
func contextOf(looks http.Header, ip string) string {
	headers := map[string]string{}
	for name := range looks {
		headers[name] = looks.Get(name)
	}
	raw, err := json.Marshal(map[string]any{"ip": ip, "headers": headers})
	if err != nil {
		panic(err) // strings are JSON
	}
	return string(raw)
}

// TestDeviceStatus is a backend whose own looks say nothing: it may look like
// anything, and is refused when the user's device ends.
func TestDeviceStatus(t *testing.T) {
	h := newHouse(t)
	b := h.backend(oauth.Client{ID: "backend"})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := b.signIn(laptop)
	for _, looks := range []http.Header{devicestest.ThiefHeaders(), devicestest.PhoneHeaders(), {}, devicestest.AppHeaders()} {
		b.looks = looks
		got = b.token(b.form(got.str("refresh_token")))
		got.want(t, 200, "")
	}
	h.told(t, h.grantOf(got), devices.EventGrantCreated)
	if g := h.grant(got); g.Baseline != nil {
		t.Errorf("the grant remembers a backend's looks: %+v", g.Baseline)
	}
	if d := h.devices("ada")[0]; d.Fingerprint[devices.SignalOS] != "Windows" {
		t.Errorf("the device is remembered as %v", d.Fingerprint)
	}
	h.must(h.gate.Registry.RevokeByOperator(t.Context(), "ada", got.str("device_id")))
	h.unchanged(t, func() { b.token(b.form(got.str("refresh_token"))).refused(t, 400, "invalid_grant") })
}

// TestForwarded is a backend that passes on what it sees of its user.
func TestForwarded(t *testing.T) {
	h := newHouse(t)
	b := h.backend(oauth.Client{ID: "bff", Binding: devices.BindingForwarded})
	laptop := h.browser(devicestest.LaptopHeaders())
	seen := contextOf(devicestest.LaptopHeaders(), "203.0.113.10")
	got := b.signIn(laptop, "device_context", seen)
	if g := h.grant(got); g.Baseline == nil || g.Baseline.Fingerprint[devices.SignalOS] != "Windows" ||
		g.Baseline.Network.Addr.IsValid() {
		t.Errorf("the grant remembers %+v", g.Baseline)
	}
	for name, context := range map[string]string{
		"no JSON":       "Windows",
		"half of it":    seen[:20],
		"no address":    `{"ip":"the office","headers":{}}`,
		"a list":        `[]`,
		"odd headers":   `{"ip":"203.0.113.10","headers":["Windows"]}`,
		"too much":      contextOf(withHeader(devicestest.LaptopHeaders(), "X-Pad", strings.Repeat("x", 8<<10)), "203.0.113.10"),
		"a second part": seen + seen,
	} {
		t.Run(name, func(t *testing.T) {
			h.unchanged(t, func() {
				b.token(b.form(got.str("refresh_token"), "device_context", context)).refused(t, 400, "invalid_request")
			})
		})
	}
	for _, context := range []string{seen, seen, "", contextOf(chromeHeaders("143"), "203.0.113.99"), `{}`} {
		got = b.token(b.form(got.str("refresh_token"), "device_context", context))
		got.want(t, 200, "")
	}
	h.told(t, h.grantOf(got), devices.EventGrantCreated)
	if last := h.devices("ada")[0].Last.Addr; last.String() != "203.0.113.10" {
		t.Errorf("the device was last seen at %v, and its prefix did not change since", last)
	}
	b.token(b.form(got.str("refresh_token"), "device_context", contextOf(devicestest.ThiefHeaders(), "192.0.2.66"))).
		refused(t, 400, "invalid_grant")
	if g := h.grant(got); g.RevokedReason != devices.ReasonOSChanged {
		t.Errorf("revoked for %q", g.RevokedReason)
	}
	if j := h.judged("ada", got.str("device_id"))[0]; j.Sighting.Network.Addr.String() != "192.0.2.66" {
		t.Errorf("the judgment shows %v", j.Sighting.Network.Addr)
	}
}

// TestForwardedLater first passes its user on at a refresh.
func TestForwardedLater(t *testing.T) {
	h := newHouse(t)
	b := h.backend(oauth.Client{ID: "bff", Binding: devices.BindingForwarded})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := b.signIn(laptop)
	got = b.token(b.form(got.str("refresh_token"), "device_context", contextOf(devicestest.LaptopHeaders(), "")))
	got.want(t, 200, "")
	b.token(b.form(got.str("refresh_token"), "device_context", contextOf(devicestest.ThiefHeaders(), ""))).
		refused(t, 400, "invalid_grant")
}

// TestContextOfStrangers shows that a client which does not authenticate
// cannot say what its user looks like.
func TestContextOfStrangers(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	h.browser(devicestest.ThiefHeaders()).token(refreshForm(got.str("refresh_token"),
		"device_context", contextOf(devicestest.LaptopHeaders(), "203.0.113.10"))).refused(t, 400, "invalid_grant")
	laptop.token(refreshForm(got.str("refresh_token"))).refused(t, 400, "invalid_grant")
}

// TestForwardedHeadersOfStrangers is T11: nobody's address is what they say
// it is.
func TestForwardedHeadersOfStrangers(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Forwarded", "Cf-Connecting-Ip"} {
		laptop.looks.Set(name, "for=192.0.2.66")
		if name != "Forwarded" {
			laptop.looks.Set(name, "192.0.2.66")
		}
	}
	got := laptop.signIn(ada)
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
	d := h.devices("ada")[0]
	if !d.First.Addr.IsLoopback() || !d.Last.Addr.IsLoopback() || h.grant(got).Baseline.Network.Addr.IsValid() {
		t.Errorf("the device came from %v, then %v", d.First.Addr, d.Last.Addr)
	}
}

// TestOtherDevicesCookie shows that a refresh with the cookie of another
// browser is doubtful, and one without any is not.
func TestOtherDevicesCookie(t *testing.T) {
	h := newHouse(t)
	laptop, twin := h.browser(devicestest.LaptopHeaders()), h.browser(devicestest.LaptopHeaders())
	got := laptop.signIn(ada)
	twin.signIn(bob)
	h.unchanged(t, func() {
		twin.token(refreshForm(got.str("refresh_token"))).refused(t, 400, "invalid_grant")
	}, "judgments", "events", "flags")
	if j := h.judged("ada", got.str("device_id"))[0]; j.Verdict.Decision != devices.StepUp ||
		j.Verdict.Reasons()[0] != devices.ReasonCookieMismatch {
		t.Errorf("judged %+v", j.Verdict)
	}
	got = h.browser(devicestest.LaptopHeaders()).token(refreshForm(got.str("refresh_token")))
	got.want(t, 200, "") // T2: with copied looks, T1 sees nothing at the first use …
	got = h.browser(devicestest.LaptopHeaders()).token(refreshForm(got.str("refresh_token")))
	h.told(t, h.grantOf(got), devices.EventGrantCreated, devices.EventDeviceRefused)
}

// TestCopiedLooks is T2 and T3: a thief who copies the looks is found when
// both have refreshed.
func TestCopiedLooks(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	thief := h.browser(devicestest.LaptopHeaders())
	stolen := thief.token(refreshForm(first.str("refresh_token")))
	stolen = thief.token(refreshForm(stolen.str("refresh_token")))
	stolen.want(t, 200, "")
	laptop.token(refreshForm(first.str("refresh_token"))).refused(t, 400, "invalid_grant")
	thief.token(refreshForm(stolen.str("refresh_token"))).refused(t, 400, "invalid_grant")
	h.told(t, h.grantOf(first), devices.EventGrantCreated, devices.EventReuseDetected, devices.EventDeviceRefused, devices.EventGrantRevoked)
}
