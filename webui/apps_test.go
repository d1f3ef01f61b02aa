package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

// odd is the ID of a client of another server, which may be any text.
const odd = "https://shop.example/a?b=c&d #é"

// visitor follows what the pages of a browser show.
func (b *browser) visitor() *pagetest.Crawler {
	return &pagetest.Crawler{T: b.t, Client: b.client, Header: http.Header{"User-Agent": {b.agent}}, Params: []string{"since", "ui_locales", "ended"}}
}

// allowed gives a client a consent of Ada's and a grant on each of her devices.
func (h *house) allowed(clientID string, g devices.Grant) {
	h.t.Helper()
	err := h.store.PutConsent(h.t.Context(), oauth.Consent{
		Subject: "ada", ClientID: clientID, Scopes: []string{"email"}, At: h.clock.Now(),
	})
	for _, d := range h.devices() {
		if err == nil {
			g.ID, g.Subject, g.ClientID, g.DeviceID, g.CreatedAt = newID(), "ada", clientID, d.ID, h.clock.Now()
			err = h.store.OpenGrant(h.t.Context(), g)
		}
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// has returns the clients that have access to what is Ada's, but for the pages.
func (h *house) has() []string {
	h.t.Helper()
	found, err := h.store.Accesses(h.t.Context(), "ada", h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	var ids []string
	for _, a := range found {
		if a.ClientID != "pages" {
			ids = append(ids, a.ClientID)
		}
	}
	return ids
}

// follow visits the page behind the only link whose path fits.
func follow(c *pagetest.Crawler, from pagetest.Page, fits func(path string) bool) pagetest.Page {
	c.T.Helper()
	for _, to := range from.Links {
		if fits(to.EscapedPath()) {
			return c.Get(to.String())
		}
	}
	c.T.Fatalf("no such link: %s", from.Text)
	return pagetest.Page{}
}

func path(want string) func(string) bool { return func(path string) bool { return path == want } }

func TestAnOwnerWithdrawsAccess(t *testing.T) {
	for _, id := range []string{"shop", odd} {
		h := newHouse(t)
		b := h.browser(onWindows)
		b.signIn()
		phone := h.browser(onIPhone)
		phone.signIn()
		if err := h.store.CreateClient(t.Context(), oauth.Client{ID: "shop", Name: "The <Shop>", Scope: "openid profile offline_access orders:read", Version: 1}); err != nil {
			t.Fatal(err)
		}
		h.allowed("other", devices.Grant{})
		h.allowed(id, devices.Grant{Scopes: []string{"profile", "orders:read"}})
		c := b.visitor()
		list := follow(c, c.Get(h.issuer+"/devices"), path("/devices/apps"))
		for _, want := range []string{
			"See your email address", "See your name and profile", "orders:read", "Access granted", "Last used",
			h.devices()[0].ID, h.devices()[1].ID,
		} {
			if !strings.Contains(list.Text, want) {
				t.Errorf("%s: the list lacks %q: %s", id, want, list.Text)
			}
		}
		if strings.Contains(list.Text, "/devices/apps/pages/") {
			t.Error("the pages can be taken from themselves")
		}
		asked := follow(c, list, path("/devices/apps/"+url.PathEscape(id)+"/end"))
		if n := len(h.has()); n != 2 {
			t.Fatalf("looking at it has changed something: %d", n)
		}
		form := asked.Forms[len(asked.Forms)-1]
		receipt := c.Submit(form)
		if !strings.Contains(receipt.Text, "no longer has access") || !strings.Contains(receipt.Text, "All access ended immediately") {
			t.Errorf("%s: the receipt: %s", id, receipt.Text)
		}
		if got := h.has(); len(got) != 1 || got[0] != "other" {
			t.Errorf("%s: left are %q", id, got)
		}
		again := c.Submit(form) // a second press, or a reload
		if again.URL.Path != "/devices/apps" || strings.Contains(again.Text, url.PathEscape(id)) {
			t.Errorf("%s: once more leads to %s: %s", id, again.URL, again.Text)
		}
		for _, d := range h.devices() {
			if !d.Live() {
				t.Errorf("%s: device %s is %s", id, d.ID, d.State)
			}
		}
	}
}

// TestWhatAWithdrawalCannotReach: access tokens that nobody can call back are
// named, with their end.
func TestWhatAWithdrawalCannotReach(t *testing.T) {
	h := newHouse(t)
	b := h.browser(onWindows)
	b.signIn()
	if err := h.store.CreateClient(t.Context(), oauth.Client{
		ID: "shop", Name: "Shop", AccessToken: "jwt", AccessTTL: "45m", Version: 1,
	}); err != nil {
		t.Fatal(err)
	}
	h.allowed("shop", devices.Grant{})
	h.clock.Advance(time.Minute)
	b.post("/devices/apps/shop/end", url.Values{})
	if until := h.clock.Now().Add(44 * time.Minute).UTC().Format("15:04"); !strings.Contains(b.page, until) ||
		strings.Contains(b.page, "All access ended immediately") {
		t.Errorf("at %s: nothing of %s: %s", b.at, until, b.page)
	}
}

func TestWhoMayWithdrawAccess(t *testing.T) {
	h := newHouse(t)
	b := h.browser(onWindows)
	b.signIn()
	phone := h.browser(onIPhone)
	phone.signIn()
	h.allowed("shop", devices.Grant{})
	lacking := h.devices()[1]
	lacking.CanDeleteOthers = false
	if err := h.store.Change(t.Context(), "ada", func(tx devices.Tx) error { return tx.Put(t.Context(), lacking) }); err != nil {
		t.Fatal(err)
	}
	if page := phone.visitor().Get(h.issuer + "/devices/apps"); strings.Contains(page.Text, "/devices/apps/shop/end") ||
		!strings.Contains(page.Text, "Access cannot be removed from this device") {
		t.Errorf("without the permission: %s", page.Text)
	}
	phone.post("/devices/apps/shop/end", url.Values{})
	if phone.status != http.StatusForbidden || len(h.has()) != 1 {
		t.Errorf("without the permission: %d, left are %q", phone.status, h.has())
	}
	// The device is young, and the sign-in is not fresh any more.
	h.clock.Advance(10 * time.Minute)
	b.post("/devices/apps/shop/end", url.Values{})
	if len(h.has()) != 1 {
		t.Fatal("a young device withdraws without a fresh sign-in")
	}
	b.prove()
	b.is("/devices/apps/shop/ended", http.StatusOK)
	if left := h.has(); len(left) != 0 {
		t.Errorf("after a fresh sign-in: left are %q", left)
	}
}
