package api_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// Operators find a subject by either of its names. Ending nobody is no error,
// and nobody is known of it afterwards.
func TestFindSubjects(t *testing.T) {
	h := newHouse(t)
	h.enroll("ada", laptopLooks)
	if err := h.store.CreateUser(t.Context(), oauth.User{Subject: "1/2", Identifier: "Eve@example.com"}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]api.Subject{
		"ada": {{Subject: "ada"}}, "1%2F2": {{Subject: "1/2", Identifier: "Eve@example.com"}},
		"eve@EXAMPLE.com": {{Subject: "1/2", Identifier: "Eve@example.com"}}, "nobody": {},
	} {
		got := as[api.Subjects](t, h.operate("GET", "/admin/subjects?name="+query, ""), 200).Subjects
		for i := range got {
			got[i].CreatedAt = got[i].CreatedAt.UTC()
			if got[i].CreatedAt.IsZero() {
				t.Errorf("%+v was never made", got[i])
			}
			got[i].CreatedAt = api.Subject{}.CreatedAt
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	refused(t, h.operate("GET", "/admin/subjects", ""), 422, "validation_failed")
	refused(t, h.operate("GET", "/admin/subjects?name=", ""), 422, "validation_failed")

	if n := as[api.Revoked](t, h.operate("POST", "/admin/subjects/nobody/revoke-all", ""), 200); n.Revoked != 0 {
		t.Errorf("ended %d devices of nobody", n.Revoked)
	}
	if got := as[api.Subjects](t, h.operate("GET", "/admin/subjects?name=nobody", ""), 200).Subjects; len(got) != 0 {
		t.Errorf("ending nobody made %+v", got)
	}
}

// TestDisableSubjects: a disabled subject loses its grants and may not enroll, its
// devices stay, and enabling lets it sign in again.
func TestDisableSubjects(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada|1", laptopLooks)
	grant := h.grant(laptop)
	const path = "/admin/subjects/ada%7C1"
	for range 2 {
		s := as[api.Subject](t, h.operate("POST", path+"/disable", ""), 200)
		if s.Subject != "ada|1" || !s.Disabled {
			t.Errorf("got %+v", s)
		}
	}
	held, err := h.store.Holding(t.Context(), grant.ID)
	if err != nil || held.Grant.RevokedReason != devices.ReasonSubjectDisabled || !held.SubjectDisabled || !held.Device.Live() {
		t.Errorf("the grant is %+v, %v", held, err)
	}
	_, err = h.registry.Enroll(t.Context(), "ada|1", devicestest.Sees(devicestest.PhoneHeaders(), "192.0.2.9"))
	if !errors.Is(err, devices.ErrDisabled) {
		t.Errorf("enrolling: %v", err)
	}
	if s := as[api.Subject](t, h.operate("POST", path+"/enable", ""), 200); s.Disabled {
		t.Errorf("got %+v", s)
	}
	if _, err := h.registry.Enroll(t.Context(), "ada|1", devicestest.Sees(devicestest.PhoneHeaders(), "192.0.2.9")); err != nil {
		t.Error(err)
	}
	refused(t, h.operate("POST", "/admin/subjects/nobody/disable", ""), 404, "subject_not_found")
	refused(t, h.operate("POST", "/admin/subjects/nobody/enable", ""), 404, "subject_not_found")
}

// TestOperatorsPermissions: an operator gives and takes permissions, and signs out
// all devices but one.
func TestOperatorsPermissions(t *testing.T) {
	h := newHouse(t, firstOnly)
	laptop, phone := h.enroll("ada", laptopLooks), h.enroll("ada", phoneLook)
	path := "/admin/devices/" + phone.ID
	d := as[api.AdminDevice](t, h.operate("PATCH", path, `{"can_delete_other_devices":true}`), 200)
	if d.CanUpdateOthers || !d.CanDeleteOthers {
		t.Errorf("got %+v", d)
	}
	d = as[api.AdminDevice](t, h.operate("PATCH", path,
		`{"name":"x","can_update_other_devices":true,"can_delete_other_devices":false}`), 200)
	if d.Name != "x" || !d.CanUpdateOthers || d.CanDeleteOthers {
		t.Errorf("got %+v", d)
	}
	if n := as[api.Revoked](t, h.operate("POST", path+"/revoke-others", ""), 200).Revoked; n != 1 {
		t.Errorf("ended %d", n)
	}
	refused(t, h.operate("PATCH", "/admin/devices/"+laptop.ID, `{"can_delete_other_devices":false}`), 409, "device_editing_disabled")
	refused(t, h.operate("POST", "/admin/devices/"+laptop.ID+"/revoke-others", ""), 404, "device_not_found")
	refused(t, h.operate("POST", "/admin/devices/"+unknownID+"/revoke-others", ""), 404, "device_not_found")
}
