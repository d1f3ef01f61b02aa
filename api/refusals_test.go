package api_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/api"
	"github.com/lanyard-id/lanyard/devices"
)

type route struct{ method, path, body string }

// routes are all of the device API, about the device of this id.
func routes(id string) []route {
	return []route{
		{"GET", "/api/v1/devices", ""},
		{"PATCH", "/api/v1/devices/" + id, `{"name":"x"}`},
		{"PATCH", "/api/v1/devices/" + id, `{"can_delete_other_devices":true}`},
		{"PATCH", "/api/v1/devices/" + id, `{"state":"active"}`},
		{"DELETE", "/api/v1/devices/" + id, ""},
		{"GET", "/api/v1/devices/" + id + "/history", ""},
		{"POST", "/api/v1/devices/logout", ""},
		{"POST", "/api/v1/devices/revoke-all", ""},
	}
}

// about are the routes that name a device.
func about(id string) (named []route) {
	for _, r := range routes(id) {
		if strings.Contains(r.path, id) {
			named = append(named, r)
		}
	}
	return named
}

func TestCallers(t *testing.T) {
	h := newHouse(t)
	ada := h.enroll("ada", laptopLooks)
	caller := func(name string, a devices.Actor, err error) device {
		h.tokens[name] = func() (devices.Actor, error) { return a, err }
		return device{token: name}
	}
	const bearer = `Bearer realm="lanyard"`
	for _, c := range []struct {
		name      string
		caller    device
		status    int
		code      string
		challenge string
	}{
		{"no token", device{}, 401, "token_missing", bearer},
		{"wrong token", device{token: "guess"}, 401, "invalid_token", bearer + `, error="invalid_token"`},
		{"lacking scope", caller("narrow", devices.Actor{}, api.ErrInsufficientScope), 403, "insufficient_scope",
			bearer + `, error="insufficient_scope", scope="devices"`},
		{"no device", caller("plain", devices.Actor{Subject: "ada"}, nil), 401, "device_uid_missing",
			bearer + `, error="invalid_token"`},
		{"a device of nobody", caller("stray", devices.Actor{Subject: "ada", DeviceID: unknownID}, nil),
			401, "device_not_recognized", bearer + `, error="invalid_token"`},
		{"another's device", caller("crossed", devices.Actor{Subject: "eve", DeviceID: ada.ID}, nil),
			401, "device_not_recognized", bearer + `, error="invalid_token"`},
		{"no subject", caller("machine", devices.Actor{DeviceID: ada.ID}, nil), 401, "invalid_token",
			bearer + `, error="invalid_token"`},
		{"too often", caller("eager", devices.Actor{}, api.ErrRateLimited), 429, "rate_limited", ""},
		{"trouble", caller("unlucky", devices.Actor{}, errors.New("connection refused to 10.0.0.1")), 503,
			"temporarily_unavailable", ""},
	} {
		for _, r := range routes(ada.ID) {
			a := h.call(c.caller, r.method, r.path, r.body)
			refused(t, a, c.status, c.code)
			if got := a.header.Get("WWW-Authenticate"); got != c.challenge {
				t.Errorf("%s: got challenge %q, want %q", c.name, got, c.challenge)
			}
			if got := a.header.Get("Retry-After"); (got != "") != (c.status == 503 || c.status == 429) {
				t.Errorf("%s: got Retry-After %q", c.name, got)
			}
			if strings.Contains(string(a.body), "10.0.0.1") {
				t.Errorf("%s: an inner error leaks: %s", c.name, a.body)
			}
		}
	}
	if !strings.Contains(h.log.String(), "10.0.0.1") {
		t.Error("trouble is not logged")
	}
}

