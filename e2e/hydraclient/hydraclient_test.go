// Package hydraclient_test drives the admin API with Ory's own client. It is
// apart from the other stories because that client takes long to compile.
package hydraclient_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ory "github.com/ory/client-go"

	"github.com/lanyard-id/lanyard/e2e/house"
)

func TestMain(m *testing.M) { os.Exit(house.Main(m)) }

// operator returns Ory's client with the admin token of a house.
func operator(h *house.House) ory.OAuth2API {
	c := ory.NewConfiguration()
	c.Servers = ory.ServerConfigurations{{URL: h.Admin}}
	c.AddDefaultHeader("Authorization", "Bearer "+h.Token)
	return ory.NewAPIClient(c).OAuth2API
}

// status fails the test unless the answer has that status. An answer that is
// no success is an error to Ory's client.
func status(t *testing.T, want int) func(*http.Response, error) {
	t.Helper()
	return func(answer *http.Response, err error) {
		t.Helper()
		var refused *ory.GenericOpenAPIError
		switch {
		case answer == nil:
			t.Fatal(err)
		case answer.StatusCode != want:
			if errors.As(err, &refused) {
				t.Logf("%s", refused.Body())
			}
			t.Fatalf("status %d, want %d: %v", answer.StatusCode, want, err)
		case want/100 == 2 && err != nil:
			t.Fatal(err)
		}
	}
}

// An operator's Hydra tooling manages clients.
func TestClients(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		api, ctx := operator(h), t.Context()

		made, answer, err := api.CreateOAuth2Client(ctx).OAuth2Client(ory.OAuth2Client{
			ClientId: ory.PtrString("shop"), ClientName: ory.PtrString("Shop"),
			RedirectUris: []string{house.Redirect}, GrantTypes: []string{"authorization_code", "refresh_token"},
			ResponseTypes: []string{"code"}, Scope: ory.PtrString("openid offline_access devices"),
			TokenEndpointAuthMethod: ory.PtrString("client_secret_basic"), SkipConsent: ory.PtrBool(true),
			PostLogoutRedirectUris: []string{"https://shop.example.com/left"},
		}).Execute()
		status(t, http.StatusCreated)(answer, err)
		if made.GetClientSecret() == "" {
			t.Error("no secret was shown")
		}
		_, answer, err = api.CreateOAuth2Client(ctx).OAuth2Client(ory.OAuth2Client{
			ClientId: ory.PtrString("shop"), RedirectUris: []string{house.Redirect},
		}).Execute()
		status(t, http.StatusConflict)(answer, err)
		_, answer, err = api.CreateOAuth2Client(ctx).OAuth2Client(ory.OAuth2Client{
			ClientId: ory.PtrString("bad"), RedirectUris: []string{"javascript:alert(1)"},
		}).Execute()
		status(t, http.StatusUnprocessableEntity)(answer, err)

		got, answer, err := api.GetOAuth2Client(ctx, "shop").Execute()
		status(t, http.StatusOK)(answer, err)
		if diff := cmp.Diff(
			[]string{"Shop", "openid offline_access devices", "client_secret_basic", "", house.Redirect},
			[]string{got.GetClientName(), got.GetScope(), got.GetTokenEndpointAuthMethod(), got.GetClientSecret(), strings.Join(got.GetRedirectUris(), " ")},
		); diff != "" {
			t.Error(diff)
		}
		got.SetClientName("The shop")
		_, answer, err = api.SetOAuth2Client(ctx, "shop").OAuth2Client(*got).Execute()
		status(t, http.StatusOK)(answer, err)

		h.Client("--id", "cart", "--public")
		list, answer, err := api.ListOAuth2Clients(ctx).Execute()
		status(t, http.StatusOK)(answer, err)
		names := map[string]string{}
		for _, c := range list {
			names[c.GetClientId()] = c.GetClientName()
		}
		if diff := cmp.Diff(map[string]string{"cart": "", "lanyard-pages": "Lanyard", "shop": "The shop"}, names); diff != "" {
			t.Error(diff)
		}
		list, answer, err = api.ListOAuth2Clients(ctx).PageSize(1).PageToken("lanyard-pages").Execute()
		status(t, http.StatusOK)(answer, err)
		if len(list) != 1 || list[0].GetClientId() != "shop" {
			t.Errorf("the page after lanyard-pages is %+v", list)
		}

		answer, err = api.DeleteOAuth2Client(ctx, "cart").Execute()
		status(t, http.StatusNoContent)(answer, err)
		_, answer, err = api.GetOAuth2Client(ctx, "cart").Execute()
		status(t, http.StatusNotFound)(answer, err)
		answer, err = api.DeleteOAuth2Client(ctx, "cart").Execute()
		status(t, http.StatusNotFound)(answer, err)

		// The secret still opens, and the client is gone with its grants.
		ada := h.User("ada@example.com")
		laptop := h.NewHand(house.Client{
			ID: "shop", Secret: made.GetClientSecret(), Redirect: house.Redirect,
		}, house.Laptop())
		if a, err := laptop.SignIn(ada, "openid offline_access", nil); err != nil || a.Status != http.StatusOK {
			t.Fatalf("%v: %s", err, a.Body)
		}
		answer, err = api.DeleteOAuth2Client(ctx, "shop").Execute()
		status(t, http.StatusNoContent)(answer, err)
		if a, err := laptop.Refresh(); err != nil || a.Error() != "invalid_client" {
			t.Errorf("a client that is gone: %v: %s", err, a.Body)
		}
	})
}

