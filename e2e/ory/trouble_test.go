//go:build ory

package ory_test

import (
	"bytes"
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// Lanyard's own bridge stands between Hydra and Kratos, and the hook is in
// trouble now and then.
func TestBridgeAndTrouble(t *testing.T) {
	s := open(t, change{
		plan: func(p *ory.Plan) {
			p.Login, p.Consent = p.Lanyard+"/bridge/login", p.Lanyard+"/bridge/consent"
		},
		late: func(p ory.Plan) []house.Setting {
			return []house.Setting{
				house.Set("identity.kind", "kratos"),
				house.Set("identity.public_url", "http://"+p.KratosPublic),
				house.Set("identity.admin_url", "http://"+p.KratosAdmin),
				house.Set("identity.ui_url", "http://"+p.KratosPublic+"/ui"),
				house.Set("hooks.deadline", "1s"),
				house.Set("hooks.require_gateway", "off"), // a proxy asks the check
			}
		},
	})
	for _, story := range []struct {
		name string
		tell func(*testing.T, *site)
	}{
		{"the bridge gives the browser its cookie", bridged},
		{"the bridge turns down who is not the operator's own", thirdParty},
		{"a consent that another browser is led to", strangersConsent},
		{"without the gateway an ended device is refused all the same", hookOnly},
		{"a proxy that only asks", asked},
		{"the hook is down", hookDown},
		{"the hook's store is stuck", storeStuck},
		{"the bridge's store is stuck", bridgeStuck},
		{"the hook's key is wrong", wrongKey},
		{"garbage at the hook", garbage},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, s) })
	}
}

func bridged(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	for _, d := range s.devices(t, ada.Subject) {
		s.revoke(t, d) // the one that registering met by its looks
	}
	id, _ := s.client(t, true)
	first := s.chain(t, ada, id, "", "")
	var live []device
	for _, d := range s.devices(t, ada.Subject) {
		if d.State != "revoked" {
			live = append(live, d)
		}
	}
	if len(live) != 1 || live[0].Tier != "T2" || ada.Cookie(s.House.Issuer, "lanyard_device") == "" {
		t.Fatalf("devices: %+v", live)
	}
	said, err := s.Introspect(first.Access)
	good(t, err)
	if ext, _ := said["ext"].(map[string]any); ext["device_id"] != live[0].ID {
		t.Errorf("the access token says %v", said)
	}
	second := s.chain(t, ada, id, "", "")
	if n := len(s.devices(t, ada.Subject)); n != 2 {
		t.Errorf("%d devices after coming back", n)
	}
	s.revoke(t, live[0])
	isRefused(t, first)
	isRefused(t, second)
}

func thirdParty(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	_, err := s.Admin(http.MethodPatch, "/admin/clients/"+id, []map[string]any{
		{"op": "replace", "path": "/metadata", "value": map[string]any{}},
	})
	good(t, err)
	if _, _, err := ada.Authorize(id, "", ""); err == nil || !strings.Contains(err.Error(), "error=consent_required") {
		t.Errorf("it got: %v", err)
	}
}

// A thief has somebody else's browser go through the consent of the thief's own
// sign-in. Hydra asks for the browser that began it: neither gets a code.
func strangersConsent(t *testing.T, s *site) {
	ada, thief := s.registered(t, house.Laptop()), s.registered(t, house.Thief())
	id, _ := s.client(t, true)
	at, err := thief.ConsentOf(id)
	good(t, err)
	if !strings.HasPrefix(at, s.House.Issuer+"/bridge/consent?consent_challenge=") {
		t.Fatalf("the thief stands at %s", at)
	}
	next := at
	for hop := 0; err == nil && hop < 5 && !strings.HasPrefix(next, ory.Redirect); hop++ {
		next, err = ada.Visit(next)
	}
	if strings.Contains(next, "code=") {
		t.Errorf("another browser was given a code: %s", next)
	}
	// What the visit put into the jar is no device of Ada's.
	if n := len(s.devices(t, ada.Subject)); n != 1 {
		t.Errorf("Ada has %d devices", n)
	}
	c := s.chain(t, ada, id, "", "")
	refreshes(t, c)
}

// direct is the chain with a client that knows its way around the gateway.
func (s *site) direct(t *testing.T, p *ory.Person) *ory.Chain {
	t.Helper()
	id, _ := s.client(t, true)
	c := s.chain(t, p, id, "", "")
	return c.Stolen(s.NewPerson("http://"+s.HydraPublic, p.Looks))
}

func hookOnly(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	c := s.direct(t, ada)
	refreshes(t, c)
	for _, d := range s.devices(t, ada.Subject) {
		s.revoke(t, d)
	}
	a, err := c.Refresh()
	good(t, err)
	if a.Status != http.StatusForbidden && a.Text("error") != "invalid_grant" {
		t.Errorf("an ended device refreshes: %d %s", a.Status, a.Body)
	}
}

// keepsItsToken makes a call that Hydra answers with a server error, and sees
// that the same token is good afterwards.
func keepsItsToken(t *testing.T, c *ory.Chain, mended func()) {
	t.Helper()
	a, err := c.Refresh()
	good(t, err)
	wants(t, a, http.StatusInternalServerError, "server_error")
	mended()
	refreshes(t, c)
}

func hookDown(t *testing.T, s *site) {
	c := s.direct(t, s.registered(t, house.Laptop()))
	s.House.Stop()
	keepsItsToken(t, c, func() { good(t, s.House.Launch()) })
}

