package provider_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/store"
)

// meanwhile runs something once, after a password was verified and before what
// that proves is written.
type meanwhile struct {
	provider.Identity
	run func()
}

func (m *meanwhile) Authenticate(ctx context.Context, identifier, password, source string, cookies ...[]byte) (oauth.User, error) {
	u, err := m.Identity.Authenticate(ctx, identifier, password, source, cookies...)
	if run := m.run; err == nil && run != nil {
		m.run = nil
		run()
	}
	return u, err
}

// slowly are sign-ins and consents that are written after something has run.
type slowly struct {
	*store.Store
	run func()
}

func (s *slowly) before() {
	if run := s.run; run != nil {
		s.run = nil
		run()
	}
}

func (s *slowly) OpenSignIn(ctx context.Context, in oauth.SignIn) (bool, error) {
	s.before()
	return s.Store.OpenSignIn(ctx, in)
}

func (s *slowly) RenewSignIn(ctx context.Context, in oauth.SignIn) (bool, error) {
	s.before()
	return s.Store.RenewSignIn(ctx, in)
}

func (s *slowly) PutConsent(ctx context.Context, c oauth.Consent) error {
	s.before()
	return s.Store.PutConsent(ctx, c)
}

func (s *slowly) SaveCode(ctx context.Context, c oauth.Code) error {
	s.before()
	return s.Store.SaveCode(ctx, c)
}

// inSlowHouses runs a test on each database, with a house that is slow to write.
func inSlowHouses(t *testing.T, test func(t *testing.T, h *house, m *meanwhile, s *slowly)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...func(*provider.Config)) *house{
		"sqlite": newHouse, "postgres": newHouseInPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			m, s := &meanwhile{}, &slowly{}
			h := open(t, func(c *provider.Config) {
				m.Identity, c.Identity = c.Identity, m
				s.Store = c.Storage.Codes.(*store.Store)
				c.Storage.SignIns, c.Storage.Consents, c.Storage.Codes = s, s, s
			})
			test(t, h, m, s)
		})
	}
}

// newPassword changes ada's password, as an operator does, or as its owner does
// on the device that stays.
func (h *house) newPassword(stays string) {
	h.t.Helper()
	hash, err := local.HashPassword("another lanyard for every key")
	h.must(err)
	h.must(h.setPassword("ada", hash, stays))
}

// setPassword gives a subject the hash of a password, as an operator or as the
// owner on the device that stays.
func (h *house) setPassword(subject, hash, stays string) error {
	return h.store.SetPassword(h.t.Context(), subject, hash, stays, devices.Credential{}, h.clock.Now())
}

// signInsOf returns how many sign-ins of a subject are alive.
func (h *house) signInsOf(subject string) int {
	h.t.Helper()
	db := h.database()
	defer func() { _ = db.Close() }() // it only reads
	return len(rowsOf(h.t, db, "SELECT id FROM sign_ins WHERE ended_at = 0 AND subject = '"+subject+"'"))
}

// TestAPasswordChangesWhileItSignsIn: what a password proved is worth nothing
// once it is another one, or nobody's.
func TestAPasswordChangesWhileItSignsIn(t *testing.T) {
	changes := map[string]func(h *house, stays string){
		"another password":               func(h *house, _ string) { h.newPassword("") },
		"another password of the device": func(h *house, stays string) { h.newPassword(stays) },
		"another identifier": func(h *house, _ string) {
			_, err := h.store.UpdateUser(h.t.Context(), "ada", h.clock.Now(), func(u *oauth.User) { u.Identifier = "lovelace" })
			h.must(err)
		},
		"disabled": func(h *house, _ string) {
			h.must(h.store.SetUserDisabled(h.t.Context(), "ada", true, h.clock.Now()))
		},
		"deleted": func(h *house, _ string) {
			h.must(h.store.DeleteUser(h.t.Context(), "ada", h.clock.Now(), func(tx devices.Tx) error {
				_, err := h.gate.Registry.EndAll(h.t.Context(), tx, devices.ReasonSubjectDisabled)
				return err
			}))
		},
	}
	for name, change := range changes {
		for who, looks := range map[string]http.Header{
			"elsewhere": devicestest.ThiefHeaders(), "in the owner's browser": devicestest.LaptopHeaders(),
		} {
			t.Run(name+", "+who, func(t *testing.T) {
				inSlowHouses(t, func(t *testing.T, h *house, m *meanwhile, _ *slowly) {
					browser := h.browser(devicestest.LaptopHeaders())
					got := browser.signIn(ada)
					h.clock.Advance(time.Minute)
					if who == "elsewhere" {
						browser = h.browser(looks)
					}
					flow := browser.flowFrom(t, ask("prompt", "login"))
					before := h.signInsOf("ada")
					m.run = func() { change(h, got.str("device_id")); before = h.signInsOf("ada") }
					browser.refusedLogin(t, flow)
					if known, err := h.store.Devices(t.Context(), "ada"); err != nil || len(known) != 1 {
						t.Errorf("the login left %d devices, %v", len(known), err)
					}
					if after := h.signInsOf("ada"); after != before {
						t.Errorf("%d sign-ins became %d", before, after)
					}
				})
			})
		}
	}
}

