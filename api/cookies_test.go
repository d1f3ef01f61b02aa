package api_test

import (
	"net/http"
	"testing"

	"github.com/lanyard-id/lanyard/api"
)

// withSession asks as a browser does that holds a session of the pages.
func (h *house) withSession(d device, r route, header map[string]string) answer {
	h.t.Helper()
	return send(h.t, h.public.URL, r.method, r.path, r.body, func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "session", Value: d.token})
		if r.Method == http.MethodPost {
			r.Header.Set("Content-Type", "application/json")
		}
		for name, value := range header {
			if value == "" {
				r.Header.Del(name)
			} else {
				r.Header.Set(name, value)
			}
		}
	})
}

// A session speaks for its device like a token does.
func TestASessionOfThePages(t *testing.T) {
	h := newHouse(t)
	laptop, phone := h.enroll("ada", laptopLooks), h.enroll("ada", phoneLook)
	for _, from := range []map[string]string{{"Sec-Fetch-Site": "same-origin"}, {"Origin": h.public.URL}} {
		list := as[[]api.Device](t, h.withSession(laptop, route{"GET", "/api/v1/devices", ""}, from), 200)
		if len(list) != 2 || !list[0].IsCurrent || list[1].IsCurrent {
			t.Errorf("the list: %+v", list)
		}
		named := as[api.Device](t, h.withSession(laptop, route{"PATCH", "/api/v1/devices/" + laptop.ID, `{"name":"mine"}`}, from), 200)
		if named.Name != "mine" {
			t.Errorf("named %q", named.Name)
		}
	}
	same := map[string]string{"Sec-Fetch-Site": "same-origin"}
	if n := as[api.RevokedOthers](t, h.withSession(laptop, route{"POST", "/api/v1/devices/revoke-all", ""}, same), 200); n.Revoked != 1 {
		t.Errorf("ended %d", n.Revoked)
	}
	refused(t, h.withSession(phone, route{"GET", "/api/v1/devices", ""}, same), 401, "device_revoked")
	if a := h.withSession(laptop, route{"POST", "/api/v1/devices/logout", ""}, same); a.status != 204 {
		t.Errorf("logout: %d %s", a.status, a.body)
	}
	refused(t, h.withSession(device{token: "planted"}, route{"GET", "/api/v1/devices", ""}, same), 401, "invalid_token")
}

// A browser sends a session's cookie along with whatever a page of another
// site makes it send. None of that does anything, or shows anything.
func TestOtherSitesCannotUseASession(t *testing.T) {
	h := newHouse(t)
	laptop := h.enroll("ada", laptopLooks)
	for _, r := range routes(laptop.ID) {
		for name, from := range map[string]map[string]string{
			"another site":            {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
			"a neighbour":             {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
			"a sandboxed page":        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
			"an old browser, foreign": {"Origin": "https://evil.example"},
			"an old browser, nowhere": {"Origin": "null"},
			"nobody says from where":  {},
		} {
			_, said := from["Sec-Fetch-Site"]
			if r.method == "GET" && !said {
				continue // what is read, no page of another origin gets to see
			}
			a := h.withSession(laptop, r, from)
			if a.status != 403 {
				t.Errorf("%s: %s %s: %d %s", name, r.method, r.path, a.status, a.body)
				continue
			}
			refused(t, a, 403, "cross_site_request")
		}
	}
	// A form cannot send JSON, whatever it says of where it comes from.
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
		from := map[string]string{"Sec-Fetch-Site": "same-origin", "Content-Type": media}
		for _, r := range []route{{"POST", "/api/v1/devices/logout", ""}, {"POST", "/api/v1/devices/revoke-all", ""}} {
			refused(t, h.withSession(laptop, r, from), 415, "unsupported_media_type")
		}
	}
	list := as[[]api.Device](t, h.call(laptop, "GET", "/api/v1/devices", ""), 200)
	if len(list) != 1 || list[0].State != "active" || list[0].Name != "" {
		t.Errorf("something was done: %+v", list)
	}
	// A token is nobody's but the caller's: where it comes from does not matter.
	a := send(t, h.public.URL, "POST", "/api/v1/devices/logout", "", func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+laptop.token)
		r.Header.Set("Origin", "https://app.example")
		r.AddCookie(&http.Cookie{Name: "session", Value: laptop.token})
	})
	if a.status != 204 {
		t.Errorf("with a token: %d %s", a.status, a.body)
	}
}