func storeStuck(t *testing.T, s *site) {
	c := s.direct(t, s.registered(t, house.Laptop()))
	db, err := sql.Open("pgx", s.House.Database)
	good(t, err)
	defer func() { good(t, db.Close()) }()
	tx, err := db.BeginTx(t.Context(), nil)
	good(t, err)
	_, err = tx.ExecContext(t.Context(), "LOCK TABLE grants IN ACCESS EXCLUSIVE MODE")
	good(t, err)
	began := time.Now()
	through := c.Stolen(s.NewPerson(s.Gateway, house.Laptop()))
	a, err := through.Refresh()
	good(t, err)
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || time.Since(began) > 5*time.Second {
		t.Errorf("the gateway says %d %s after %s", a.Status, a.Body, time.Since(began))
	}
	keepsItsToken(t, c, func() { good(t, tx.Rollback()) })
}

// The bridge answers that it has to wait for its store, and gives the consent
// afterwards.
func bridgeStuck(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	at, err := ada.ConsentOf(id)
	good(t, err)
	db, err := sql.Open("pgx", s.House.Database)
	good(t, err)
	defer func() { good(t, db.Close()) }()
	tx, err := db.BeginTx(t.Context(), nil)
	good(t, err)
	_, err = tx.ExecContext(t.Context(), "LOCK TABLE devices IN ACCESS EXCLUSIVE MODE")
	good(t, err)
	a, err := ada.Do(http.MethodGet, at, nil, nil)
	good(t, err)
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("the bridge says %d %s", a.Status, a.Body)
	}
	good(t, tx.Rollback())
	next := at
	for hop := 0; err == nil && hop < 5 && !strings.HasPrefix(next, ory.Redirect); hop++ {
		next, err = ada.Visit(next)
	}
	if err != nil || !strings.Contains(next, "code=") {
		t.Errorf("afterwards it leads to %s, %v", next, err)
	}
}

func wrongKey(t *testing.T, s *site) {
	c := s.direct(t, s.registered(t, house.Laptop()))
	s.House.Stop()
	s.House.Change(house.Set("hooks.keys", []string{"another key, also of 32 characters"}))
	good(t, s.House.Launch())
	keepsItsToken(t, c, func() {
		s.House.Stop()
		s.House.Change(house.Set("hooks.keys", []string{"another key, also of 32 characters", s.key}))
		good(t, s.House.Launch())
	})
}

func garbage(t *testing.T, s *site) {
	post := func(path, key, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.House.Issuer+path, bytes.NewReader([]byte(body)))
		good(t, err)
		if key != "" {
			r.Header.Set("X-Hook-Key", key)
		}
		a, err := http.DefaultClient.Do(r)
		good(t, err)
		_ = a.Body.Close()
		return a.StatusCode
	}
	for _, path := range []string{"/hooks/hydra/token", "/hooks/kratos/login", "/hooks/kratos/settings", "/hooks/nothing"} {
		for _, key := range []string{"", "wrong", s.key + " "} {
			if got := post(path, key, "{}"); got != http.StatusUnauthorized && strings.TrimSpace(key) != s.key {
				t.Errorf("%s with key %q: %d", path, key, got)
			}
		}
	}
	for _, body := range []string{
		"", "nonsense", "[]", "{", "null", `{"session":null}`, `{"session":{},"request":{"grant_types":["refresh_token"]}}`,
		`{"session":{"consent_challenge":"x","id_token":{"subject":"nobody"}},"request":{"grant_types":"refresh_token"}}`,
		`{"session":{"consent_challenge":"\u0000","id_token":{"subject":"no\u0000body"}},"request":{"grant_types":["refresh_token"]}}`,
		strings.Repeat("a", 2<<20), strings.Repeat("[", 100_000),
	} {
		for _, path := range []string{"/hooks/hydra/token", "/hooks/kratos/login", "/hooks/kratos/settings"} {
			if got := post(path, s.key, body); got >= 500 || got == http.StatusForbidden {
				t.Errorf("%s: %.60q: %d", path, body, got)
			}
		}
	}
	// The same question twice has the same answer, and one grant.
	known := `{"session":{"consent_challenge":"told-twice","id_token":{"subject":"nobody"}},"request":{"client_id":"c","grant_types":["authorization_code"]}}`
	for range 3 {
		if got := post("/hooks/hydra/token", s.key, known); got != http.StatusNoContent {
			t.Errorf("told again: %d", got)
		}
	}
	eventually(t, "one grant is told", func() bool { return s.told(t, "grant.created", "nobody") == 1 })
}

// A proxy that only asks: it shows the request to lanyard and goes by the
// status.
func asked(t *testing.T, s *site) {
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", "")
	ask := func(looks http.Header, key, token string) int {
		header := http.Header{"X-Hook-Key": {key}, "Content-Type": {"application/x-www-form-urlencoded"}}
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {token}}
		a, err := s.NewPerson("", looks).Do(http.MethodPost, s.House.Issuer+"/hooks/gateway/check/oauth2/token", header, []byte(form.Encode()))
		good(t, err)
		return a.Status
	}
	for _, tt := range []struct {
		name  string
		looks http.Header
		key   string
		token string
		want  int
	}{
		{"the owner", house.Laptop(), s.key, c.Held, http.StatusOK},
		{"no key", house.Laptop(), "", c.Held, http.StatusUnauthorized},
		{"no token of Hydra's", house.Thief(), s.key, "ory_rt_nonsense", http.StatusOK},
		{"a thief", house.Thief(), s.key, c.Held, http.StatusBadRequest},
	} {
		if got := ask(tt.looks, tt.key, tt.token); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	isRefused(t, c)
}
