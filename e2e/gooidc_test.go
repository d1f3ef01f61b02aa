package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// dressed sends every request with the same looks.
type dressed struct{ looks http.Header }

func (d dressed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range d.looks {
		r.Header[name] = values
	}
	return http.DefaultTransport.RoundTrip(r)
}

// with returns a context in which the libraries call with these looks.
func with(t *testing.T, looks http.Header) context.Context {
	t.Helper()
	return oidc.ClientContext(t.Context(), &http.Client{Transport: dressed{looks}})
}

// party is a relying party made of go-oidc and x/oauth2.
type party struct {
	oauth2.Config
	provider *oidc.Provider
	more     struct {
		Introspection string `json:"introspection_endpoint"`
		Revocation    string `json:"revocation_endpoint"`
		EndSession    string `json:"end_session_endpoint"`
	}
}

func newParty(t *testing.T, h *house.House, c house.Client) *party {
	t.Helper()
	provider, err := oidc.NewProvider(with(t, house.Laptop()), h.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	p := &party{provider: provider}
	if err := provider.Claims(&p.more); err != nil {
		t.Fatal(err)
	}
	p.Config = oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, Endpoint: provider.Endpoint(), RedirectURL: c.Redirect,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "profile", "email"},
	}
	return p
}

// signIn signs in through the browser and returns the tokens with the claims
// of the verified ID token.
func (p *party) signIn(t *testing.T, ctx context.Context, b *house.Browser, u house.User) (*oauth2.Token, claims) {
	t.Helper()
	verifier, nonce := oauth2.GenerateVerifier(), "n-"+oauth2.GenerateVerifier()
	back, err := b.SignIn(p.AuthCodeURL("the state", oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), u)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Query(); got.Get("state") != "the state" || got.Get("iss") == "" {
		t.Fatalf("the browser came back with %s", back)
	}
	token, err := p.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token, p.verified(t, ctx, token, nonce)
}

// claims are what the tests want of an ID token.
type claims struct {
	Subject string `json:"sub"`
	Device  string `json:"device_id"`
	SID     string `json:"sid"`
	raw     string
}

func (p *party) verified(t *testing.T, ctx context.Context, token *oauth2.Token, nonce string) claims {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	verified, err := p.provider.Verifier(&oidc.Config{
		ClientID: p.ClientID, SupportedSigningAlgs: []string{oidc.ES256, oidc.RS256},
	}).Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	c := claims{raw: raw}
	if err := errors.Join(verified.VerifyAccessToken(token.AccessToken), verified.Claims(&c)); err != nil {
		t.Fatal(err)
	}
	if verified.Nonce != nonce || c.Device == "" || c.SID == "" {
		t.Errorf("the ID token has nonce %q and %+v", verified.Nonce, c)
	}
	return c
}

// refresh makes the library refresh, as it does when a token has expired.
func (p *party) refresh(ctx context.Context, token string) (*oauth2.Token, error) {
	return p.TokenSource(ctx, &oauth2.Token{RefreshToken: token}).Token()
}

// refused fails the test unless the library was told so.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	var told *oauth2.RetrieveError
	if !errors.As(err, &told) || told.ErrorCode != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// post posts a form with the client's secret.
func (p *party) post(t *testing.T, ctx context.Context, address string, form url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body map[string]any
	_ = json.NewDecoder(answer.Body).Decode(&body) // a revocation answers nothing
	return answer.StatusCode, body
}

func (p *party) active(t *testing.T, ctx context.Context, token string) bool {
	t.Helper()
	status, body := p.post(t, ctx, p.more.Introspection, url.Values{"token": {token}})
	if status != http.StatusOK {
		t.Fatalf("introspection answered %d: %v", status, body)
	}
	active, _ := body["active"].(bool)
	if !active && len(body) != 1 {
		t.Errorf("a dead token was answered with %v", body)
	}
	return active
}

