package api_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Whatever body is sent, it is refused as invalid, or it is one that the
// document describes and does what it says.
func FuzzEdit(f *testing.F) {
	for _, body := range []string{`{}`, `{"name":"x"}`, `{"name":null}`, `{"name":1}`, `{"Name":"x"}`, `{"name":"a","name":"b"}`,
		`{"can_update_other_devices":true,"can_delete_other_devices":null}`, `{"state":"active"}`, `{"state":"\u0061ctive"}`,
		`[]`, `{"":{}}`, `{"name":"\ud800"}`, "\xef\xbb\xbf{}", `{"name":"x"}{}`, ``} {
		f.Add([]byte(body))
	}
	h := newHouse(f)
	laptop := h.enroll("ada", laptopLooks)
	schema := describe(f, h.call(device{}, "GET", "/api/openapi.json", "")).schema(editSchema...)
	f.Fuzz(func(t *testing.T, body []byte) {
		a := serveRequest(h.public.Config.Handler, "PATCH", "/api/v1/devices/"+laptop.ID, bytes.NewReader(body), http.Header{
			"Authorization": {"Bearer " + laptop.token}, "Content-Type": {"application/json"},
		})
		switch a.status {
		case 200:
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
			if err != nil {
				t.Fatalf("taken, and no JSON: %q", body)
			}
			if err := schema.Validate(v); err != nil {
				t.Fatalf("taken, and not as described: %q: %v", body, err)
			}
		case 413, 422:
		default:
			t.Fatalf("%q: got %d %s", body, a.status, a.body)
		}
	})
}
