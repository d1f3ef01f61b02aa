package api_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// Operators see which clients have access to what is a subject's, and withdraw
// it, whatever characters their IDs have.
func TestConsentsOfASubject(t *testing.T) {
	h := newHouse(t)
	const subject, client = "1/2?", "https://shop.example/a?b#c"
	d := h.enroll(subject, laptopLooks)
	c := oauth.Consent{Subject: subject, ClientID: client, Scopes: []string{"openid", "email"}, At: h.now()}
	if err := h.store.PutConsent(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.wind(time.Minute)
	g := devices.Grant{ID: h.newID(), Subject: subject, ClientID: client, DeviceID: d.ID, Scopes: []string{"orders"}, CreatedAt: h.now(), RotatedAt: h.now()}
	if err := h.store.OpenGrant(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	path := "/admin/subjects/" + url.PathEscape(subject) + "/consents"
	got := as[api.Consents](t, h.operate("GET", path, ""), 200)
	want := api.Consents{Consents: []api.Consent{{
		ClientID: client, Scopes: []string{"openid", "email", "orders"}, Consented: true, Since: c.At.UTC(), LastUsed: h.now().UTC(),
		DeviceIDs: []string{d.ID}, Grants: 1,
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	refused(t, h.operate("DELETE", path+"/another", ""), 404, "consent_not_found")
	refused(t, h.operate("DELETE", "/admin/subjects/nobody/consents/another", ""), 404, "consent_not_found")
	if r := h.operate("DELETE", path+"/"+url.PathEscape(client), ""); r.status != 204 {
		t.Errorf("withdrawing: %d", r.status)
	}
	refused(t, h.operate("DELETE", path+"/"+url.PathEscape(client), ""), 404, "consent_not_found")
	if left := as[api.Consents](t, h.operate("GET", path, ""), 200); len(left.Consents) != 0 {
		t.Errorf("left are %+v", left)
	}
	if found := as[api.Subjects](t, h.operate("GET", "/admin/subjects?name=nobody", ""), 200); len(found.Subjects) != 0 {
		t.Errorf("withdrawing from nobody made %+v", found)
	}
	held, err := h.store.Holding(t.Context(), g.ID)
	if err != nil || held.Grant.RevokedReason != devices.ReasonConsentWithdrawn {
		t.Errorf("the grant: %+v, %v", held.Grant, err)
	}
}
