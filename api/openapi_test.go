package api_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lanyard-id/lanyard/devices"
)

// description is an OpenAPI document and what its schemas say.
type description struct {
	t        testing.TB
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func describe(t testing.TB, a answer) *description {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil || a.status != 200 {
		t.Fatalf("%d %v", a.status, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020) // OpenAPI 3.1 is JSON Schema 2020-12
	c.AssertFormat()
	if err := c.AddResource("https://lanyard.test/openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return &description{t, doc.(map[string]any), c}
}

// at returns what the document says at this path of member names.
func (d *description) at(names ...string) any {
	var v any = d.doc
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// holds checks an answer against what the document says of it.
func (d *description) holds(path, method string, a answer) {
	d.t.Helper()
	names := []string{"paths", path, method, "responses", fmt.Sprint(a.status)}
	if d.at(names...) == nil {
		d.t.Errorf("%s %s: %d is not described", method, path, a.status)
		return
	}
	if len(a.body) == 0 {
		if d.at(append(names, "content")...) != nil {
			d.t.Errorf("%s %s: %d has no body, and one is described", method, path, a.status)
		}
		return
	}
	media := a.header.Get("Content-Type")
	names = append(names, "content", media, "schema")
	if d.at(names...) == nil {
		d.t.Errorf("%s %s: %d as %s is not described", method, path, a.status, media)
		return
	}
	schema := d.schema(names...)
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := schema.Validate(body); err != nil {
		d.t.Errorf("%s %s: %d %s: %v", method, path, a.status, a.body, err)
	}
}

// schema returns the schema at this path of member names.
func (d *description) schema(names ...string) *jsonschema.Schema {
	d.t.Helper()
	s, err := d.compiler.Compile("https://lanyard.test/openapi.json#" + pointer(names))
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

var editSchema = []string{"paths", "/api/v1/devices/{id}", "patch", "requestBody", "content", "application/json", "schema"}

func pointer(names []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B")
	var b strings.Builder
	for _, name := range names {
		b.WriteString("/" + escape.Replace(name))
	}
	return b.String()
}

func TestAnswersAreAsDescribed(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.DeleteDelay = 1 << 40 })
	laptop := h.enroll("ada", laptopLooks)
	phone := h.enroll("ada", phoneLook)
	h.enroll("ada", phoneLook, devices.Proof{CookieHashes: [][]byte{laptop.CookieHash}})
	grant := h.grant(laptop)
	const root = "/api/v1/devices"
	one := root + "/{id}"
	public := describe(t, h.call(device{}, "GET", "/api/openapi.json", ""))
	admin := describe(t, h.operate("GET", "/openapi.json", ""))
	for _, d := range []*description{public, admin} {
		if v := d.at("openapi"); v != "3.1.0" {
			t.Errorf("version: got %v", v)
		}
		d.holds(root, "get", h.call(laptop, "GET", root, ""))
		d.holds(root, "get", h.call(laptop, "GET", root+"?state=x", ""))
		d.holds(root, "get", h.call(device{}, "GET", root, ""))
		d.holds(one, "patch", h.call(laptop, "PATCH", root+"/"+phone.ID, `{"name":"x"}`))
		d.holds(one, "patch", h.call(laptop, "PATCH", root+"/"+phone.ID, `{"name":1}`))
		d.holds(one, "patch", h.call(laptop, "PATCH", root+"/"+unknownID, `{}`))
		d.holds(one, "patch", h.call(phone, "PATCH", root+"/"+laptop.ID, `{"name":"x"}`))
		d.holds(one, "delete", h.call(laptop, "DELETE", root+"/"+phone.ID, "")) // 409
		d.holds(one+"/history", "get", h.call(laptop, "GET", root+"/"+laptop.ID+"/history", ""))
		d.holds(root+"/revoke-all", "post", h.call(phone, "POST", root+"/revoke-all", ""))
	}
	public.holds(root+"/revoke-all", "post", h.call(laptop, "POST", root+"/revoke-all", ""))

	admin.holds("/admin/devices", "get", h.operate("GET", "/admin/devices", ""))
	admin.holds("/admin/devices", "get", h.operate("GET", "/admin/devices?ip=x", ""))
	admin.holds("/admin/devices/{id}", "get", h.operate("GET", "/admin/devices/"+phone.ID, ""))
	admin.holds("/admin/devices/{id}", "get", h.operate("GET", "/admin/devices/"+unknownID, ""))
	admin.holds("/admin/devices/{id}", "patch", h.operate("PATCH", "/admin/devices/"+phone.ID, `{"name":"x"}`))
	admin.holds("/admin/devices/{id}/history", "get", h.operate("GET", "/admin/devices/"+laptop.ID+"/history", ""))
	admin.holds("/admin/subjects/{sub}/devices", "get", h.operate("GET", "/admin/subjects/ada/devices", ""))
	admin.holds("/admin/subjects/{sub}/consents", "get", h.operate("GET", "/admin/subjects/ada/consents", ""))
	admin.holds("/admin/subjects/{sub}/consents/{client}", "delete", h.operate("DELETE", "/admin/subjects/ada/consents/shop", ""))
	admin.holds("/admin/subjects", "get", h.operate("GET", "/admin/subjects?name=ada", ""))
	admin.holds("/admin/subjects", "get", h.operate("GET", "/admin/subjects", ""))
	admin.holds("/admin/grants", "get", h.operate("GET", "/admin/grants", ""))
	admin.holds("/admin/grants/{id}", "delete", h.operate("DELETE", "/admin/grants/"+grant.ID, ""))
	admin.holds("/admin/events", "get", h.operate("GET", "/admin/events", ""))
	admin.holds("/admin/devices/{id}", "delete", h.operate("DELETE", "/admin/devices/"+phone.ID, ""))
	admin.holds("/admin/subjects/{sub}/revoke-all", "post", h.operate("POST", "/admin/subjects/ada/revoke-all", ""))
	public.holds(root+"/logout", "post", h.call(laptop, "POST", root+"/logout", ""))
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	public.holds(root, "get", h.call(laptop, "GET", root, ""))
	admin.holds("/admin/events", "get", h.operate("GET", "/admin/events", ""))
}

// The document says what a PATCH may hold, with the same strictness.
func TestEditsAreAsDescribed(t *testing.T) {
	h := newHouse(t)
	d := describe(t, h.call(device{}, "GET", "/api/openapi.json", ""))
	schema := d.schema(editSchema...)
	laptop := h.enroll("ada", laptopLooks)
	for _, body := range []string{`{}`, `{"name":"x"}`, `{"name":null}`, `{"name":1}`, `{"nickname":"x"}`, `{"state":"active"}`,
		`{"state":"revoked"}`, `{"state":null}`, `{"can_update_other_devices":null}`, `{"can_delete_other_devices":true}`,
		`{"can_delete_other_devices":"true"}`, `[]`, `{"name":"` + strings.Repeat("x", 256) + `"}`} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		described := schema.Validate(v)
		a := h.call(laptop, "PATCH", "/api/v1/devices/"+laptop.ID, body)
		if (described == nil) != (a.status == 200) {
			t.Errorf("%.80s: got %d %s, described: %v", body, a.status, a.body, described)
		}
	}
}

func TestTheDocumentsKeepToTheirListeners(t *testing.T) {
	h := newHouse(t)
	public := describe(t, h.call(device{}, "GET", "/api/openapi.json", ""))
	admin := describe(t, h.operate("GET", "/openapi.json", ""))
	paths := func(d *description) (all []string) {
		for path := range d.at("paths").(map[string]any) {
			all = append(all, path)
		}
		slices.Sort(all)
		return all
	}
	owners := []string{"/api/v1/devices", "/api/v1/devices/logout", "/api/v1/devices/revoke-all", "/api/v1/devices/{id}",
		"/api/v1/devices/{id}/history", "/api/v1/devices/{id}/receipt"}
	operators := []string{"/admin/devices", "/admin/devices/{id}", "/admin/devices/{id}/history", "/admin/devices/{id}/receipt",
		"/admin/devices/{id}/revoke-others", "/admin/events", "/admin/grants", "/admin/grants/{id}", "/admin/subjects",
		"/admin/subjects/{sub}/consents", "/admin/subjects/{sub}/consents/{client}",
		"/admin/subjects/{sub}/devices", "/admin/subjects/{sub}/disable", "/admin/subjects/{sub}/enable", "/admin/subjects/{sub}/revoke-all"}
	if got := paths(public); !slices.Equal(got, owners) {
		t.Errorf("public: got %v", got)
	}
	if got, want := paths(admin), append(operators, owners...); !slices.Equal(got, want) {
		t.Errorf("admin: got %v, want %v", got, want)
	}
	for name := range public.at("components", "schemas").(map[string]any) {
		if strings.HasPrefix(name, "Admin") || strings.HasPrefix(name, "Grant") || strings.HasPrefix(name, "Error") {
			t.Errorf("public: %s", name)
		}
	}
	// Every reference points at something.
	for _, d := range []*description{public, admin} {
		walk(d.doc, func(ref string) {
			if d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...) == nil {
				t.Errorf("%s points at nothing", ref)
			}
		})
	}
}

func walk(v any, visit func(ref string)) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			visit(ref)
		}
		for _, member := range v {
			walk(member, visit)
		}
	case []any:
		for _, member := range v {
			walk(member, visit)
		}
	}
}
