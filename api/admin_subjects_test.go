package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/api"
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
