package operator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// preview returns the form that a preview holds, and the page.
func preview(t *testing.T, door http.Handler, query string) (url.Values, string) {
	t.Helper()
	text := body(t, ask(door, "GET", "/pages/revoke?"+query, nil))
	return fields(text), text
}

// fields returns the hidden fields of a page.
func fields(text string) url.Values {
	form := url.Values{}
	for _, field := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		form.Set(field[1], field[2])
	}
	return form
}

func TestBulkRevoke(t *testing.T) {
	h := newHouse(t)
	h.fill("ada", 30)
	h.fill("eve", 1)
	door := h.door()
	form, text := preview(t, door, "subject=ada&os=Windows")
	if !strings.Contains(text, "Sign out 30 devices?") || !strings.Contains(text, "and 10 more") || h.live("ada") != 30 {
		t.Errorf("the preview: %s", text)
	}
	cross := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if a := ask(door, "POST", "/pages/revoke", form, cross); a.StatusCode != 403 || h.live("ada") != 30 {
		t.Errorf("another site: %d, %d live", a.StatusCode, h.live("ada"))
	}
	but := func(field, value string) url.Values {
		other := url.Values{}
		for name := range form {
			other.Set(name, form.Get(name))
		}
		other.Set(field, value)
		return other
	}
	for name, form := range map[string]url.Values{
		"another count": but("count", "29"), "no count": but("count", ""), "other devices": but("exactly", "x"),
		"another subject": but("subject", "eve"), "a different operating system was used": but("os", ""), "everything": {"count": {"31"}, "form": form["form"]},
		"nonsense": but("address", "x"), "another sign-in": but("form", "x"), "nobody": but("subject", "mallory"), "an ended state": but("state", "revoked"),
	} {
		if name == "a different operating system was used" {
			form.Set("exactly", "") // it finds the same
		}
		answer := body(t, ask(door, "POST", "/pages/revoke", form))
		if h.live("ada") != 30 || h.live("eve") != 1 || !strings.Contains(answer, "Nothing was signed out") && !strings.Contains(answer, "Nothing was changed") {
			t.Fatalf("%s: %d and %d are left: %s", name, h.live("ada"), h.live("eve"), answer)
		}
	}
	if text := body(t, ask(door, "POST", "/pages/revoke", form)); h.live("ada") != 0 || h.live("eve") != 1 ||
		!strings.Contains(text, "30 devices were signed out") {
		t.Errorf("%d are left: %s", h.live("ada"), text)
	}
	if d := h.devices("ada")[0]; d.RevokedReason != devices.ReasonOperator {
		t.Errorf("%+v", d)
	}
	if latest, err := h.store.FindEvents(t.Context(), records.EventQuery{Limit: 5}); err != nil || len(latest) != 5 {
		t.Errorf("%d events, %v", len(latest), err)
	}
}

// TestAPreviewIsOfJustThoseDevices: one went and another came, so the count is
// the same, but nobody has seen that one.
func TestAPreviewIsOfJustThoseDevices(t *testing.T) {
	h := newHouse(t)
	h.fill("ada", 3)
	door := h.door()
	form, _ := preview(t, door, "subject=ada")
	if err := h.registry.RevokeByOperator(t.Context(), "ada", h.devices("ada")[0].ID); err != nil {
		t.Fatal(err)
	}
	h.fill("ada", 1)
	if text := body(t, ask(door, "POST", "/pages/revoke", form)); h.live("ada") != 3 || !strings.Contains(text, "Nothing was signed out") {
		t.Errorf("%d are left: %s", h.live("ada"), text)
	}
}

// TestMoreThanOneRunEnds: devices that have ended already do not keep the
// others from being reached.
func TestMoreThanOneRunEnds(t *testing.T) {
	h := newHouse(t)
	left := func() (n int) {
		for i := range 45 {
			n += h.live(fmt.Sprint("ada", i))
		}
		return n
	}
	for i := range 45 {
		h.fill(fmt.Sprint("ada", i), 10)
	}
	door := h.door()
	for _, want := range []struct {
		says string
		left int
	}{{"Sign out 400 devices?", 50}, {"Sign out 50 devices?", 0}, {"No devices to sign out", 0}} {
		form, text := preview(t, door, "os=Windows")
		if !strings.Contains(text, want.says) {
			t.Errorf("no %q in %s", want.says, text)
		}
		if ask(door, "POST", "/pages/revoke", form); left() != want.left {
			t.Errorf("%d are left, want %d", left(), want.left)
		}
	}
}
