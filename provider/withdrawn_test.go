package provider_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// third registers a client that asks for consent, and returns its request.
func (h *house) third() url.Values {
	h.t.Helper()
	h.thirdParty(oauth.Client{
		ID: "third", AuthMethod: "none", RedirectURIs: []string{callback}, Scope: "openid offline_access",
		GrantTypes: []string{"authorization_code", "refresh_token"},
	})
	return ask("client_id", "third", "scope", "openid offline_access")
}

// withdraw takes the access of the client "third" to what is ada's.
func (h *house) withdraw() {
	h.t.Helper()
	h.must(h.gate.Registry.WithdrawConsentByOperator(h.t.Context(), "ada", "third"))
}

// next follows the answer to an authorization request to what the browser is
// shown, or to the client.
func (b *browser) next(a answer) string {
	b.t.Helper()
	for to := a.Header.Get("Location"); ; {
		if !strings.Contains(to, "/oauth2/auth/resume?") {
			return to
		}
		to = b.do("GET", to, nil).Header.Get("Location")
	}
}

// TestAWithdrawnConsentIsAskedForAgain: refresh tokens, access tokens and codes
// of the client are worth nothing, on every device, and the next authorization
// asks.
func TestAWithdrawnConsentIsAskedForAgain(t *testing.T) {
	inSlowHouses(t, func(t *testing.T, h *house, _ *meanwhile, _ *slowly) {
		request := h.third()
		laptop, phone := h.browser(devicestest.LaptopHeaders()), h.browser(devicestest.PhoneHeaders())
		var tokens []answer
		for _, b := range []*browser{laptop, phone} {
			a := b.token(redeem(b.code(ada, request), "client_id", "third"))
			a.want(t, http.StatusOK, "")
			tokens = append(tokens, a)
		}
		code := laptop.code(ada, request)
		h.withdraw()
		for i, b := range []*browser{laptop, phone} {
			b.token(refreshForm(tokens[i].str("refresh_token"), "client_id", "third")).want(t, http.StatusBadRequest, "invalid_grant")
			a := b.do("GET", "/userinfo", nil, func(r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+tokens[i].str("access_token"))
			})
			a.want(t, http.StatusUnauthorized, "invalid_token")
		}
		laptop.token(redeem(code, "client_id", "third")).want(t, http.StatusBadRequest, "invalid_grant")
		known, err := h.store.Devices(t.Context(), "ada")
		h.must(err)
		for _, d := range known {
			if d.State != devices.StateActive {
				t.Errorf("device %s is %s", d.ID, d.State)
			}
		}
		a := laptop.do("GET", "/oauth2/auth?"+with(maps.Clone(request), "prompt", "none").Encode(), nil)
		if to := laptop.next(a); !strings.Contains(to, "error=consent_required") {
			t.Errorf("prompt none leads to %s", to)
		}
		if to := laptop.next(laptop.do("GET", "/oauth2/auth?"+request.Encode(), nil)); !strings.Contains(to, "/consent?") {
			t.Errorf("the next authorization leads to %s", to)
		}
	})
}

// TestAConsentIsWithdrawnAtTheLastMoment: no code is given on a consent that was
// withdrawn after it was read.
func TestAConsentIsWithdrawnAtTheLastMoment(t *testing.T) {
	inSlowHouses(t, func(t *testing.T, h *house, _ *meanwhile, s *slowly) {
		request := h.third()
		laptop := h.browser(devicestest.LaptopHeaders())
		for prompt, want := range map[string]string{"": "/consent?", "none": "error=consent_required"} {
			laptop.code(ada, request)
			s.run = h.withdraw
			a := laptop.do("GET", "/oauth2/auth?"+with(maps.Clone(request), "prompt", prompt).Encode(), nil)
			if to := laptop.next(a); !strings.Contains(to, want) {
				t.Errorf("prompt %q leads to %s", prompt, to)
			}
		}
	})
}
