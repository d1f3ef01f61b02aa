package local_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// ada is somebody of whom much is known, as it comes out of a store.
func ada(t *testing.T) oauth.User {
	t.Helper()
	u := oauth.User{Identifier: "ada", UpdatedAt: time.Unix(1795435200, 0)}
	err := json.Unmarshal([]byte(`{
		"name": "Ada", "name#ja": "エイダ", "nickname": "", "website": null, "gender": 1,
		"email": "ada@example.com", "email_verified": true, "phone_number": "+44 20", "phone_number_verified": "yes",
		"address": {"country": "UK"}, "sub": "bob", "role": "admin", "iss": "https://evil.example"
	}`), &u.Claims)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestClaims(t *testing.T) {
	for _, tc := range []struct {
		name, requested string
		scopes          []string
		want            map[string]any
	}{
		{"nothing", "", nil, map[string]any{}},
		{"openid alone", "", []string{"openid", "offline_access", "devices"}, map[string]any{}},
		{"profile", "", []string{"profile"}, map[string]any{"name": "Ada", "updated_at": int64(1795435200)}},
		{"email", "", []string{"email"}, map[string]any{"email": "ada@example.com", "email_verified": true}},
		{"phone", "", []string{"phone"}, map[string]any{"phone_number": "+44 20"}},
		{"address", "", []string{"address"}, map[string]any{"address": map[string]any{"country": "UK"}}},
		{"twice", "", []string{"email", "email"}, map[string]any{"email": "ada@example.com", "email_verified": true}},
		{"by name", `{"email": null, "name": {"essential": true}}`, nil,
			map[string]any{"email": "ada@example.com", "name": "Ada"}},
		{"by name in a language", `{"name#ja": null, "name#fr": null}`, nil, map[string]any{"name#ja": "エイダ"}},
		{"by name and scope", `{"name": null}`, []string{"phone"},
			map[string]any{"name": "Ada", "phone_number": "+44 20"}},
		{"what is not standard", `{"sub": {"value": "bob"}, "role": null, "iss": null, "": null, "role#x": null}`, nil,
			map[string]any{}},
		{"what is of no type of theirs", `{"gender": null, "website": null, "nickname": null, "phone_number_verified": null}`,
			nil, map[string]any{}},
		{"no object", `["email"]`, nil, map[string]any{}},
		{"no JSON", `{`, nil, map[string]any{}},
		{"null", `null`, nil, map[string]any{}},
	} {
		got := local.Claims(ada(t), tc.scopes, json.RawMessage(tc.requested))
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestClaimsOfSubject(t *testing.T) {
	h := newHouse(t, oauth.User{Identifier: "eve", Claims: map[string]any{"name": "Eve"}})
	a := local.New(h, h.now)
	got, err := a.Claims(t.Context(), "s-eve", []string{"profile"}, nil)
	if err != nil || got["name"] != "Eve" {
		t.Errorf("%v, %v", got, err)
	}
	got["sub"] = "s-eve" // the caller's own
	if again, _ := a.Claims(t.Context(), "s-eve", []string{"profile"}, nil); again["sub"] != nil {
		t.Error("callers share claims")
	}
	if _, err := a.Claims(t.Context(), "s-mallory", nil, nil); !errors.Is(err, devices.ErrNotFound) {
		t.Errorf("unknown subject: %v", err)
	}
}