// refusedLogin posts the old password, and wants the form again.
func (b *browser) refusedLogin(t *testing.T, flow string) {
	t.Helper()
	a := b.do("POST", "/login", url.Values{"flow": {flow}, "identifier": {ada}, "password": {password}})
	if a.Status != http.StatusUnauthorized || !strings.Contains(a.Raw, `name="password"`) {
		t.Errorf("the login was answered %d %s", a.Status, a.Raw)
	}
	if a.entered() {
		t.Errorf("the login set %q", a.Header.Values("Set-Cookie"))
	}
}

// TestAPasswordChangesAtTheLastMoment: the device was enrolled in time, the
// sign-in on it was not written in time. A renewal is one too.
func TestAPasswordChangesAtTheLastMoment(t *testing.T) {
	inSlowHouses(t, func(t *testing.T, h *house, _ *meanwhile, s *slowly) {
		laptop := h.browser(devicestest.LaptopHeaders())
		got := laptop.signIn(ada)
		h.clock.Advance(time.Minute)
		flow := laptop.flowFrom(t, ask("prompt", "login"))
		in := h.signInsOf("ada")
		s.run = func() { h.newPassword(got.str("device_id")) }
		laptop.refusedLogin(t, flow)
		if now := h.signInsOf("ada"); now != in {
			t.Errorf("%d sign-ins became %d", in, now)
		}
	})
}

// TestARefusedSignInLeavesNoDevice: a device is enrolled in time, in a browser
// that nobody knows. When the sign-in on it is refused, it ends.
func TestARefusedSignInLeavesNoDevice(t *testing.T) {
	for reason, change := range map[devices.Reason]func(h *house, owners string){
		devices.ReasonPasswordChanged: func(h *house, owners string) { h.newPassword(owners) },
		devices.ReasonSubjectDisabled: func(h *house, _ string) {
			h.must(h.store.SetUserDisabled(h.t.Context(), "ada", true, h.clock.Now()))
		},
	} {
		t.Run(string(reason), func(t *testing.T) {
			inSlowHouses(t, func(t *testing.T, h *house, _ *meanwhile, s *slowly) {
				owners := h.browser(devicestest.LaptopHeaders()).signIn(ada).str("device_id")
				h.clock.Advance(time.Minute)
				thief := h.browser(devicestest.ThiefHeaders())
				flow := thief.flowFrom(t, ask())
				s.run = func() { change(h, owners) }
				thief.refusedLogin(t, flow)
				known, err := h.store.Devices(t.Context(), "ada")
				h.must(err)
				if len(known) != 2 {
					t.Fatalf("%d devices, want the owner's and an ended one", len(known))
				}
				for _, d := range known {
					if d.Live() != (d.ID == owners) || d.ID != owners && d.RevokedReason != reason {
						t.Errorf("device %s is %s because of %q", d.ID, d.State, d.RevokedReason)
					}
				}
			})
		})
	}
}

// TestASignInEndsWhileItConsents: who consents and who is given a code is signed
// in when that is written.
func TestASignInEndsWhileItConsents(t *testing.T) {
	inSlowHouses(t, func(t *testing.T, h *house, _ *meanwhile, s *slowly) {
		h.thirdParty(oauth.Client{
			ID: "third", AuthMethod: "none", RedirectURIs: []string{callback}, Scope: "openid offline_access",
			GrantTypes: []string{"authorization_code", "refresh_token"},
		})
		laptop := h.browser(devicestest.LaptopHeaders())
		laptop.signIn(ada)
		flow := laptop.flowFrom(t, ask("client_id", "third", "scope", "openid"))
		form := laptop.filled("/consent?"+url.Values{"flow": {flow}}.Encode(), "allow")
		s.run = func() { h.newPassword("") }
		a := laptop.do("POST", "/consent", form)
		if to := a.Header.Get("Location"); a.Status != http.StatusSeeOther || !strings.Contains(to, "/login?") {
			t.Errorf("the consent was answered %d to %s", a.Status, to)
		}
		if c, err := h.store.Consent(t.Context(), "ada", "third"); err == nil {
			t.Errorf("kept %+v", c)
		}

		for _, prompt := range []string{"", "none"} {
			phone := h.browser(devicestest.PhoneHeaders())
			phone.signIn(bob)
			s.run = func() { h.must(h.setPassword("bob", mustHash(h), "")) }
			a = phone.do("GET", "/oauth2/auth?"+ask("prompt", prompt).Encode(), nil)
			a = phone.do("GET", a.Header.Get("Location"), nil) // to decide once more
			to, want := a.Header.Get("Location"), "/login?"
			if prompt == "none" {
				want = "error=login_required"
			}
			if a.Status != http.StatusSeeOther || !strings.Contains(to, want) || strings.Contains(to, "code=") {
				t.Errorf("prompt %q was answered %d to %s", prompt, a.Status, to)
			}
		}
	})
}

// mustHash returns another hash of the password that everybody has here.
func mustHash(h *house) string {
	h.t.Helper()
	hash, err := local.HashPassword(password)
	h.must(err)
	return hash
}

func (s *slowly) Redeem(
	ctx context.Context, hash []byte, g devices.Grant, verified oauth.Client, events []devices.Event,
) (bool, error) {
	s.before()
	return s.Store.Redeem(ctx, hash, g, verified, events)
}

func (s *slowly) OpenClientGrant(ctx context.Context, g devices.Grant, verified oauth.Client) error {
	s.before()
	return s.Store.OpenClientGrant(ctx, g, verified)
}
