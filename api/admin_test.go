package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lanyard-id/lanyard/api"
)

// operatorRoutes are all of the admin API that reach the store.
func operatorRoutes(device, grant string) []route {
	return []route{
		{"GET", "/admin/devices", ""},
		{"GET", "/admin/devices/" + device, ""},
		{"PATCH", "/admin/devices/" + device, `{"name":"x"}`},
		{"DELETE", "/admin/devices/" + device, ""},
		{"GET", "/admin/devices/" + device + "/history", ""},
		{"GET", "/admin/subjects?name=ada", ""},
		{"GET", "/admin/subjects/ada/devices", ""},
		{"POST", "/admin/subjects/ada/revoke-all", ""},
		{"GET", "/admin/grants", ""},
		{"DELETE", "/admin/grants/" + grant, ""},
		{"GET", "/admin/events", ""},
	}
}

func labels(t *testing.T, a answer) []string {
	t.Helper()
	var got []string
	for _, d := range as[api.AdminDevices](t, a, 200).Devices {
		got = append(got, d.Subject+" "+d.OS.Family)
	}
	return got
}

func TestFindDevices(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	h.enroll("eve", phoneLook)
	h.enroll("ada", phoneLook)
	if err := h.registry.RevokeByOperator(t.Context(), "ada", laptop.ID); err != nil {
		t.Fatal(err)
	}
	all := []string{"ada Android", "eve Android", "ada Windows"}
	for query, want := range map[string][]string{
		"":                               all,
		"?subject=ada":                   {"ada Android", "ada Windows"},
		"?subject=nobody":                nil,
		"?os=Windows":                    {"ada Windows"},
		"?os=Android&subject=ada":        {"ada Android"},
		"?state=active":                  {"ada Android", "eve Android"},
		"?state=revoked":                 {"ada Windows"},
		"?ip=192.0.2.7":                  all,
		"?ip=::ffff:192.0.2.7":           all,
		"?ip=192.0.2.0/24":               all,
		"?ip=192.0.2.99/24":              all,
		"?ip=192.0.2.8":                  nil,
		"?ip=2001:db8::/32":              nil,
		"?asn=64500":                     all,
		"?asn=64501":                     nil,
		"?subject=%27+OR+1%3D1+--":       nil,
		"?os=%25":                        nil,
		"?state=revoked&os=Windows&asn=": {"ada Windows"},
	} {
		if got := labels(t, h.operate("GET", "/admin/devices"+query, "")); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
	for query, field := range map[string]string{
		"?ip=home": "query.ip", "?ip=fe80::1%25eth0": "query.ip", "?ip=192.0.2.0/99": "query.ip",
		"?ip=::ffff:192.0.2.0/120": "query.ip", "?asn=-1": "query.asn",
		"?asn=4294967296": "query.asn", "?state=active,revoked": "query.state", "?cursor=1": "query.cursor",
		"?limit=0": "query.limit", "?limit=1000": "query.limit", "?stat=active": "query.stat",
		"?os=a%00": "query.os", "?subject=a&subject=b": "query.subject", "?subject=%ff": "query.subject",
		"?subject=" + strings.Repeat("x", 256): "query.subject",
	} {
		a := h.operate("GET", "/admin/devices"+query, "")
		if a.status != 422 {
			t.Errorf("%q: got %d", query, a.status)
			continue
		}
		p := refused(t, a, 422, "validation_failed")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%q: got %+v, want field %s", query, p.Errors, field)
		}
	}
	var paged []string
	for cursor := ""; ; {
		part := as[api.AdminDevices](t, h.operate("GET", "/admin/devices?limit=2"+cursor, ""), 200)
		for _, d := range part.Devices {
			paged = append(paged, d.Subject+" "+d.OS.Family)
		}
		if part.Next == "" || len(paged) > 3 {
			break
		}
		cursor = "&cursor=" + part.Next
	}
	if !slices.Equal(paged, all) {
		t.Errorf("paged: got %v, want %v", paged, all)
	}
}

