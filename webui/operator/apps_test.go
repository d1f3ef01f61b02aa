package operator_test

import (
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/webui/pagetest"
)

// TestAnOperatorWithdrawsAccess: from a device's page to the apps of its
// subject, and to the one whose access is withdrawn.
func TestAnOperatorWithdrawsAccess(t *testing.T) {
	h, c, at := crawled(t)
	const subject, odd = "eve & co=1", "https://shop.example/a?b&c"
	for _, client := range []string{"shop", odd} {
		consent := oauth.Consent{Subject: subject, ClientID: client, Scopes: []string{"openid"}, At: h.clock.Now()}
		if err := h.store.PutConsent(t.Context(), consent); err != nil {
			t.Fatal(err)
		}
	}
	has := func() int {
		found, err := h.store.Accesses(t.Context(), subject, h.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	known, err := h.store.Devices(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	device := c.Get(at + "/devices/" + known[0].ID)
	list := c.Get(html.UnescapeString(labelled(t, device, "Apps with access")))
	var asked pagetest.Page
	for _, to := range list.Links {
		if to.Query().Get("client") == odd {
			asked = c.Get(to.String())
		}
	}
	if asked.URL == nil {
		t.Fatalf("no link to %s: %s", odd, list.Text)
	}
	if n := has(); n != 2 {
		t.Fatalf("looking has changed something: %d", n)
	}
	var form pagetest.Form
	for _, f := range asked.Forms {
		if f.Action.Path == "/pages/apps" {
			form = f
		}
	}
	for range 2 { // once more changes nothing
		if done := c.Submit(form); !strings.Contains(done.Text, "no longer has access") || has() != 1 {
			t.Errorf("%d left: %s", has(), done.Text)
		}
	}
	form.Values = url.Values{"subject": {"nobody"}, "client": {"shop"}}
	c.Submit(form)
	if found, err := h.store.FindSubjects(t.Context(), "nobody"); err != nil || len(found) > 0 {
		t.Errorf("withdrawing from nobody made %+v, %v", found, err)
	}
}
