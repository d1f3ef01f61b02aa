//go:build ory

package ory_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
	"github.com/lanyard-id/lanyard/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(house.Main(m)) }

// site is an operator's installation: Hydra, Kratos and lanyard beside them.
type site struct {
	*ory.Stack
	House   *house.House
	Gateway string
	// Upstream is the address by which proxies reach Hydra: Hydra's own, or that
	// of a proxy before it that reads paths as a current Hydra does.
	Upstream string
	key      string
}

// change is what a test wants otherwise.
type change struct {
	plan func(*ory.Plan)
	late func(ory.Plan) []house.Setting // settings of lanyard that need the plan
	// current puts ory.Current between the gateway and Hydra.
	current bool
}

func open(t *testing.T, c change) *site {
	t.Helper()
	binaries, err := ory.Build(t.Context(), progress{t})
	if err != nil {
		t.Fatal(err)
	}
	at := func() string { return house.Address(t) }
	gateway := at()
	database := func() string { return pgtest.On(t, pgtest.Options{TCP: true}, false) }
	plan := ory.Plan{
		Dir: t.TempDir(), HydraPublic: at(), HydraAdmin: at(), KratosPublic: at(), KratosAdmin: at(),
		HydraDatabase: database(), KratosDatabase: database(),
		Issuer: "http://" + gateway, Consent: ory.NoConsent, HookKey: "a key of these tests that has 36 characters",
	}
	upstream := plan.HydraPublic
	if c.current {
		upstream = current(t, upstream)
	}
	var more []house.Setting
	if c.late != nil {
		more = c.late(plan)
	}
	h := house.New(t, house.PostgreSQL, append([]house.Setting{
		house.Set("hooks.keys", []string{plan.HookKey}),
		house.Set("hooks.deadline", "5s"), // the machine may be busy
		house.Set("hooks.hydra.admin_url", "http://"+plan.HydraAdmin),
		house.Set("hooks.kratos.admin_url", "http://"+plan.KratosAdmin),
		house.Set("gateway.listen", gateway),
		house.Set("gateway.upstream", "http://"+upstream),
	}, more...)...)
	plan.Lanyard = h.Issuer
	if c.plan != nil {
		c.plan(&plan)
	}
	h.Start()
	s := &site{House: h, Gateway: "http://" + gateway, Upstream: upstream, key: plan.HookKey}
	if s.Stack, err = ory.Start(t.Context(), binaries, plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("Hydra:\n%s", s.Hydra.Log())
			if s.Kratos != nil {
				t.Logf("Kratos:\n%s", s.Kratos.Log())
			}
		}
	})
	return s
}

// progress tells what goes on while it goes on.
type progress struct{ t *testing.T }

func (p progress) Write(text []byte) (int, error) {
	p.t.Log(strings.TrimSpace(string(text)))
	return os.Stderr.Write(text)
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// registered returns somebody who has registered at Kratos.
func (s *site) registered(t *testing.T, looks http.Header) *ory.Person {
	t.Helper()
	p := s.NewPerson(s.Gateway, looks)
	good(t, p.Register())
	// Kratos tells of it behind its answer.
	eventually(t, "the registration is heard of", func() bool { return len(s.devices(t, p.Subject)) == 1 })
	p.Forget() // what registering signed in
	return p
}

func (s *site) client(t *testing.T, public bool) (string, string) {
	t.Helper()
	id, secret, err := s.NewClient(public)
	good(t, err)
	return id, secret
}

// chain signs somebody in to a client.
func (s *site) chain(t *testing.T, p *ory.Person, id, secret, device string) *ory.Chain {
	t.Helper()
	c, a, err := p.Authorize(id, secret, device)
	good(t, err)
	wants(t, a, http.StatusOK, "")
	return c
}

func wants(t *testing.T, a ory.Answer, status int, code string) {
	t.Helper()
	if a.Status != status || a.Text("error") != code {
		t.Fatalf("%d %s, want %d %q", a.Status, a.Body, status, code)
	}
}

func refreshes(t *testing.T, c *ory.Chain) {
	t.Helper()
	a, err := c.Refresh()
	good(t, err)
	wants(t, a, http.StatusOK, "")
}

func isRefused(t *testing.T, c *ory.Chain) {
	t.Helper()
	a, err := c.Refresh()
	good(t, err)
	wants(t, a, http.StatusBadRequest, "invalid_grant")
}

// device is a device as operators see it.
type device struct {
	ID, Subject, State, Tier, Entrance string
}

func (s *site) admin(t *testing.T, method, path string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.House.Admin+path, nil)
	good(t, err)
	r.Header.Set("Authorization", "Bearer "+s.House.Token)
	a, err := http.DefaultClient.Do(r)
	good(t, err)
	defer func() { _ = a.Body.Close() }()
	body, err := io.ReadAll(a.Body)
	good(t, err)
	if a.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, body)
	}
	if into != nil {
		good(t, json.Unmarshal(body, into))
	}
}

func (s *site) devices(t *testing.T, subject string) []device {
	t.Helper()
	var list struct{ Devices []device }
	s.admin(t, http.MethodGet, "/admin/devices?subject="+subject, &list)
	return list.Devices
}

func (s *site) theDevice(t *testing.T, subject string) device {
	t.Helper()
	list := s.devices(t, subject)
	if len(list) != 1 {
		t.Fatalf("%d devices, want one: %+v", len(list), list)
	}
	return list[0]
}

func (s *site) revoke(t *testing.T, d device) {
	t.Helper()
	s.admin(t, http.MethodDelete, "/admin/devices/"+d.ID, nil)
}

// told returns how often an event of that type was told of a subject.
func (s *site) told(t *testing.T, kind, subject string) int {
	t.Helper()
	n, after := 0, ""
	for {
		var page struct {
			Events []struct{ Type, Subject string }
			Next   string
		}
		s.admin(t, http.MethodGet, "/admin/events?after="+after, &page)
		for _, e := range page.Events {
			if e.Type == kind && e.Subject == subject {
				n++
			}
		}
		if len(page.Events) == 0 {
			return n
		}
		after = page.Next
	}
}

// eventually waits for what happens behind a request.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