func TestOperatorsDevice(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	grant := h.grant(laptop)
	path := "/admin/devices/" + laptop.ID
	d := as[api.AdminDevice](t, h.operate("GET", path, ""), 200)
	if d.ID != laptop.ID || d.Subject != "ada" || d.Entrance != "provider" || d.IsCurrent {
		t.Errorf("got %+v", d)
	}
	d = as[api.AdminDevice](t, h.operate("PATCH", path, `{"name":"stolen?"}`), 200)
	if d.Name != "stolen?" || d.Subject != "ada" {
		t.Errorf("got %+v", d)
	}
	for _, body := range []string{`{"can_delete_other_devices":1}`, `{"can_update_other_devices":null}`, `{"state":"active"}`, `{"name":1}`,
		`{"name":"` + strings.Repeat("x", 256) + `"}`} {
		refused(t, h.operate("PATCH", path, body), 422, "validation_failed")
	}
	history := as[api.History](t, h.operate("GET", path+"/history", ""), 200)
	if len(history.Judgments) != 1 || history.Judgments[0].Decision != "allow" {
		t.Errorf("got %+v, want the enrolment", history)
	}
	for range 2 { // ending what has ended changes nothing
		if a := h.operate("DELETE", path, ""); a.status != 204 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	d = as[api.AdminDevice](t, h.operate("GET", path, ""), 200)
	if d.State != "revoked" || d.RevokedBy != "operator" || d.RevokedReason != "revoked_by_operator" {
		t.Errorf("got %+v", d)
	}
	g := as[api.Grants](t, h.operate("GET", "/admin/grants?device="+laptop.ID, ""), 200).Grants
	if len(g) != 1 || g[0].ID != grant.ID || g[0].RevokedReason != "device_revoked" {
		t.Errorf("got %+v", g)
	}
	for _, id := range []string{unknownID, "x", "%00", "..%2f" + laptop.ID} {
		for _, r := range operatorRoutes(id, id)[1:5] {
			a := h.operate(r.method, r.path, r.body)
			if a.status != 404 {
				t.Errorf("%s %s: got %d %s", r.method, r.path, a.status, a.body)
			}
		}
	}
}

func TestOperatorsSubject(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada/of?Lovelace", laptopLooks)
	h.enroll("ada/of?Lovelace", phoneLook)
	eve := h.enroll("eve", phoneLook)
	const path = "/admin/subjects/ada%2Fof%3FLovelace"
	want := []string{"ada/of?Lovelace Windows", "ada/of?Lovelace Android"}
	if got := labels(t, h.operate("GET", path+"/devices", "")); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if r := as[api.Revoked](t, h.operate("POST", path+"/revoke-all", ""), 200); r.Revoked != 2 {
		t.Errorf("got %d, want 2", r.Revoked)
	}
	refused(t, h.call(laptop, "GET", "/api/v1/devices", ""), 401, "device_revoked")
	as[[]api.Device](t, h.call(eve, "GET", "/api/v1/devices", ""), 200)
	if got := as[api.AdminDevices](t, h.operate("GET", "/admin/subjects/nobody/devices", ""), 200); len(got.Devices) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestOperatorsGrants(t *testing.T) {
	h := newHouse(t)
	laptop, eve := h.enroll("ada", laptopLooks), h.enroll("eve", phoneLook)
	first := h.grant(laptop)
	h.wind(time.Second)
	second := h.grant(laptop)
	h.wind(time.Second)
	h.grant(eve)
	ids := func(query string) (got []string) {
		for _, g := range as[api.Grants](t, h.operate("GET", "/admin/grants"+query, ""), 200).Grants {
			got = append(got, g.ID)
		}
		return got
	}
	if got, want := ids("?subject=ada&client=shop"), []string{second.ID, first.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := ids("?client=bank"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	a := h.operate("GET", "/admin/grants", "")
	if strings.Contains(strings.ToLower(string(a.body)), "secret") || strings.Contains(string(a.body), "BwcHBwcH") {
		t.Errorf("a grant's secret is shown: %s", a.body)
	}
	for range 2 {
		if a := h.operate("DELETE", "/admin/grants/"+first.ID, ""); a.status != 204 {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	g := as[api.Grants](t, h.operate("GET", "/admin/grants?subject=ada", ""), 200).Grants
	if !g[0].RevokedAt.IsZero() || g[1].RevokedReason != "revoked_by_operator" {
		t.Errorf("got %+v", g)
	}
	as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices", ""), 200) // the device stays
	for _, id := range []string{unknownID, "x", laptop.ID} {
		refused(t, h.operate("DELETE", "/admin/grants/"+id, ""), 404, "grant_not_found")
	}
	refused(t, h.operate("GET", "/admin/grants?device=x", ""), 422, "validation_failed")
}

func TestEvents(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	h.enroll("ada", phoneLook)
	as[api.Device](t, h.call(laptop, "PATCH", "/api/v1/devices/"+laptop.ID, `{"name":"x"}`), 200)
	var types []string
	cursor := ""
	for range 3 {
		part := as[api.Events](t, h.operate("GET", "/admin/events?limit=2"+cursor, ""), 200)
		for _, e := range part.Events {
			types = append(types, e.Type)
			if e.ID == "" || e.Subject != "ada" || e.DeviceID == "" || e.At.Before(monday) {
				t.Errorf("got %+v", e)
			}
		}
		cursor = "&after=" + part.Next
	}
	if want := []string{"device.enrolled", "device.enrolled", "device.renamed"}; !slices.Equal(types, want) {
		t.Errorf("got %v, want %v", types, want)
	}
	if part := as[api.Events](t, h.operate("GET", "/admin/events?limit=2"+cursor, ""), 200); "&after="+part.Next != cursor {
		t.Errorf("got %+v, want the cursor to stay", part)
	}
	for _, query := range []string{"after=%27", "after=a+b", "limit=501", "wait=61", "wait=-1", "wait=1s"} {
		refused(t, h.operate("GET", "/admin/events?"+query, ""), 422, "validation_failed")
	}
	// A cursor nobody gave is a mistake or finds nothing, but never trouble.
	for _, cursor := range []string{"zzz", unknownID, "-1", "99999999999999999999999999"} {
		if a := h.operate("GET", "/admin/events?after="+cursor, ""); a.status != 200 && a.status != 422 {
			t.Errorf("%s: got %d %s", cursor, a.status, a.body)
		}
	}
}

func TestEventsAreWaitedFor(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	cursor := as[api.Events](t, h.operate("GET", "/admin/events", ""), 200).Next
	got := make(chan answer, 1)
	go func() { got <- h.operate("GET", "/admin/events?wait=15&after="+cursor, "") }()
	select {
	case a := <-got:
		t.Fatalf("did not wait: %s", a.body)
	case <-time.After(400 * time.Millisecond):
	}
	as[api.Device](t, h.call(laptop, "PATCH", "/api/v1/devices/"+laptop.ID, `{"name":"x"}`), 200)
	part := as[api.Events](t, <-got, 200)
	if len(part.Events) != 1 || part.Events[0].Type != "device.renamed" {
		t.Errorf("got %+v", part)
	}
	began := time.Now()
	part = as[api.Events](t, h.operate("GET", "/admin/events?wait=1&after="+part.Next, ""), 200)
	if len(part.Events) != 0 || part.Next == "" || time.Since(began) < 900*time.Millisecond {
		t.Errorf("got %+v after %v, want nothing after a second", part, time.Since(began))
	}
}

// A tokenless admin API is for programs on this machine.
func TestLocalOperator(t *testing.T) {
	h := newHouse(t)
	config := h.adminConfig(nil)
	config.ProxyHeader = "X-Our-Client"
	handler := api.NewAdmin(config).Handler()
	for _, c := range []struct {
		name, peer, host string
		header           http.Header
		status           int
		code             string
	}{
		{"a program", "127.0.0.1:5000", "127.0.0.1:4478", nil, 200, ""},
		{"a program, by name", "127.0.0.1:5000", "localhost:4478", nil, 200, ""},
		{"a program, IPv6", "[::1]:5000", "[::1]:4478", nil, 200, ""},
		{"a program, mapped", "[::ffff:127.0.0.1]:5000", "127.8.9.1", nil, 200, ""},
		{"typed into a browser", "127.0.0.1:5000", "localhost", http.Header{"Sec-Fetch-Site": {"none"}}, 200, ""},
		{"another machine", "192.0.2.7:5000", "127.0.0.1:4478", nil, 403, "admin_local_only"},
		{"another machine, IPv6", "[2001:db8::1]:5000", "localhost", nil, 403, "admin_local_only"},
		{"a rebound name", "127.0.0.1:5000", "evil.example:4478", nil, 403, "admin_local_only"},
		{"a name like ours", "127.0.0.1:5000", "localhost.evil.example", nil, 403, "admin_local_only"},
		{"an address like ours", "127.0.0.1:5000", "127.0.0.1.evil.example", nil, 403, "admin_local_only"},
		{"no host", "127.0.0.1:5000", "", nil, 403, "admin_local_only"},
		{"any address", "127.0.0.1:5000", "0.0.0.0:4478", nil, 403, "admin_local_only"},
		{"no peer", "", "localhost", nil, 403, "admin_local_only"},
		{"a proxy", "127.0.0.1:5000", "localhost", http.Header{"X-Forwarded-For": {"192.0.2.7"}}, 403, "admin_local_only"},
		{"a modern proxy", "127.0.0.1:5000", "localhost", http.Header{"Forwarded": {"for=192.0.2.7"}}, 403, "admin_local_only"},
		{"a page", "127.0.0.1:5000", "localhost", http.Header{"Origin": {"https://evil.example"}}, 403, "cross_site_request"},
		{"a sandboxed page", "127.0.0.1:5000", "localhost", http.Header{"Origin": {"null"}}, 403, "cross_site_request"},
		{"a page on another port", "127.0.0.1:5000", "localhost", http.Header{"Sec-Fetch-Site": {"same-site"}}, 403, "cross_site_request"},
		{"an image on a page", "127.0.0.1:5000", "localhost", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "cross_site_request"},
		{"spoofing", "192.0.2.7:5000", "localhost", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, 403, "admin_local_only"},
		{"a proxy of the operator's", "127.0.0.1:5000", "localhost", http.Header{"X-Our-Client": {"192.0.2.7"}}, 403, "admin_local_only"},
		{"a made-up token", "192.0.2.7:5000", "localhost", http.Header{"Authorization": {"Bearer "}}, 403, "admin_local_only"},
	} {
		for _, r := range adminReads {
			got := serve(handler, r, c.peer, c.host, c.header)
			if got.status != c.status {
				t.Errorf("%s: GET %s: got %d %s", c.name, r, got.status, got.body)
			}
			if c.code != "" && got.status == c.status {
				refused(t, got, c.status, c.code)
			}
		}
		if got := serve(handler, "/health/alive", c.peer, c.host, c.header); got.status != 200 {
			t.Errorf("%s: health: got %d", c.name, got.status)
		}
	}
}

var adminReads = []string{"/admin/devices", "/admin/events", "/admin/grants", "/openapi.json", "/metrics/prometheus",
	"/admin/subjects/ada/devices"}

func serve(handler http.Handler, path, peer, host string, header http.Header) answer {
	return serveRequest(handler, "GET", path, nil, header, func(r *http.Request) { r.RemoteAddr, r.Host = peer, host })
}

func serveRequest(
	handler http.Handler, method, path string, body io.Reader, header http.Header, edit ...func(*http.Request),
) answer {
	r := httptest.NewRequest(method, path, body)
	for _, e := range edit {
		e(r)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func TestOperatorTokens(t *testing.T) {
	h := newHouse(t)
	handler := api.NewAdmin(h.adminConfig(nil, "first-token-of-two", "second-token-of-two")).Handler()
	const bearer = `Bearer realm="lanyard-admin"`
	for _, c := range []struct {
		name      string
		sent      []string
		status    int
		code      string
		challenge string
	}{
		{"first", []string{"Bearer first-token-of-two"}, 200, "", ""},
		{"second", []string{"bearer second-token-of-two"}, 200, "", ""},
		{"none", nil, 401, "token_missing", bearer},
		{"empty", []string{"Bearer "}, 401, "invalid_token", bearer + `, error="invalid_token"`},
		{"scheme only", []string{"Bearer"}, 401, "invalid_token", bearer + `, error="invalid_token"`},
		{"another scheme", []string{"Basic first-token-of-two"}, 401, "invalid_token", bearer + `, error="invalid_token"`},
		{"cut", []string{"Bearer first-token-of-tw"}, 401, "invalid_token", bearer + `, error="invalid_token"`},
		{"longer", []string{"Bearer first-token-of-two "}, 401, "invalid_token", bearer + `, error="invalid_token"`},
		{"other case", []string{"Bearer First-token-of-two"}, 401, "invalid_token", bearer + `, error="invalid_token"`},
		{"twice", []string{"Bearer first-token-of-two", "Bearer x"}, 401, "invalid_token", bearer + `, error="invalid_token"`},
	} {
		for _, path := range append(adminReads, "/nothing", "/admin/", "/admin/../admin/devices") {
			h.wind(3 * time.Second) // wrong ones are limited
			got := serve(handler, path, "192.0.2.7:5000", "lanyard.internal", http.Header{"Authorization": c.sent})
			if c.status == 200 {
				if got.status != 200 && got.status != 404 {
					t.Errorf("%s: %s: got %d %s", c.name, path, got.status, got.body)
				}
				continue
			}
			refused(t, got, c.status, c.code)
			if got.header.Get("WWW-Authenticate") != c.challenge {
				t.Errorf("%s: got %q, want %q", c.name, got.header.Get("WWW-Authenticate"), c.challenge)
			}
		}
	}
	// Too many wrong ones of one network are answered so, and hold up neither
	// the right one nor other networks.
	for n := range 30 {
		got := serve(handler, "/admin/devices", "192.0.2.8:5000", "lanyard.internal", http.Header{"Authorization": {"Bearer wrong"}})
		if n < 20 {
			refused(t, got, 401, "invalid_token")
		} else if refused(t, got, 429, "rate_limited"); got.header.Get("Retry-After") == "" {
			t.Errorf("to wait %q", got.header.Get("Retry-After"))
		}
	}
	for _, c := range []struct {
		peer, token string
		status      int
	}{{"192.0.2.8:5000", "first-token-of-two", 200}, {"192.0.2.9:5000", "first-token-of-two", 200}, {"192.0.2.9:5000", "wrong", 401}} {
		got := serve(handler, "/admin/devices", c.peer, "lanyard.internal", http.Header{"Authorization": {"Bearer " + c.token}})
		if got.status != c.status {
			t.Errorf("%+v: got %d", c, got.status)
		}
	}
	// With tokens, being local is not enough.
	refused(t, serve(handler, "/admin/devices", "127.0.0.1:5000", "localhost", nil), 401, "token_missing")
	// An empty token in the configuration opens nothing, and is not the same as none.
	handler = api.NewAdmin(h.adminConfig(nil, "")).Handler()
	for _, sent := range [][]string{nil, {"Bearer "}, {"Bearer"}, {""}} {
		got := serve(handler, "/admin/devices", "127.0.0.1:5000", "localhost", http.Header{"Authorization": sent})
		if got.status != 401 {
			t.Errorf("%q: got %d", sent, got.status)
		}
	}
}

// What other rooms add is behind the same guard and speaks the same problems.
func TestOtherRoomsRoutes(t *testing.T) {
	h := newHouse(t)
	admin := api.NewAdmin(h.adminConfig(nil, "operator"))
	type input struct {
		ID string `path:"id" maxLength:"3"`
	}
	type output struct {
		Body struct {
			ID string `json:"client_id"`
		}
	}
	huma.Register(admin.Huma(), huma.Operation{Method: "GET", Path: "/admin/clients/{id}", OperationID: "show-client",
		Errors: []int{404}},
		func(_ context.Context, in *input) (*output, error) {
			switch in.ID {
			case "bad":
				return nil, huma.Error400BadRequest("Say it better.")
			case "bug":
				return nil, fmt.Errorf("password of postgres is x")
			case "gap":
				panic("hole")
			}
			return &output{Body: struct {
				ID string `json:"client_id"`
			}{in.ID}}, nil
		})
	admin.Handle("POST /admin/oauth2/introspect", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.PostFormValue("token"))
	}))
	server := httptest.NewServer(admin.Handler())
	defer server.Close()
	operator := func(r *http.Request) { r.Header.Set("Authorization", "Bearer operator") }
	refused(t, send(t, server.URL, "GET", "/admin/clients/a", "", func(*http.Request) {}), 401, "token_missing")
	if a := send(t, server.URL, "GET", "/admin/clients/a", "", operator); strings.TrimSpace(string(a.body)) != `{"client_id":"a"}` {
		t.Errorf("got %s", a.body)
	}
	if p := refused(t, send(t, server.URL, "GET", "/admin/clients/bad", "", operator), 400, "bad_request"); p.Detail != "Say it better." {
		t.Errorf("got %+v", p)
	}
	refused(t, send(t, server.URL, "GET", "/admin/clients/long", "", operator), 422, "validation_failed")
	for _, id := range []string{"bug", "gap"} {
		p := refused(t, send(t, server.URL, "GET", "/admin/clients/"+id, "", operator), 500, "internal")
		if len(p.Errors) > 0 || strings.Contains(p.Detail, "postgres") {
			t.Errorf("leaks: %+v", p)
		}
	}
	introspect := func(r *http.Request) {
		operator(r)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a := send(t, server.URL, "POST", "/admin/oauth2/introspect", "token=abc", introspect); string(a.body) != "abc" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	doc := as[map[string]any](t, send(t, server.URL, "GET", "/openapi.json", "", operator), 200)
	text, err := json.Marshal(doc)
	if err != nil || !strings.Contains(string(text), "show-client") || strings.Contains(string(text), "ErrorModel") {
		t.Errorf("the document: %v %s", err, text)
	}
}

func TestOperatorsPathsAndMethods(t *testing.T) {
	h := newHouse(t)
	refused(t, h.operate("POST", "/admin/devices", "{}"), 405, "method_not_allowed")
	refused(t, h.operate("DELETE", "/admin/events", ""), 405, "method_not_allowed")
	for _, path := range []string{"/api/v1/devices", "/api/openapi.json", "/admin", "/admin/devices/", "//admin/devices",
		"/health/", "/health/../admin/devices", "/docs", "/openapi.yaml", "/openapi-3.0.json"} {
		refused(t, h.operate("GET", path, ""), 404, "not_found")
	}
	a := h.operate("GET", "/metrics/prometheus", "")
	if a.status != 200 || string(a.body) != "up 1\n" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
	for _, path := range []string{"/health/alive", "/health/ready"} {
		if a := h.operate("GET", path, ""); a.status != 200 || string(a.body) != "{\"status\":\"ok\"}\n" {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
	}
	health := api.Health(func(context.Context) error { return net.ErrClosed })
	if got := serve(health, "/health/ready", "192.0.2.7:1", "x", nil); got.status != 503 {
		t.Errorf("got %d", got.status)
	}
}
