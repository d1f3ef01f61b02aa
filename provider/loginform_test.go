package provider_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// rendered returns the fields of the sign-in form that the browser is shown,
// filled in by somebody.
func (b *browser) rendered(identifier string) url.Values {
	b.t.Helper()
	page := b.do(http.MethodGet, "/login", nil)
	form := url.Values{"identifier": {identifier}, "password": {password}}
	for _, f := range regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(page.Raw, -1) {
		form.Set(f[1], f[2])
	}
	if form.Get("form") == "" {
		b.t.Fatalf("the form is not bound: %s", page.Raw)
	}
	return form
}

// lose sends a form to a server whose answer does not arrive: the browser keeps
// no cookie of it.
func (b *browser) lose(form url.Values, issuer string) int {
	at, err := url.Parse(b.issuer)
	if err != nil {
		b.t.Error(err)
		return 0
	}
	r, err := http.NewRequest(http.MethodPost, issuer+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Error(err)
		return 0
	}
	r.Header = b.looks.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range b.http.Jar.Cookies(at) {
		r.AddCookie(c)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.t.Error(err)
		return 0
	}
	_ = answer.Body.Close() // the answer is lost
	return answer.StatusCode
}

func (h *house) all(subject string) []devices.Device {
	h.t.Helper()
	list, err := h.store.Devices(h.t.Context(), subject)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// TestOneFormOneDevice: however often a sign-in form is sent, to one replica or two,
// it enrolls one device, and the browser holds that one in the end.
func TestOneFormOneDevice(t *testing.T) {
	for name, open := range map[string]func(testing.TB) string{"sqlite": furnished.file, "postgres": furnished.database} {
		t.Run(name, func(t *testing.T) {
			h := newHouseOn(t, open(t))
			replica := newHouseOn(t, h.url)
			b := h.browser(devicestest.LaptopHeaders())
			form := b.rendered(ada)
			// 1. Answers are lost, one after the other and all at once.
			for range 2 {
				b.lose(form, h.issuer)
			}
			var all sync.WaitGroup
			for i := range 6 {
				all.Go(func() { b.lose(form, []string{h.issuer, replica.issuer}[i%2]) })
			}
			all.Wait()
			// 2. Neither the form nor one that is rendered anew makes a second one.
			b.lose(b.rendered(ada), replica.issuer)
			if answer := b.do(http.MethodPost, "/login", form); answer.Status != http.StatusOK {
				t.Fatalf("the form that arrives: %d %s", answer.Status, answer.Raw)
			}
			found := h.all("ada")
			if len(found) != 1 {
				t.Fatalf("one form made %d devices", len(found))
			}
			// 3. The browser holds it: a sign-in later is on it again.
			h.clock.Advance(h.provider.Lifetimes.SignInAbsolute + 1)
			if b.do(http.MethodPost, "/login", b.rendered(ada)); len(h.all("ada")) != 1 {
				t.Errorf("the browser does not hold its device: %d devices", len(h.all("ada")))
			}
		})
	}
}

// TestAFormIsNoKey: a form does nothing in another browser or for another subject's
// device, and brings back no device that has ended.
func TestAFormIsNoKey(t *testing.T) {
	h := newHouse(t)
	b, stranger := h.browser(devicestest.LaptopHeaders()), h.browser(devicestest.LaptopHeaders())
	form := b.rendered(ada)
	b.lose(form, h.issuer)
	stranger.rendered(ada) // it has a seed of its own
	if answer := stranger.do(http.MethodPost, "/login", form); answer.Status != http.StatusConflict || len(h.all("ada")) != 1 {
		t.Errorf("a stranger's browser: %d, %d devices", answer.Status, len(h.all("ada")))
	}
	if status := h.browser(devicestest.LaptopHeaders()).lose(form, h.issuer); status != http.StatusBadRequest || len(h.all("ada")) != 1 {
		t.Errorf("a browser without cookies: %d, %d devices", status, len(h.all("ada")))
	}
	// Somebody else signs in by the same form: on a device of their own.
	bobs := url.Values{"identifier": {bob}, "password": {password}, "form": form["form"]}
	b.lose(bobs, h.issuer)
	if found := h.all("bob"); len(found) != 1 || found[0].ID == h.all("ada")[0].ID || string(found[0].CookieHash) == string(h.all("ada")[0].CookieHash) {
		t.Errorf("somebody else: %+v", found)
	}
	// The device ends before the form is sent again.
	if err := h.gate.Registry.RevokeByOperator(t.Context(), "ada", h.all("ada")[0].ID); err != nil {
		t.Fatal(err)
	}
	if answer := b.do(http.MethodPost, "/login", form); answer.Status != http.StatusConflict {
		t.Errorf("the form of an ended device: %d", answer.Status)
	}
	if found := h.all("ada"); len(found) != 1 || found[0].Live() {
		t.Errorf("the form of an ended device: %+v", found)
	}
	// The form that is shown instead is good.
	if answer := b.do(http.MethodPost, "/login", b.rendered(ada)); answer.Status != http.StatusOK || len(h.all("ada")) != 2 {
		t.Errorf("the next form: %d, %d devices", answer.Status, len(h.all("ada")))
	}
}

// entered reports whether the answer gives the browser a cookie of a sign-in or of
// a device.
func (a answer) entered() bool {
	return slices.ContainsFunc(a.Header.Values("Set-Cookie"), func(c string) bool {
		return strings.HasPrefix(c, sessionCookie+"=") || strings.HasPrefix(c, deviceCookie+"=")
	})
}