// Whatever is tried with another subject's device is answered exactly like
// the same with an unknown one, and changes nothing.
func TestAnothersDevice(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.MinActorAge = 0 })
	ada, eve := h.enroll("ada", laptopLooks), h.enroll("eve", laptopLooks)
	weak := h.enroll("eve", phoneLook)
	grant := h.grant(ada)
	before, err := h.store.Devices(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	malformed := []string{"1", "%00", "..%2f..", "' OR ''='", strings.ToUpper(unknownID), "{" + unknownID + "}", ada.ID + "x",
		strings.Repeat("9", 5000), "\xff"}
	for _, caller := range []device{eve, weak} {
		for i, r := range about(ada.ID) {
			unknown := about(unknownID)[i]
			got, want := h.call(caller, r.method, r.path, r.body), h.call(caller, unknown.method, unknown.path, unknown.body)
			if caller.token == eve.token {
				refused(t, got, 404, "device_not_found")
			}
			if got.status != want.status || string(got.body) != string(want.body) {
				t.Errorf("%s %s: got %d %s, unknown %d %s", r.method, r.path, got.status, got.body, want.status, want.body)
			}
			got.header.Del("X-Request-Id")
			want.header.Del("X-Request-Id")
			got.header.Del("Date")
			want.header.Del("Date")
			if diff := cmp.Diff(want.header, got.header); diff != "" {
				t.Error(diff)
			}
			for _, id := range malformed {
				id = strings.NewReplacer(" ", "%20", "\xff", "%ff").Replace(id)
				path := strings.Replace(r.path, ada.ID, id, 1)
				if a := h.call(caller, r.method, path, r.body); a.status != 404 && a.status != want.status {
					t.Errorf("%s %s: got %d %s", r.method, path, a.status, a.body)
				}
			}
		}
	}
	// A cursor of hers shows nothing of hers in his history.
	his := as[api.History](t, h.call(ada, "GET", "/api/v1/devices/"+ada.ID+"/history", ""), 200)
	for _, cursor := range []string{his.Judgments[0].ID, ada.ID, unknownID} {
		part := as[api.History](t, h.call(eve, "GET", "/api/v1/devices/"+eve.ID+"/history?after="+cursor, ""), 200)
		for _, j := range part.Judgments {
			if j.ID == his.Judgments[0].ID {
				t.Error("another's judgment")
			}
		}
	}
	after, err := h.store.Devices(t.Context(), "ada")
	if diff := cmp.Diff(before, after, cmp.Comparer(func(a, b devices.Network) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("touched: %s %v", diff, err)
	}
	if held, err := h.store.Holding(t.Context(), grant.ID); err != nil || !held.Grant.RevokedAt.IsZero() {
		t.Errorf("the grant: %+v %v", held, err)
	}
}

func TestActorAge(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.enroll("ada", laptopLooks), h.enroll("ada", phoneLook)
	h.wind(10 * time.Minute) // young, and the sign-in is stale
	acts := []route{
		{"PATCH", "/api/v1/devices/" + phone.ID, `{"name":"x"}`},
		{"PATCH", "/api/v1/devices/" + laptop.ID, `{"can_update_other_devices":true}`},
		{"PATCH", "/api/v1/devices/" + phone.ID, `{"can_delete_other_devices":true}`},
		{"DELETE", "/api/v1/devices/" + phone.ID, ""},
		{"POST", "/api/v1/devices/revoke-all", ""},
	}
	for _, r := range acts {
		a := h.call(laptop, r.method, r.path, r.body)
		refused(t, a, 403, "step_up_required")
		want := `Bearer realm="lanyard", error="insufficient_user_authentication", max_age="300"`
		if got := a.header.Get("WWW-Authenticate"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	as[api.Device](t, h.call(laptop, "PATCH", "/api/v1/devices/"+laptop.ID, `{"name":"mine"}`), 200)
	as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices", ""), 200)

	laptop.actor.AuthTime = h.now() // a fresh sign-in
	for _, r := range acts[:3] {
		as[api.Device](t, h.call(laptop, r.method, r.path, r.body), 200)
	}
	laptop.actor.AuthTime = time.Time{}
	refused(t, h.call(laptop, "DELETE", "/api/v1/devices/"+phone.ID, ""), 403, "step_up_required")
	h.wind(24 * time.Hour) // old enough
	if a := h.call(laptop, "DELETE", "/api/v1/devices/"+phone.ID, ""); a.status != 204 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestDelays(t *testing.T) {
	h := newHouse(t, func(r *devices.Rules) { r.UpdateDelay, r.DeleteDelay = time.Hour, 2*time.Hour })
	laptop := h.enroll("ada", laptopLooks)
	h.wind(48 * time.Hour)
	phone := h.enroll("ada", phoneLook)
	rename := route{"PATCH", "/api/v1/devices/" + phone.ID, `{"name":"x"}`}
	refused(t, h.call(laptop, rename.method, rename.path, rename.body), 409, "device_editing_disabled")
	refused(t, h.call(laptop, "DELETE", "/api/v1/devices/"+phone.ID, ""), 409, "device_deletion_disabled")
	as[api.Device](t, h.call(phone, rename.method, rename.path, rename.body), 200) // itself, always
	h.wind(time.Hour)
	as[api.Device](t, h.call(laptop, rename.method, rename.path, rename.body), 200)
	refused(t, h.call(laptop, "DELETE", "/api/v1/devices/"+phone.ID, ""), 409, "device_deletion_disabled")
	all := as[api.RevokedOthers](t, h.call(laptop, "POST", "/api/v1/devices/revoke-all", ""), 200)
	if want := []api.Kept{{DeviceID: phone.ID, Until: phone.CreatedAt.Add(2 * time.Hour).UTC()}}; all.Revoked != 0 || !slices.Equal(all.Kept, want) {
		t.Errorf("all others: %+v, want %+v kept", all, want)
	}
	h.wind(time.Hour)
	if a := h.call(laptop, "DELETE", "/api/v1/devices/"+phone.ID, ""); a.status != 204 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestLackingPermissions(t *testing.T) {
	h := newHouse(t, firstOnly, func(r *devices.Rules) { r.MinActorAge = 0 })
	laptop, phone := h.enroll("ada", laptopLooks), h.enroll("ada", phoneLook)
	for _, id := range []string{laptop.ID, unknownID} {
		refused(t, h.call(phone, "PATCH", "/api/v1/devices/"+id, `{"name":"x"}`), 403, "device_lacks_edit_permission")
		refused(t, h.call(phone, "DELETE", "/api/v1/devices/"+id, ""), 403, "device_lacks_delete_permission")
	}
	refused(t, h.call(phone, "POST", "/api/v1/devices/revoke-all", ""), 403, "device_lacks_delete_permission")
}

func TestBodies(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	patch := func(body, media string) answer {
		return send(t, h.public.URL, "PATCH", "/api/v1/devices/"+laptop.ID, body, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+laptop.token)
			r.Header.Del("Content-Type")
			if media != "" {
				r.Header.Set("Content-Type", media)
			}
		})
	}
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json",
		"multipart/form-data; boundary=x", "application/xml", ";"} {
		refused(t, patch(`{"name":"x"}`, media), 415, "unsupported_media_type")
	}
	for _, media := range []string{"application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"} {
		as[api.Device](t, patch(`{"name":"x"}`, media), 200)
	}
	const limit = 64 << 10
	fits := `{"name":"x"}` + strings.Repeat(" ", limit-len(`{"name":"x"}`))
	as[api.Device](t, patch(fits, "application/json"), 200)
	refused(t, patch(fits+" ", "application/json"), 413, "body_too_large")
	refused(t, patch(`{"name":"`+strings.Repeat("x", 10*limit)+`"}`, "application/json"), 413, "body_too_large")
}

func TestPathsAndMethods(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	for r, allow := range map[route]string{
		{"POST", "/api/v1/devices", ""}:                             "GET, HEAD",
		{"PUT", "/api/v1/devices/" + laptop.ID, "{}"}:               "DELETE, PATCH",
		{"GET", "/api/v1/devices/" + laptop.ID, ""}:                 "DELETE, PATCH",
		{"GET", "/api/v1/devices/revoke-all", ""}:                   "DELETE, PATCH, POST",
		{"OPTIONS", "/api/v1/devices", ""}:                          "GET, HEAD",
		{"DELETE", "/api/v1/devices/" + laptop.ID + "/history", ""}: "GET, HEAD",
	} {
		a := h.call(laptop, r.method, r.path, r.body)
		refused(t, a, 405, "method_not_allowed")
		if got := a.header.Get("Allow"); got != allow {
			t.Errorf("%s %s: got Allow %q, want %q", r.method, r.path, got, allow)
		}
	}
	for _, path := range []string{"/", "/api", "/api/v1", "/api/v2/devices", "/api/v1/devices/", "/api/v1//devices",
		"//api/v1/devices", "/api/v1/x/../devices", "/api/v1/devices;x", "/api/v1/devices%00", "/API/v1/devices",
		"/admin/devices", "/admin/events", "/api/../admin/devices", "/api/%2e%2e/admin/devices", "/openapi.json",
		"/metrics/prometheus", "/schemas/Device.json", "/docs", "/api/v1/devices/x/y/z"} {
		refused(t, h.call(laptop, "GET", path, ""), 404, "not_found")
	}
}

func TestHeaders(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	for _, path := range []string{"/api/v1/devices", "/api/openapi.json", "/nothing"} {
		a := h.call(laptop, "GET", path, "")
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" ||
			len(a.header.Get("X-Request-Id")) < 20 {
			t.Errorf("%s: got %v", path, a.header)
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: opened to %s", path, got)
		}
	}
	for id, echoed := range map[string]bool{
		"7f3c-22": true, "a.b_c": true, "a b": false, "ä": false, `"};`: false, strings.Repeat("x", 65): false,
	} {
		a := send(t, h.public.URL, "GET", "/api/v1/devices", "", func(r *http.Request) { r.Header.Set("X-Request-Id", id) })
		if got := a.header.Get("X-Request-Id"); (got == id) != echoed || got == "" {
			t.Errorf("%q: got %q", id, got)
		}
	}
}

// A session cookie is sent by the browser whoever asks; a bearer token is not.
func TestCrossSite(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}},
	} {
		for _, r := range routes(laptop.ID) {
			if r.method == "GET" {
				continue
			}
			a := send(t, h.public.URL, r.method, r.path, r.body, func(req *http.Request) {
				for k, v := range header {
					req.Header[k] = v
				}
			})
			refused(t, a, 403, "cross_site_request")
		}
	}
}

// Store trouble is never the caller's fault, or the caller would throw away
// their session.
func TestStoreTrouble(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	check := func(a answer) {
		t.Helper()
		refused(t, a, 503, "temporarily_unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if strings.Contains(string(a.body), "sql") {
			t.Errorf("an inner error leaks: %s", a.body)
		}
	}
	for _, r := range routes(laptop.ID) {
		check(h.call(laptop, r.method, r.path, r.body))
	}
	for _, r := range operatorRoutes(laptop.ID, unknownID) {
		check(h.operate(r.method, r.path, r.body))
	}
	if a := h.operate("GET", "/health/ready", ""); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("ready: got %d", a.status)
	}
	if a := h.operate("GET", "/health/alive", ""); a.status != 200 {
		t.Errorf("alive: got %d", a.status)
	}
}
