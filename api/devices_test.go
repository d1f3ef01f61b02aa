package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
)

func TestList(t *testing.T) {
	h := newHouse(t, firstOnly)
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook)
	h.enroll("eve", laptopLooks)

	list := as[[]api.Device](t, h.call(phone, "GET", "/api/v1/devices", ""), 200)
	if len(list) != 2 || list[0].ID != laptop.ID || list[1].ID != phone.ID {
		t.Fatalf("got %+v, want the laptop, then the phone", list)
	}
	want := api.Device{
		ID: laptop.ID, Label: "Chrome on Windows", State: "active", Tier: "T2",
		OS: api.Product{Family: "Windows"}, Browser: api.Product{Family: "Chrome", Version: "142.0"},
		Kind: "desktop", IP: "192.0.2.7", LastIP: "192.0.2.7", Country: "DE", City: "Bonn", ASN: 64500,
		CreatedAt: monday, LastSeen: monday, CanUpdateOthers: true, CanDeleteOthers: true,
	}
	if diff := cmp.Diff(want, list[0]); diff != "" {
		t.Error(diff)
	}
	if !list[1].IsCurrent || list[1].CanDeleteOthers || list[1].CanUpdateOthers {
		t.Errorf("got %+v, want the current one, without permissions", list[1])
	}
}

// The names of the contract are in every device, whatever is known of it.
func TestDeviceHasEveryFieldOfTheContract(t *testing.T) {
	h := newHouse(t)
	d := h.enroll("ada", devices.Fingerprint{})
	list := as[[]map[string]any](t, h.call(d, "GET", "/api/v1/devices", ""), 200)
	for name := range strings.FieldsSeq(`id name state tier os browser kind brand model ip last_ip country
		region city asn created_at last_seen can_update_other_devices can_delete_other_devices is_current`) {
		if _, ok := list[0][name]; !ok {
			t.Errorf("no %s in %v", name, list[0])
		}
	}
	if list[0]["kind"] != "other" || list[0]["created_at"] != "2026-11-23T09:00:00Z" {
		t.Errorf("got %v", list[0])
	}
}

func TestListByState(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook)
	copied := h.enroll("ada", phoneLook, devices.Proof{CookieHashes: [][]byte{laptop.CookieHash}})
	if err := h.registry.RevokeByOperator(t.Context(), "ada", phone.ID); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"":                             {laptop.ID, phone.ID, copied.ID},
		"?state=active":                {laptop.ID},
		"?state=active,flagged":        {laptop.ID, copied.ID},
		"?state=revoked":               {phone.ID},
		"?state=":                      {laptop.ID, phone.ID, copied.ID},
		"?state=revoked,flagged&new=1": {phone.ID, copied.ID},
	} {
		var got []string
		for _, d := range as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices"+query, ""), 200) {
			got = append(got, d.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"?state=gone", "?state=active,gone", "?state=active&state=revoked", "?state=%00", "?%zz"} {
		p := refused(t, h.call(laptop, "GET", "/api/v1/devices"+query, ""), 422, "validation_failed")
		if len(p.Errors) == 0 {
			t.Errorf("%q: no errors listed", query)
		}
	}
}

func TestRename(t *testing.T) {
	h := newHouse(t)
	h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook) // young
	path := "/api/v1/devices/" + phone.ID
	for body, want := range map[string]string{
		`{"name":"Ada's phone"}`: "Ada's phone",
		`{"name":null}`:          "",
		`{"name":""}`:            "",
		`{"name":"` + strings.Repeat("ä", 255) + `"}`:     strings.Repeat("ä", 255),
		`{"name":"<script>alert(1)</script>"}`:            "<script>alert(1)</script>",
		" {\"\\u006eame\" : \"written otherwise\"} \r\n ": "written otherwise",
	} {
		d := as[api.Device](t, h.call(phone, "PATCH", path, body), 200)
		if d.Name != want || !d.IsCurrent {
			t.Errorf("%s: got %+v, want name %q", body, d, want)
		}
	}
	before := as[api.Device](t, h.call(phone, "PATCH", path, `{"name":"stays"}`), 200)
	after := as[api.Device](t, h.call(phone, "PATCH", path, `{}`), 200)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("nothing was sent, and it changed: %s", diff)
	}
}

func TestPermissions(t *testing.T) {
	h := newHouse(t, firstOnly)
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook)
	path := "/api/v1/devices/" + phone.ID
	d := as[api.Device](t, h.call(laptop, "PATCH", path, `{"can_update_other_devices":true}`), 200)
	if !d.CanUpdateOthers || d.CanDeleteOthers {
		t.Errorf("got %+v, want only the sent key changed", d)
	}
	// Never self-promotion, nor by way of another device.
	refused(t, h.call(phone, "PATCH", path, `{"can_delete_other_devices":true}`), 403, "device_lacks_edit_permission")
	refused(t, h.call(phone, "PATCH", "/api/v1/devices/"+laptop.ID, `{"can_delete_other_devices":true}`),
		403, "device_lacks_edit_permission")
	d = as[api.Device](t, h.call(laptop, "PATCH", path,
		`{"name":"both","can_update_other_devices":false,"can_delete_other_devices":true}`), 200)
	if d.Name != "both" || d.CanUpdateOthers || !d.CanDeleteOthers {
		t.Errorf("got %+v", d)
	}
}

