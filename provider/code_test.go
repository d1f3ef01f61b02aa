package provider_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestCodeRefusals redeems codes in wrong ways. None may use the code up (F8):
// the right way works afterwards.
func TestCodeRefusals(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "other"})
	h.client(oauth.Client{ID: "machine", GrantTypes: []string{"client_credentials"}, AuthMethod: "client_secret_post", Secret: backendSecret})
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, row := range []struct {
		name  string
		pairs []string // what differs from the right way
		code  string
	}{
		{"no verifier", []string{"code_verifier", ""}, "invalid_grant"},
		{"a wrong verifier", []string{"code_verifier", strings.Repeat("wrong-", 8)}, "invalid_grant"},
		{"the challenge as the verifier", []string{"code_verifier", challenge(verifier)}, "invalid_grant"},
		{"a verifier in other letters", []string{"code_verifier", strings.ToUpper(verifier)}, "invalid_grant"},
		{"a verifier that goes on", []string{"code_verifier", verifier + "5"}, "invalid_grant"},
		{"a verifier of 42 characters", []string{"code_verifier", verifier[:42]}, "invalid_grant"},
		{"a verifier of 129 characters", []string{"code_verifier", strings.Repeat("v", 129)}, "invalid_grant"},
		{"a verifier with a space", []string{"code_verifier", verifier + " "}, "invalid_grant"},
		{"a verifier with a letter of another script", []string{"code_verifier", verifier + "ä"}, "invalid_grant"},
		{"no redirect URI", []string{"redirect_uri", ""}, "invalid_grant"},
		{"another redirect URI", []string{"redirect_uri", "https://evil.example.com/callback"}, "invalid_grant"},
		{"the redirect URI with a slash more", []string{"redirect_uri", callback + "/"}, "invalid_grant"},
		{"the redirect URI with a query", []string{"redirect_uri", callback + "?a=b"}, "invalid_grant"},
		{"the redirect URI in other letters", []string{"redirect_uri", strings.ToUpper(callback)}, "invalid_grant"},
		{"another client", []string{"client_id", "other"}, "invalid_grant"},
		{"no client", []string{"client_id", ""}, "invalid_request"},
		{"a client without the grant type", []string{"client_id", "machine", "client_secret", backendSecret}, "unauthorized_client"},
		{"no code", []string{"code", ""}, "invalid_request"},
		{"a junk code", []string{"code", "junk"}, "invalid_grant"},
	} {
		t.Run(row.name, func(t *testing.T) {
			code := laptop.code(ada, ask())
			h.unchanged(t, func() { laptop.token(redeem(code, row.pairs...)).refused(t, 400, row.code) })
			laptop.token(redeem(code)).want(t, 200, "")
		})
	}
	t.Run("a code that is nearly one", func(t *testing.T) {
		code := laptop.code(ada, ask())
		h.unchanged(t, func() {
			for n := 6; n < len(code); n++ {
				laptop.token(redeem(code[:n])).refused(t, 400, "invalid_grant")
				laptop.token(redeem(flip(code, n*6+n%6))).refused(t, 400, "invalid_grant")
			}
			laptop.token(redeem(code+"A")).refused(t, 400, "invalid_grant")
			laptop.token(redeem(code+"=")).refused(t, 400, "invalid_grant")
			laptop.token(redeem(" "+code)).refused(t, 400, "invalid_grant")
		})
		laptop.token(redeem(code)).want(t, 200, "")
	})
	t.Run("wrong verifier, no verifier, right verifier", func(t *testing.T) {
		code := laptop.code(ada, ask())
		laptop.token(redeem(code, "code_verifier", strings.Repeat("wrong-", 8))).refused(t, 400, "invalid_grant")
		laptop.token(redeem(code, "code_verifier", "")).refused(t, 400, "invalid_grant")
		laptop.token(redeem(code)).want(t, 200, "")
	})
}

// TestCodeLife shows that a code lives a minute, and that whom it speaks for
// must be good when it is redeemed.
func TestCodeLife(t *testing.T) { onBoth(t, codeLifeStory) }

func codeLifeStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	h.client(oauth.Client{ID: "gone"})

	code := laptop.code(ada, ask())
	h.clock.Advance(59 * time.Second)
	laptop.token(redeem(code)).want(t, 200, "")

	code = laptop.code(ada, ask())
	h.clock.Advance(time.Minute)
	h.unchanged(t, func() { laptop.token(redeem(code)).refused(t, 400, "invalid_grant") })

	refusesAfter := func(name string, happens func()) {
		t.Run(name, func(t *testing.T) {
			code := laptop.code(ada, ask())
			happens()
			h.unchanged(t, func() { laptop.token(redeem(code)).refused(t, 400, "invalid_grant") })
		})
	}
	refusesAfter("the subject signed out", func() {
		laptop.signOut().want(t, 200, "")
	})
	refusesAfter("the device was ended", func() {
		d := h.devices("ada")[0]
		if err := h.gate.Registry.RevokeByOperator(t.Context(), "ada", d.ID); err != nil {
			t.Fatal(err)
		}
	})
	refusesAfter("the subject was disabled", func() { h.disable("ada", true) })
	h.disable("ada", false)

	t.Run("the client was deleted", func(t *testing.T) {
		code := laptop.code(ada, ask("client_id", "gone"))
		if err := h.store.DeleteClient(t.Context(), "gone", h.clock.Now()); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(10 * time.Second) // clients are remembered for less
		h.unchanged(t, func() { laptop.token(redeem(code, "client_id", "gone")).refused(t, 401, "invalid_client") })
	})
}