// A confidential client lives its whole life with coreos/go-oidc and
// golang.org/x/oauth2.
func TestGoOIDC(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		ada := h.User("ada@example.com", "--name", "Ada", "--email", "ada@example.com")
		const left = "https://shop.example.com/left?from=lanyard"
		shop := newParty(t, h, h.Client("--id", "shop", "--post-logout-redirect-uri", left))
		ctx, browser := with(t, house.Laptop()), house.NewBrowser(house.Laptop())

		token, id := shop.signIn(t, ctx, browser, ada)
		info, err := shop.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			t.Fatal(err)
		}
		if id.Subject != ada.Subject || info.Subject != ada.Subject || info.Email != "ada@example.com" {
			t.Errorf("signed in as %+v, who is %+v", id, info)
		}
		next, err := shop.refresh(ctx, token.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		again := shop.verified(t, ctx, next, "")
		if again.Device != id.Device || again.SID != id.SID || next.RefreshToken == token.RefreshToken {
			t.Errorf("the refresh made %+v of %+v", again, id)
		}
		if !shop.active(t, ctx, next.AccessToken) || !shop.active(t, ctx, next.RefreshToken) || shop.active(t, ctx, token.RefreshToken) {
			t.Error("introspection does not know which tokens are good")
		}

		// The same browser is the same device for another client.
		_, other := newParty(t, h, h.Client("--id", "rsa", "--id-token-alg", "RS256")).signIn(t, ctx, browser, ada)
		if other.Device != id.Device || other.SID != id.SID {
			t.Errorf("signed in as %+v, then as %+v", id, other)
		}

		if status, body := shop.post(t, ctx, shop.more.Revocation, url.Values{"token": {next.RefreshToken}}); status != http.StatusOK {
			t.Errorf("the revocation answered %d: %v", status, body)
		}
		_, err = shop.refresh(ctx, next.RefreshToken)
		refused(t, err, "invalid_grant")
		if shop.active(t, ctx, next.AccessToken) {
			t.Error("an access token outlives its grant")
		}

		page, err := browser.Visit(shop.more.EndSession + "?" + url.Values{
			"id_token_hint": {again.raw}, "post_logout_redirect_uri": {left}, "state": {"bye"},
		}.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if page.Away == nil || page.Away.String() != left+"&state=bye" {
			t.Errorf("the logout led to %v: %s", page.Away, page.Text)
		}
		back, err := browser.SignIn(shop.AuthCodeURL("s", oauth2.SetAuthURLParam("prompt", "none"),
			oauth2.S256ChallengeOption(oauth2.GenerateVerifier())), ada)
		if err != nil || back.Query().Get("error") != "login_required" {
			t.Errorf("after the logout: %v %v", back, err)
		}
	})
}

// A public client's refresh token is of no use on another device.
func TestGoOIDCThief(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		ada, notes := h.User("ada@example.com"), newParty(t, h, h.Client("--id", "notes", "--public"))
		laptop, thief := with(t, house.Laptop()), with(t, house.Thief())
		token, _ := notes.signIn(t, laptop, house.NewBrowser(house.Laptop()), ada)

		_, err := notes.refresh(thief, token.RefreshToken)
		refused(t, err, "invalid_grant")
		_, err = notes.refresh(laptop, token.RefreshToken)
		refused(t, err, "invalid_grant") // a token in two hands is good in none
		token, _ = notes.signIn(t, laptop, house.NewBrowser(house.Laptop()), ada)
		if _, err := notes.refresh(laptop, token.RefreshToken); err != nil {
			t.Errorf("the owner cannot go on: %v", err)
		}
	})
}

func TestGoClientCredentials(t *testing.T) {
	house.Each(t, func(t *testing.T, d house.Database) {
		h := house.Open(t, d)
		c := h.Client("--id", "nightly", "--grant-type", "client_credentials", "--scope", "reports", "--redirect-uri", house.Redirect)
		nightly := newParty(t, h, c)
		config := clientcredentials.Config{
			ClientID: c.ID, ClientSecret: c.Secret, TokenURL: nightly.Endpoint.TokenURL,
			AuthStyle: oauth2.AuthStyleInHeader, Scopes: []string{"reports"},
		}
		token, err := config.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if token.RefreshToken != "" || !nightly.active(t, t.Context(), token.AccessToken) {
			t.Errorf("got %+v", token)
		}
		config.Scopes = []string{"openid"}
		_, err = config.Token(t.Context())
		refused(t, err, "invalid_scope")
		config.Scopes, config.ClientSecret = nil, c.Secret+"x"
		_, err = config.Token(t.Context())
		refused(t, err, "invalid_client")
	})
}
