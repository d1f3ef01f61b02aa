package webui_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/webui"
)

// sees fails unless the page says each of the texts, once markup is left out.
func (b *browser) sees(texts ...string) {
	b.t.Helper()
	said := compact(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(b.page, " "))
	for _, text := range texts {
		if !strings.Contains(said, text) {
			b.t.Errorf("%s does not say %q:\n%s", b.at, text, said)
		}
	}
}

// After the password change that is recommended for a lost laptop, the list
// says that the laptop is signed out, and what still works there until when.
func TestANewPasswordSignsTheLostLaptopOut(t *testing.T) {
	pages := &hashed{meanwhile: func() {}}
	h := newHouseOn(t, furnished(t), func(h *house, c *webui.Config) {
		pages.house, c.Passwords, c.MinPassword = h, pages, local.MinPassword
	})
	laptop, phone := h.browser(onWindows), h.browser(onIPhone)
	laptop.signIn()
	phone.signIn()
	lost := h.devices()[0]
	if err := h.store.CreateClient(t.Context(), oauth.Client{ID: "offline", Name: "Offline notes", AccessToken: "jwt", Version: 1}); err != nil {
		t.Fatal(err)
	}
	err := h.store.OpenGrant(t.Context(), devices.Grant{
		ID: newID(), Subject: "ada", ClientID: "offline", DeviceID: lost.ID, Offline: true, CreatedAt: h.clock.Now(),
		RotatedAt: h.clock.Now(), NotAfter: h.clock.Now().Add(90 * 24 * time.Hour), Version: 1, Generation: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(2 * time.Minute)
	phone.get("/devices/password")
	phone.sees("signs you out everywhere else")
	const chosen = "a lanyard that nobody lost"
	phone.post("/devices/password", url.Values{"password": {chosen}, "again": {chosen}})
	phone.is("/devices/password", http.StatusOK)
	if d := h.devices()[0]; d.State != devices.StateRevoked || d.RevokedReason != devices.ReasonPasswordChanged {
		t.Errorf("the laptop is %s because of %q", d.State, d.RevokedReason)
	}
	ended := regexp.MustCompile(`href="([^"]*/devices/others/ended[^"]*)"`).FindStringSubmatch(phone.page)
	if ended == nil {
		t.Fatalf("no link to what was signed out:\n%s", phone.page)
	}
	phone.get(strings.ReplaceAll(ended[1], "&amp;", "&"))
	phone.sees("Firefox on Windows", "Offline notes")
	phone.get("/devices")
	phone.sees("signed in on this device only")
	if strings.Contains(phone.page, "Firefox") {
		t.Error("the list shows the laptop as signed in")
	}
	phone.get("/devices?ended=1")
	phone.sees("Firefox on Windows", "the password was changed")
	laptop.get("/devices")
	laptop.is("/login", http.StatusOK)
}

// The page of an ended device says when it was last seen and when it ended: the
// two are different times.
func TestAnEndedDeviceIsShownWhenItWasSeen(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.browser(onWindows), h.browser(onIPhone)
	laptop.signIn()
	h.clock.Advance(3 * time.Hour)
	phone.signIn()
	lost := h.devices()[0].ID
	if err := h.registry.RevokeByOperator(t.Context(), "ada", lost); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/devices/" + lost, "/devices?ended=1", "/devices/" + lost + "/ended"} {
		phone.get(path)
		phone.sees("Last seen: 127.0.0.1 · 3 hours ago", "Signed out: by an administrator · just now")
	}
}

// "Access granted" is said of consent, and of nothing else.
func TestASkippedConsentIsNotSaidToBeGiven(t *testing.T) {
	h := newHouse(t)
	phone := h.browser(onIPhone)
	phone.signIn()
	id := h.devices()[0].ID
	const given, skipped = "Access granted", "Signed in"
	for _, c := range []string{"own", "foreign"} {
		if err := h.store.CreateClient(t.Context(), oauth.Client{ID: c, Name: c, SkipConsent: c == "own", Version: 1}); err != nil {
			t.Fatal(err)
		}
	}
	grant := func(client string) {
		err := h.store.OpenGrant(t.Context(), devices.Grant{
			ID: newID(), Subject: "ada", ClientID: client, DeviceID: id, CreatedAt: h.clock.Now(), Version: 1, Generation: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	grant("own")
	phone.get("/devices/" + id)
	phone.sees(skipped)
	if strings.Contains(phone.page, given) {
		t.Error("a client that needs no consent was let in")
	}
	grant("foreign")
	err := h.store.PutConsent(t.Context(), oauth.Consent{Subject: "ada", ClientID: "foreign", At: h.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	phone.get("/devices/" + id)
	phone.sees(skipped, given)
}

// Every error page that an owner sees has an ID that the log has too.
func TestErrorPagesHaveARequestID(t *testing.T) {
	var log bytes.Buffer
	h := newHouseOn(t, furnished(t), func(_ *house, c *webui.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	phone := h.browser(onIPhone)
	phone.signIn()
	logged := func(path string, status int) {
		t.Helper()
		phone.get(path)
		id := regexp.MustCompile(`request ID <code>([A-Z2-7]{12})</code>`).FindStringSubmatch(phone.page)
		if phone.status != status || id == nil || !strings.Contains(log.String(), "request_id="+id[1]) {
			t.Errorf("%s (%d) has the ID %v; the log has\n%s", path, phone.status, id, log.String())
		}
	}
	logged("/devices/"+newID(), http.StatusNotFound)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	logged("/devices", http.StatusServiceUnavailable)
}

// Pages show the scopes that a client is still registered for.
func TestLostScopesAreNotShown(t *testing.T) {
	h := newHouse(t)
	phone := h.browser(onIPhone)
	phone.signIn()
	c := oauth.Client{ID: "notes", Name: "Notes", Scope: "openid profile email", Version: 1}
	if err := h.store.CreateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	err := h.store.OpenGrant(t.Context(), devices.Grant{
		ID: newID(), Subject: "ada", ClientID: "notes", DeviceID: h.devices()[0].ID, CreatedAt: h.clock.Now(),
		Scopes: []string{"openid", "profile", "email"}, Version: 1, Generation: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	const profile, email = "See your name and profile", "See your email address"
	phone.get("/devices/apps")
	phone.sees(profile, email)
	c.Scope = "openid profile"
	if updated, err := h.store.UpdateClient(t.Context(), c); err != nil || !updated {
		t.Fatal(updated, err)
	}
	phone.get("/devices/apps")
	phone.sees(profile)
	if strings.Contains(phone.page, email) {
		t.Error("a scope is shown that the client has lost")
	}
}
