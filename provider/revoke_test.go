package provider_test

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// revoke revokes a token as the client "notes"; pairs change the form.
func (b *browser) revoke(token string, pairs ...string) answer {
	b.t.Helper()
	return b.do("POST", "/oauth2/revoke", with(url.Values{"token": {token}, "client_id": {"notes"}}, pairs...))
}

// TestRevokeRefreshToken ends the grant with everything that came of it, once
// (RFC 7009 §2.1), whether the token is the current one or a spent one.
func TestRevokeRefreshToken(t *testing.T) { onBoth(t, revokeRefreshTokenStory) }

func revokeRefreshTokenStory(t *testing.T, h *house) {
	introspect := h.reader()
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, hint := range []string{"", "refresh_token", "access_token", "id_token", "nonsense"} {
		spent := laptop.signIn(ada)
		got := laptop.token(refreshForm(spent.str("refresh_token")))
		token := got.str("refresh_token")
		if hint == "access_token" {
			token = spent.str("refresh_token")
		}
		a := laptop.revoke(token, "token_type_hint", hint)
		if a.Status != 200 || a.Raw != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("hint %q: %d %s", hint, a.Status, a.Raw)
		}
		h.unchanged(t, func() {
			for range 2 {
				laptop.revoke(got.str("refresh_token")).want(t, 200, "")
				laptop.revoke(got.str("access_token")).want(t, 200, "")
			}
			for _, dying := range []answer{spent, got} {
				laptop.token(refreshForm(dying.str("refresh_token"))).refused(t, 400, "invalid_grant") // in the grace too
				laptop.userinfo(dying.str("access_token")).want(t, 401, "invalid_token")
				if state := introspect(dying.str("access_token")); state.Raw != dead {
					t.Errorf("the access token: %s", state.Raw)
				}
			}
		})
		h.told(t, h.grantOf(got), devices.EventGrantCreated, devices.EventGrantRevoked)
		if g := h.grant(got); g.RevokedReason != devices.ReasonClient {
			t.Errorf("revoked for %q", g.RevokedReason)
		}
	}
	if d := h.devices("ada")[0]; !d.Live() {
		t.Error("the device ended with its grant")
	}
}

// TestRevokeAccessToken ends it and those before it, and lets the grant be.
func TestRevokeAccessToken(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "jwt", AccessToken: "jwt"})
	laptop := h.browser(devicestest.LaptopHeaders())
	for _, client := range []string{"notes", "jwt"} {
		first := laptop.token(redeem(laptop.code(ada, ask("client_id", client)), "client_id", client))
		h.clock.Advance(time.Second)
		second := laptop.token(refreshForm(first.str("refresh_token"), "client_id", client))
		h.clock.Advance(time.Second)
		third := laptop.token(refreshForm(second.str("refresh_token"), "client_id", client))
		laptop.revoke(second.str("access_token"), "client_id", client).want(t, 200, "")
		laptop.userinfo(first.str("access_token")).want(t, 401, "invalid_token")
		laptop.userinfo(second.str("access_token")).want(t, 401, "invalid_token")
		laptop.userinfo(third.str("access_token")).want(t, 200, "")
		laptop.revoke(third.str("access_token"), "client_id", client).want(t, 200, "")
		laptop.userinfo(third.str("access_token")).want(t, 401, "invalid_token")
		h.clock.Advance(time.Second)
		next := laptop.token(refreshForm(third.str("refresh_token"), "client_id", client))
		next.want(t, 200, "")
		laptop.userinfo(next.str("access_token")).want(t, 200, "")
	}
	t.Run("without offline access the grant ends with it", func(t *testing.T) {
		got := laptop.token(redeem(laptop.code(ada, ask("scope", "openid"))))
		laptop.revoke(got.str("access_token")).want(t, 200, "")
		laptop.userinfo(got.str("access_token")).want(t, 401, "invalid_token")
	})
}

// TestRevokeNothing shows what revokes nothing: other clients' tokens, what is
// no token, and what is no request (T5, T37).
func TestRevokeNothing(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "other"})
	h.client(oauth.Client{ID: "reader", AuthMethod: "client_secret_post", Secret: backendSecret})
	laptop := h.browser(devicestest.LaptopHeaders())
	spent := laptop.signIn(ada)
	got := laptop.token(refreshForm(spent.str("refresh_token")))
	online := laptop.token(redeem(laptop.code(ada, ask("scope", "openid"))))
	others := []string{
		got.str("refresh_token"), spent.str("refresh_token"), got.str("access_token"), spent.str("access_token"), online.str("access_token"),
	}
	h.unchanged(t, func() {
		for _, token := range others {
			laptop.revoke(token, "client_id", "other").refused(t, 400, "unauthorized_client")
			laptop.revoke(token, "client_id", "reader", "client_secret", backendSecret).refused(t, 400, "unauthorized_client")
			laptop.revoke(token, "client_id", "reader").refused(t, 401, "invalid_client")
			laptop.revoke(token, "client_id", "nobody").refused(t, 401, "invalid_client")
			laptop.revoke(token, "client_id", "").refused(t, 400, "invalid_request")
			for n := 6 * 6; n < 6*len(token); n += 5 {
				laptop.revoke(flip(token, n)).want(t, 200, "")
			}
			laptop.revoke(token[:len(token)-1]).want(t, 200, "")
			laptop.revoke(token+"A").want(t, 200, "")
			form := url.Values{"token": {token, token}, "client_id": {"notes"}}
			laptop.do("POST", "/oauth2/revoke", form).refused(t, 400, "invalid_request")
			laptop.do("GET", "/oauth2/revoke?token="+token+"&client_id=notes", nil).refused(t, 405, "invalid_request")
			laptop.do("POST", "/oauth2/revoke?token="+token, url.Values{"client_id": {"notes"}}).refused(t, 400, "invalid_request")
		}
		for name, token := range lookalikes(spent.str("refresh_token"), got.str("refresh_token")) {
			if !slices.Contains(others, token) && laptop.revoke(token).Status != 200 {
				t.Errorf("%s: not 200", name)
			}
		}
		laptop.revoke("").refused(t, 400, "invalid_request")
		laptop.revoke(got.str("id_token")).want(t, 200, "")
	})
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
	laptop.userinfo(got.str("access_token")).want(t, 200, "")
	laptop.userinfo(online.str("access_token")).want(t, 200, "")
	// Another client does not learn from the answer whether a token is in force.
	for _, token := range others[2:] {
		laptop.revoke(token).want(t, 200, "")
		laptop.userinfo(token).refused(t, 401, "invalid_token")
	}
	laptop.revoke(got.str("refresh_token")).want(t, 200, "")
	for _, token := range others {
		laptop.revoke(token, "client_id", "other").refused(t, 400, "unauthorized_client")
	}
}
