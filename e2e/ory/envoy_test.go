//go:build ory

package ory_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// Envoy's samples beside real servers, in an Envoy that is played: no binary of
// it can be had where these tests are made.
func TestEnvoyPlayed(t *testing.T) {
	s := open(t, change{late: func(ory.Plan) []house.Setting {
		return []house.Setting{
			house.Set("trusted_proxies", []string{"127.0.0.1/32"}),
			house.Set("hooks.require_gateway", "off"), // a proxy asks the check in some
		}
	}})
	for _, tt := range []struct {
		name string
		of   func(*testing.T, *site)
	}{
		{"through the gateway", envoyLeads},
		{"only asked", envoyAsks},
		{"a client with a secret", envoySecret},
		{"what the question holds", envoyQuestion},
		{"what nobody is asked about", envoyUnasked},
		{"other spellings of the path", envoySpellings},
		{"other spellings of the path before a current Hydra", envoySpellingsNow},
		{"lanyard is down", envoyAlone},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.of(t, s) })
	}
}

// leading is an Envoy that leads token requests to the gateway.
func (s *site) leading(t *testing.T) (*envoy, string) {
	t.Helper()
	return playEnvoy(t, "envoy.yaml", append(is("hydra", "4444", s.Upstream), is("lanyard", "4440", s.Gateway)...)...)
}

// asking is one that asks lanyard.
func (s *site) asking(t *testing.T, edits ...string) (*envoy, string) {
	t.Helper()
	edits = append(edits, is("hydra", "4444", s.Upstream)...)
	edits = append(edits, is("lanyard", "4477", s.House.Issuer)...)
	return playEnvoy(t, "envoy-ext-authz.yaml", append(edits, "value: a long random key", "value: "+s.key)...)
}

// is puts a server of this installation into a sample.
func is(name, port, at string) []string {
	return []string{
		"address: " + name + ", port_value: " + port, "address: 127.0.0.1, port_value: " + at[strings.LastIndex(at, ":")+1:],
	}
}

// begun is a chain of somebody new, whose token calls go there.
func (s *site) begun(t *testing.T, at string, public bool) *ory.Chain {
	t.Helper()
	ada := s.registered(t, house.Laptop())
	id, secret := s.client(t, public)
	ada.Gateway = at
	return s.chain(t, ada, id, secret, s.theDevice(t, ada.Subject).ID)
}

func envoyLeads(t *testing.T, s *site) {
	_, at := s.leading(t)
	c := s.begun(t, at, true)
	refreshes(t, c)
	spent := c.Held
	isRefused(t, c.Stolen(s.NewPerson(at, house.Phone())))
	if c.Held != spent {
		t.Error("a refusal changed the token")
	}
	isRefused(t, c)
}

func envoyAsks(t *testing.T, s *site) {
	_, at := s.asking(t)
	c := s.begun(t, at, true)
	refreshes(t, c)
	refreshes(t, c)
	a, err := c.Stolen(s.NewPerson(at, house.Phone())).Refresh()
	good(t, err)
	wants(t, a, http.StatusBadRequest, "invalid_grant")
	if a.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Errorf("the client gets %v", a.Header)
	}
	a, err = c.Refresh() // its grant has ended: Hydra's hook says no, in Hydra's words
	good(t, err)
	wants(t, a, http.StatusForbidden, "access_denied")
}

// A backend shows its secret in Authorization, which Envoy sends by itself. It
// is not compared by its looks, only by its device's standing.
func envoySecret(t *testing.T, s *site) {
	_, at := s.asking(t)
	c := s.begun(t, at, false)
	refreshes(t, c.Stolen(s.NewPerson(at, house.Phone())))
}