func TestAcknowledge(t *testing.T) {
	h := newHouse(t, firstOnly)
	laptop := h.enroll("ada", laptopLooks)
	copied := h.enroll("ada", phoneLook, devices.Proof{CookieHashes: [][]byte{laptop.CookieHash}})
	path := "/api/v1/devices/" + copied.ID
	list := as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices?state=flagged", ""), 200)
	if len(list) != 1 || list[0].ID != copied.ID || list[0].FlaggedReason == "" {
		t.Fatalf("got %+v, want the flagged device with its reason", list)
	}
	refused(t, h.call(copied, "PATCH", path, `{"state":"active"}`), 403, "device_lacks_edit_permission")
	for _, state := range []string{`"revoked"`, `"flagged"`, `null`, `1`, `"Active"`} {
		refused(t, h.call(laptop, "PATCH", path, `{"state":`+state+`}`), 422, "validation_failed")
	}
	d := as[api.Device](t, h.call(laptop, "PATCH", path, `{"state":"active"}`), 200)
	if d.State != "active" || d.FlaggedReason != "" {
		t.Errorf("got %+v, want it active", d)
	}
}

func TestInvalidEdits(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	path := "/api/v1/devices/" + laptop.ID
	for body, field := range map[string]string{
		`{"nickname":"x"}`:                            "body.nickname",
		`{"Name":"x"}`:                                "body.Name",
		`{"id":"x"}`:                                  "body.id",
		`{"is_current":true}`:                         "body.is_current",
		`{"can_update_other_devices":null}`:           "body.can_update_other_devices",
		`{"can_delete_other_devices":null}`:           "body.can_delete_other_devices",
		`{"can_delete_other_devices":"true"}`:         "body.can_delete_other_devices",
		`{"can_delete_other_devices":1}`:              "body.can_delete_other_devices",
		`{"name":1}`:                                  "body.name",
		`{"name":["x"]}`:                              "body.name",
		`{"name":"` + strings.Repeat("ä", 256) + `"}`: "body.name",
		`{"name":"` + strings.Repeat("x", 256) + `"}`: "body.name",
		`{"name":"a\u0000b"}`:                         "body.name",
		`{"name":"a\nb"}`:                             "body.name",
		`{"name":"a","name":"b"}`:                     "body.name",
		"{\"name\":\"\xff\"}":                         "body",
		`{"name":"x"`:                                 "body",
		`{"name":"x"} {}`:                             "body",
		`[]`:                                          "body",
		`null`:                                        "body",
		`"name"`:                                      "body",
		strings.Repeat(`{"name":`, 5000) + `1`:        "body",
		`{"name":"x","can_update_other_devices":null,"z":1}`: "body.can_update_other_devices",
	} {
		p := refused(t, h.call(laptop, "PATCH", path, body), 422, "validation_failed")
		if len(p.Errors) == 0 || p.Errors[0].Field != field || p.Errors[0].Message == "" {
			t.Errorf("%.60s: got %+v, want field %s", body, p.Errors, field)
		}
	}
	empty := send(t, h.public.URL, "PATCH", path, "", func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+laptop.token)
		r.Header.Set("Content-Type", "application/json")
	})
	refused(t, empty, 422, "validation_failed")
	if d := as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices", ""), 200)[0]; d.Name != "" || !d.CanDeleteOthers {
		t.Errorf("a refused edit changed %+v", d)
	}
}

func TestRevoke(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook)
	grant := h.grant(phone)

	a := h.call(laptop, "DELETE", "/api/v1/devices/"+phone.ID, "")
	if a.status != 204 || len(a.body) != 0 {
		t.Fatalf("got %d %s, want 204 and no body", a.status, a.body)
	}
	holding, err := h.store.Holding(t.Context(), grant.ID)
	if err != nil || holding.Grant.RevokedAt.IsZero() || holding.Device.Live() {
		t.Errorf("got %+v, %v, want device and grant ended", holding, err)
	}
	if a := h.call(laptop, "DELETE", "/api/v1/devices/"+phone.ID, ""); a.status != 204 {
		t.Errorf("again: got %d, want 204", a.status)
	}
	for _, route := range routes(phone.ID) {
		p := refused(t, h.call(phone, route.method, route.path, route.body), 401, "device_revoked")
		if strings.Contains(p.Detail, laptop.ID) {
			t.Error(p)
		}
	}
	list := as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices?state=revoked", ""), 200)
	if len(list) != 1 || list[0].RevokedReason != "revoked_by_owner" || list[0].RevokedAt.IsZero() {
		t.Errorf("got %+v, want the tombstone", list)
	}
	refused(t, h.call(laptop, "PATCH", "/api/v1/devices/"+phone.ID, `{"name":"x"}`), 409, "device_editing_disabled")
}