// An operator's resource servers ask Hydra's admin port about tokens.
func TestIntrospect(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		api, ctx := operator(h), t.Context()
		ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public")
		laptop := h.NewHand(notes, house.Laptop())
		if a, err := laptop.SignIn(ada, "openid offline_access devices", nil); err != nil || a.Status != http.StatusOK {
			t.Fatalf("%v: %s", err, a.Body)
		}
		look := func(token, scope string) *ory.IntrospectedOAuth2Token {
			t.Helper()
			state, answer, err := api.IntrospectOAuth2Token(ctx).Token(token).Scope(scope).Execute()
			status(t, http.StatusOK)(answer, err)
			return state
		}
		state := look(laptop.Tokens.Access, "")
		if !state.Active || state.GetSub() != ada.Subject || state.GetClientId() != "notes" ||
			state.GetTokenUse() != "access_token" || state.AdditionalProperties["device_id"] != laptop.Tokens.Device {
			t.Errorf("an access token is %+v", state)
		}
		if state := look(laptop.Tokens.Refresh, ""); !state.Active || state.GetTokenUse() != "refresh_token" {
			t.Errorf("a refresh token is %+v", state)
		}
		if look(laptop.Tokens.Access, "devices more").Active {
			t.Error("a token is good for a scope that it lacks")
		}
		if a, err := laptop.Call(http.MethodPost, "/api/v1/devices/logout", ""); err != nil || a.Status != http.StatusNoContent {
			t.Fatalf("%v: %d %s", err, a.Status, a.Body)
		}
		for _, token := range []string{laptop.Tokens.Access, laptop.Tokens.Refresh, "nonsense"} {
			if state := look(token, ""); state.Active || state.ClientId != nil || len(state.AdditionalProperties) > 0 {
				t.Errorf("of a dead token is told %+v", state)
			}
		}
	})
}

// Whoever has no token of the operators is not let in.
func TestWithoutToken(t *testing.T) {
	h := house.Open(t, house.SQLite)
	h.Token = "wrong"
	_, answer, err := operator(h).ListOAuth2Clients(t.Context()).Execute()
	status(t, http.StatusUnauthorized)(answer, err)
	answer, err = http.PostForm(h.Admin+"/admin/oauth2/introspect", url.Values{"token": {"x"}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	status(t, http.StatusUnauthorized)(answer, err)
}
