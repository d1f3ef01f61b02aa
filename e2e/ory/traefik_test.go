//go:build ory && traefik

package ory_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// The configurations of docs/ory.md in a real Traefik. Building it takes ten
// minutes, so this stands behind a build tag of its own:
// go test -tags ory,traefik -run Traefik ./e2e/ory.
func TestTraefik(t *testing.T) {
	binary, err := ory.BuildTraefik(t.Context(), progress{t})
	good(t, err)
	s := open(t, change{current: true, late: func(ory.Plan) []house.Setting {
		return []house.Setting{
			house.Set("trusted_proxies", []string{"127.0.0.1/32"}),
			house.Set("hooks.require_gateway", "off"), // a proxy asks the check in some
		}
	}})
	text, err := os.ReadFile("../../docs/ory.md")
	good(t, err)
	names := strings.NewReplacer(
		"http://lanyard:4440", s.Gateway, "http://lanyard:4477", s.House.Issuer, "http://hydra:4444", "http://"+s.Upstream,
		"auth.example.com", "127.0.0.1", "a long random key", s.key,
	)
	samples := regexp.MustCompile("(?s)```yaml\n(# Traefik.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(samples) != 2 {
		t.Fatalf("docs/ory.md has %d samples for Traefik, want 2", len(samples))
	}
	for i, name := range []string{"the token endpoint alone", "only asked"} {
		t.Run(name, func(t *testing.T) { s.throughTraefik(t, binary, names.Replace(samples[i][1])) })
	}
}

func (s *site) throughTraefik(t *testing.T, binary, dynamic string) {
	dir, at := t.TempDir(), "127.0.0.1:"
	_, port, _ := strings.Cut(house.Address(t), ":")
	at += port
	file := filepath.Join(dir, "dynamic.yml")
	good(t, os.WriteFile(file, []byte(dynamic), 0o600))
	server := ory.NewServer(dir, "http://"+at+"/.well-known/openid-configuration", binary, "--entryPoints.web.address="+at,
		"--providers.file.filename="+file, "--global.checkNewVersion=false", "--global.sendAnonymousUsage=false")
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if good(t, server.Stop()); t.Failed() {
			t.Log(server.Log())
		}
	})
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	ada.Gateway = "http://" + at
	c := s.chain(t, ada, id, "", s.theDevice(t, ada.Subject).ID)
	refreshes(t, c)
	isRefused(t, c.Stolen(s.NewPerson(ada.Gateway, house.Phone())))
	for _, spelt := range spellings {
		c := s.chain(t, ada, id, "", s.theDevice(t, ada.Subject).ID)
		refreshes(t, c)
		form := "grant_type=refresh_token&client_id=" + c.ClientID + "&refresh_token=" + c.Held
		a, err := s.NewPerson(ada.Gateway, house.Phone()).Do(http.MethodPost, ada.Gateway+spelt,
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form))
		if good(t, err); a.Status == http.StatusOK {
			t.Errorf("a thief refreshes at %s", spelt)
		}
	}
	other := s.chain(t, ada, id, "", s.theDevice(t, ada.Subject).ID)
	refreshes(t, other)
	s.revoke(t, s.theDevice(t, ada.Subject))
	// Who only asks has Hydra's hook say no, in Hydra's words.
	a, err := other.Refresh()
	good(t, err)
	if a.Status != http.StatusBadRequest && a.Status != http.StatusForbidden {
		t.Errorf("an ended device refreshes: %d %s", a.Status, a.Body)
	}
}