func TestLogout(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook)
	grant := h.grant(phone)
	if a := h.call(phone, "POST", "/api/v1/devices/logout", ""); a.status != 204 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	refused(t, h.call(phone, "POST", "/api/v1/devices/logout", ""), 401, "device_revoked")
	if g, err := h.store.Holding(t.Context(), grant.ID); err != nil || g.Grant.RevokedAt.IsZero() {
		t.Errorf("got %+v, %v, want the grant ended", g, err)
	}
	if list := as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices?state=active", ""), 200); len(list) != 1 {
		t.Errorf("got %d live devices, want the laptop", len(list))
	}
}

func TestRevokeAll(t *testing.T) {
	h := newHouse(t, firstOnly)
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook)
	h.enroll("ada", phoneLook)
	eve := h.enroll("eve", phoneLook)
	refused(t, h.call(phone, "POST", "/api/v1/devices/revoke-all", ""), 403, "device_lacks_delete_permission")
	a := h.call(laptop, "POST", "/api/v1/devices/revoke-all", "")
	if got := strings.TrimSpace(string(a.body)); a.status != 200 || got != `{"revoked":2,"kept":[]}` {
		t.Errorf("got %d %s", a.status, got)
	}
	if r := as[api.RevokedOthers](t, h.call(laptop, "POST", "/api/v1/devices/revoke-all", ""), 200); r.Revoked != 0 {
		t.Errorf("again: got %d, want 0", r.Revoked)
	}
	as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices", ""), 200)
	as[[]api.Device](t, h.call(eve, "GET", "/api/v1/devices", ""), 200)
}

func TestHistory(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	// Three sign-ins with the same browser, then one with a copied cookie.
	proof := devices.Proof{CookieHashes: [][]byte{laptop.CookieHash}}
	for range 3 {
		h.wind(time.Minute)
		seen := laptopLooks.Merge(devices.Fingerprint{devices.SignalBrowserVersion: "141.0"}) // older than before
		h.enroll("ada", seen, proof)
	}
	copied := h.enroll("ada", phoneLook, proof)

	var ids []string
	var times []time.Time
	for after, parts := "", 0; ; parts++ {
		part := as[api.History](t, h.call(laptop, "GET",
			"/api/v1/devices/"+laptop.ID+"/history?limit=2"+after, ""), 200)
		for _, j := range part.Judgments {
			ids, times = append(ids, j.ID), append(times, j.At)
		}
		if part.Next == "" {
			break
		}
		if len(part.Judgments) != 2 || parts > 5 {
			t.Fatalf("got %+v", part)
		}
		after = "&after=" + part.Next
	}
	if !slices.IsSortedFunc(times, func(a, b time.Time) int { return b.Compare(a) }) {
		t.Errorf("not newest first: %v", times)
	}
	slices.Sort(ids)
	all, err := h.store.History(t.Context(), "ada", laptop.ID, devices.Page{})
	if err != nil || len(all) < 3 {
		t.Fatalf("got %d judgments, %v: too few to page", len(all), err)
	}
	if n := len(slices.Compact(ids)); n != len(times) || n != len(all) {
		t.Errorf("got %d judgments, %d of them different, want %d", len(times), n, len(all))
	}

	part := as[api.History](t, h.call(laptop, "GET", "/api/v1/devices/"+copied.ID+"/history", ""), 200)
	if len(part.Judgments) != 1 || part.Next != "" {
		t.Fatalf("got %+v, want one judgment", part)
	}
	j := part.Judgments[0]
	if j.Decision != "flag" || !slices.Contains(j.Reasons, "os_changed") || len(j.Evidence) != len(j.Reasons) ||
		j.Entrance != "provider" || j.PolicyVersion == "" || j.IP != "192.0.2.7" || j.Looks.OS.Family != "Android" {
		t.Errorf("got %+v", j)
	}
	e := j.Evidence[slices.Index(j.Reasons, "os_changed")]
	if e.Before != "Windows" || e.After != "Android" || e.Weight == 0 {
		t.Errorf("got %+v", e)
	}
	for _, query := range []string{"limit=0", "limit=201", "limit=x", "limit=-1", "after=1", "after=' OR 1=1 --", "after=%00"} {
		query = strings.ReplaceAll(query, " ", "+")
		refused(t, h.call(laptop, "GET", "/api/v1/devices/"+laptop.ID+"/history?"+query, ""), 422, "validation_failed")
	}
}