func envoyQuestion(t *testing.T, s *site) {
	e, at := s.asking(t)
	c := s.begun(t, at, true)
	e.questions()
	looks := house.Laptop()
	for name, value := range map[string]string{
		"X-Hook-Key": "the client's", "X-Forwarded-For": "192.0.2.66", "X-Envoy-Auth-Partial-Body": "true",
		"X-Envoy-External-Address": "192.0.2.66", "X-Something": "else",
	} {
		looks.Set(name, value)
	}
	refreshes(t, c.Stolen(s.NewPerson(at, looks)))
	asked := e.questions()
	if len(asked) != 1 {
		t.Fatalf("asked %d times", len(asked))
	}
	q := asked[0]
	if q.Method != http.MethodPost || q.URL.Path != "/hooks/gateway/check/oauth2/token" || q.ContentLength <= 0 {
		t.Errorf("asked %s %s with %d bytes", q.Method, q.URL, q.ContentLength)
	}
	for name, want := range map[string]string{
		"X-Hook-Key": s.key, "X-Forwarded-For": "192.0.2.66,127.0.0.1", "X-Envoy-Auth-Partial-Body": "false",
		"X-Envoy-External-Address": "", "X-Something": "", "User-Agent": looks.Get("User-Agent"),
		"Sec-Ch-Ua-Platform": looks.Get("Sec-Ch-Ua-Platform"),
	} {
		if got := q.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Whatever keeps the form, or a part of it, from lanyard must not let it through:
// neither as the sample is, nor where an operator has added to it.
func envoyUnasked(t *testing.T, s *site) {
	long := strings.Repeat("a", 66<<10)
	upgrade := map[string]string{"Connection": "Upgrade", "Upgrade": "websocket"}
	const upgrades = "\n                upgrade_configs: [{upgrade_type: websocket}]"
	for _, tt := range []struct {
		name    string
		edits   []string
		headers map[string]string
		padding string
		want    int
	}{
		{"too long", nil, nil, long, http.StatusRequestEntityTooLarge},
		{"too long, and a part is sent", []string{"allow_partial_message: false", "allow_partial_message: true"}, nil, long, http.StatusRequestEntityTooLarge},
		{"a short part", []string{"max_request_bytes: 65536, allow_partial_message: false", "max_request_bytes: 1024, allow_partial_message: true"},
			nil, long, http.StatusRequestEntityTooLarge},
		{"an upgrade", nil, upgrade, "", http.StatusForbidden},
		{"an upgrade where there are some", []string{"stat_prefix: auth", "stat_prefix: auth" + upgrades}, upgrade, "", http.StatusBadRequest},
		{"no body is kept", []string{"with_request_body: {max_request_bytes: 65536, allow_partial_message: false}", "stat_prefix: x"},
			nil, "", http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, at := s.asking(t, tt.edits...)
			c := s.begun(t, "http://"+s.HydraPublic, true)
			looks := house.Phone()
			for name, value := range tt.headers {
				looks.Set(name, value)
			}
			form := "padding=" + tt.padding + "&grant_type=refresh_token&client_id=" + c.ClientID + "&refresh_token=" + c.Held
			a, err := s.NewPerson(at, looks).Do(http.MethodPost, at+"/oauth2/token",
				http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form))
			good(t, err)
			if a.Status != tt.want {
				t.Errorf("%d %s, want %d", a.Status, a.Body, tt.want)
			}
			refreshes(t, c) // not to see is no finding
		})
	}
}

// Where lanyard does not answer, clients get 503 and keep their tokens. Letting
// them through (failure_mode_allow) does not help while Hydra's hook is down too.
func envoyAlone(t *testing.T, s *site) {
	_, closed := s.asking(t)
	_, open := s.asking(t, "failure_mode_allow: false", "failure_mode_allow: true")
	c := s.begun(t, closed, true)
	s.House.Stop()
	a, err := c.Refresh()
	good(t, err)
	wants(t, a, http.StatusServiceUnavailable, "")
	a, err = c.Stolen(s.NewPerson(open, house.Laptop())).Refresh()
	good(t, err)
	wants(t, a, http.StatusInternalServerError, "server_error")
	good(t, s.House.Launch())
	refreshes(t, c)
}