// TestCodeReplay shows that a code which comes again ends what it issued, if
// who brings it could have redeemed it (OAuth 2.1 §4.1.3): who merely saw it
// has no kill switch.
func TestCodeReplay(t *testing.T) { onBoth(t, codeReplayStory) }

func codeReplayStory(t *testing.T, h *house) {
	h.client(oauth.Client{ID: "other"})
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, row := range []struct {
		name  string
		pairs []string
		after time.Duration
		kills bool
	}{
		{"as it was redeemed", nil, 0, true},
		{"half a minute later", nil, 30 * time.Second, true},
		{"ten minutes later", nil, 10 * time.Minute, true},
		{"by another client", []string{"client_id", "other"}, 0, false},
		{"without the verifier", []string{"code_verifier", ""}, 0, false},
		{"with a wrong verifier", []string{"code_verifier", strings.Repeat("wrong-", 8)}, 0, false},
		{"without the redirect URI", []string{"redirect_uri", ""}, 0, false},
		{"for another redirect URI", []string{"redirect_uri", callback + "/"}, 0, false},
		{"by another client with all else right, later", []string{"client_id", "other"}, time.Hour, false},
		{"by nobody", []string{"client_id", ""}, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			code := laptop.code(ada, ask())
			first := laptop.token(redeem(code))
			h.clock.Advance(row.after)
			if !row.kills {
				h.unchanged(t, func() {
					if a := laptop.token(redeem(code, row.pairs...)); a.Status != 400 {
						t.Errorf("got %d %s", a.Status, a.Raw)
					}
				})
				laptop.token(refreshForm(first.str("refresh_token"))).want(t, 200, "")
				return
			}
			grant := h.grantOf(first)
			for range 3 {
				laptop.token(redeem(code)).refused(t, 400, "invalid_grant")
			}
			laptop.token(refreshForm(first.str("refresh_token"))).refused(t, 400, "invalid_grant")
			laptop.userinfo(first.str("access_token")).want(t, 401, "invalid_token")
			if got := h.events(grant); !slices.Equal(got, []string{"grant.created", "grant.revoked"}) {
				t.Errorf("told %v", got)
			}
		})
	}
}

// TestCodeRace redeems one code many times at once: one wins, and there is
// one grant.
func TestCodeRace(t *testing.T) { onBoth(t, codeRaceStory) }

func codeRaceStory(t *testing.T, h *house) {
	laptop := h.browser(devicestest.LaptopHeaders())
	for range 5 {
		code := laptop.code(ada, ask())
		before := h.count("grants")
		var race sync.WaitGroup
		answers := make([]answer, 8)
		for i := range answers {
			race.Go(func() { answers[i] = laptop.token(redeem(code)) })
		}
		race.Wait()
		won := 0
		for _, a := range answers {
			if a.Status == 200 {
				won++
				continue
			}
			a.refused(t, 400, "invalid_grant")
		}
		if won != 1 || h.count("grants") != before+1 {
			t.Errorf("%d won, %d grants more", won, h.count("grants")-before)
		}
	}
}

// TestCodeWithoutRedirectURI shows that a redirect URI which was not sent
// need not be repeated (RFC 6749 §4.1.3). OpenID Connect demands it always.
func TestCodeWithoutRedirectURI(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	q := ask("redirect_uri", "", "scope", "offline_access")
	laptop.token(redeem(laptop.code(ada, q), "redirect_uri", "")).want(t, 200, "")
	code := laptop.code(ada, q)
	laptop.token(redeem(code, "redirect_uri", callback+"/")).refused(t, 400, "invalid_grant")
	a := laptop.token(redeem(code, "redirect_uri", callback))
	if a.want(t, 200, ""); a.str("id_token") != "" || a.str("refresh_token") == "" {
		t.Errorf("offline access without openid yields %s", a.Raw)
	}
}

// TestCodeWithoutOfflineAccess shows that nothing but an access token comes of
// a code without offline access.
func TestCodeWithoutOfflineAccess(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	a := laptop.token(redeem(laptop.code(ada, ask("scope", "openid"))))
	if a.want(t, 200, ""); a.str("refresh_token") != "" || a.str("id_token") == "" {
		t.Errorf("got %s", a.Raw)
	}
	laptop.userinfo(a.str("access_token")).want(t, 200, "")
	h.clock.Advance(10 * time.Minute)
	laptop.userinfo(a.str("access_token")).want(t, 401, "invalid_token")
}

// devices returns the devices of a subject.
func (h *house) devices(subject string) []devices.Device {
	h.t.Helper()
	list, err := h.store.Devices(h.t.Context(), subject)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// disable lets a subject in no more, or again.
func (h *house) disable(subject string, off bool) {
	h.t.Helper()
	if err := h.store.SetUserDisabled(h.t.Context(), subject, off, h.clock.Now()); err != nil {
		h.t.Fatal(err)
	}
}
