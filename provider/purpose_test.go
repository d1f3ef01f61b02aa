package provider_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// TestFlowsHaveOnePurpose offers the sealed requests of a sign-in and of a
// sign-out to each other's endpoints. Each is taken at its own only.
func TestFlowsHaveOnePurpose(t *testing.T) {
	h, laptop, _ := logoutHouse(t)
	stranger := h.browser(devicestest.LaptopHeaders())
	sealed := func(a answer, field string) string {
		t.Helper()
		to, err := url.Parse(a.Header.Get("Location"))
		if err != nil || to.Query().Get(field) == "" {
			t.Fatalf("%d %q has no %s", a.Status, a.Header.Get("Location"), field)
		}
		return to.Query().Get(field)
	}
	flows := map[string]string{
		"authorize": sealed(stranger.do("GET", "/oauth2/auth?"+ask("client_id", "app").Encode(), nil), "flow"),
		"logout":    sealed(laptop.do("POST", logoutPath, url.Values{"state": {"x"}}), "flow"),
		"leave":     laptop.filled(logoutPath, "deny").Get("shown"),
	}
	for endpoint, send := range map[string]func(string) answer{
		"authorize": func(f string) answer { return stranger.do("GET", "/login?"+url.Values{"flow": {f}}.Encode(), nil) },
		"logout":    func(f string) answer { return laptop.do("GET", logoutPath+"?"+url.Values{"flow": {f}}.Encode(), nil) },
		"leave": func(f string) answer {
			return laptop.do("POST", logoutPath+"/confirm", url.Values{"shown": {f}, "decision": {"deny"}})
		},
		"consent": func(f string) answer {
			return laptop.do("POST", "/consent", url.Values{"shown": {f}, "decision": {"allow"}})
		},
	} {
		for purpose, flow := range flows {
			want := http.StatusBadRequest
			if purpose == endpoint {
				want = http.StatusOK
			}
			if flow == "" {
				t.Fatalf("no %s flow", purpose)
			}
			if a := send(flow); a.Status != want {
				t.Errorf("a flow to %s at %s: %d, want %d", purpose, endpoint, a.Status, want)
			}
		}
	}
	if who := laptop.whoami(t); who != "ada" {
		t.Errorf("it is %q", who)
	}
}
