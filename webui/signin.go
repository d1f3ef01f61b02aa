package webui

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/lanyard-id/lanyard/webui/records"
)

// Client is how owners sign in to the pages: with an OpenID provider, over the
// wire.
type Client struct {
	Issuer string
	ID     string
	Secret string // empty for a public client
	HTTP   *http.Client
}

// relyingParty is the client, with what it has learned of its provider.
type relyingParty struct {
	Client
	mu    sync.Mutex
	known *oidc.Provider
}

// provider returns the metadata, which it reads at the first need: the
// provider may be this very server, which does not listen while it is wired.
func (p *relyingParty) provider(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	// Keys are fetched later with this context's client, not with its end.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.HTTP), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("read the provider's metadata: %w", err)
	}
	p.known = found
	return found, nil
}

func (u *UI) oauth(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	known, err := u.party.provider(ctx)
	if err != nil {
		return nil, nil, err
	}
	return &oauth2.Config{
		ClientID: u.Client.ID, ClientSecret: u.Client.Secret, Endpoint: known.Endpoint(),
		RedirectURL: CallbackURL(u.Issuer), Scopes: []string{oidc.ScopeOpenID, "profile"},
	}, known, nil
}

// attempt is a sign-in on its way, kept in the browser that began it.
type attempt struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // RFC 7636
	Back     string    `json:"b"` // the page to return to
	Fresh    bool      `json:"f,omitempty"`
	At       time.Time `json:"t"`
}

// attemptFor is how long a sign-in may take.
const attemptFor = 10 * time.Minute

// signIn sends the browser to sign in and then back to a page. A fresh sign-in
// asks for the password in any case.
func (u *UI) signIn(w http.ResponseWriter, r *http.Request, back string, fresh bool) {
	conf, _, err := u.oauth(r.Context())
	if err != nil {
		u.fail(w, r, nil, err)
		return
	}
	a := attempt{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Back: local(back), Fresh: fresh, At: u.Now(),
	}
	text, err := json.Marshal(a)
	if err != nil {
		u.fail(w, r, nil, err)
		return
	}
	// Not strict: the answer comes from the provider, which may be another site.
	u.setCookie(w, "pages_attempt", base64.RawURLEncoding.EncodeToString(text), attemptFor, http.SameSiteLaxMode)
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier),
		oauth2.SetAuthURLParam("ui_locales", u.Pages.locales.choose(r, "").Code),
	}
	if fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	u.redirect(w, conf.AuthCodeURL(a.State, options...))
}

// local returns a path of these pages, whatever was asked for: nothing leads
// anywhere else from here.
func local(back string) string {
	to, err := url.Parse(back)
	if err != nil || to.Scheme != "" || to.Host != "" || to.User != nil || to.Opaque != "" ||
		(to.Path != "/devices" && !strings.HasPrefix(to.Path, "/devices/")) ||
		strings.Contains(to.Path, "..") || strings.ContainsAny(back, "\\\r\n\t") {
		return "/devices"
	}
	return to.EscapedPath()
}

// Why a sign-in comes to nothing.
var (
	errAttempt = errors.New("no such sign-in on its way")
	errDenied  = errors.New("the provider turned the sign-in down")
	errNoClaim = errors.New("the ID token names no device or no sign-in")
	errStale   = errors.New("the sign-in is not fresh")
)

// callback is GET /devices/callback: the answer of the provider.
func (u *UI) callback(w http.ResponseWriter, r *http.Request) {
	a, err := u.attempted(r)
	u.setCookie(w, "pages_attempt", "", -time.Second, http.SameSiteLaxMode)
	if err != nil {
		u.fail(w, r, nil, err)
		return
	}
	s, err := u.redeem(r, a)
	if err != nil {
		u.fail(w, r, nil, err)
		return
	}
	good, err := u.open(w, r, s)
	switch {
	case err != nil:
		u.fail(w, r, nil, err)
	case !good:
		u.fail(w, r, nil, errDenied) // ended while signing in
	default:
		u.onward(w, r, a.Back)
	}
}

// attempted returns the sign-in that the answer belongs to. One that this
// browser did not begin is somebody else's.
func (u *UI) attempted(r *http.Request) (attempt, error) {
	cookies := r.CookiesNamed(u.cookieName("pages_attempt"))
	if len(cookies) != 1 {
		return attempt{}, errAttempt
	}
	var a attempt
	text, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	query := r.URL.Query()
	switch {
	case err != nil, a.State == "", u.Now().Sub(a.At) > attemptFor,
		subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(a.State)) != 1:
		return attempt{}, errAttempt
	case query.Get("error") != "":
		return attempt{}, errDenied
	}
	a.Back = local(a.Back) // a cookie is the browser's word
	return a, nil
}

// redeem exchanges the code and returns the session that the ID token is good
// for. The tokens are not kept.
func (u *UI) redeem(r *http.Request, a attempt) (records.Session, error) {
	conf, known, err := u.oauth(r.Context())
	if err != nil {
		return records.Session{}, err
	}
	ctx := oidc.ClientContext(r.Context(), u.Client.HTTP)
	tokens, err := conf.Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(a.Verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode < 500:
		return records.Session{}, errors.Join(errDenied, err)
	case err != nil:
		return records.Session{}, fmt.Errorf("redeem the code: %w", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := known.VerifierContext(ctx, &oidc.Config{ClientID: u.Client.ID, Now: u.Now}).Verify(ctx, raw)
	if err != nil {
		return records.Session{}, errors.Join(errDenied, err)
	}
	s, err := u.claimed(id, a)
	if err != nil {
		return records.Session{}, err
	}
	s.Name = u.called(ctx, known, conf.TokenSource(ctx, tokens), s.Subject)
	return s, nil
}

// claimed reads the ID token.
func (u *UI) claimed(id *oidc.IDToken, a attempt) (records.Session, error) {
	var claims struct {
		DeviceID string `json:"device_id"`
		SID      string `json:"sid"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := id.Claims(&claims); err != nil {
		return records.Session{}, errors.Join(errNoClaim, err)
	}
	s := records.Session{
		Subject: id.Subject, DeviceID: claims.DeviceID, SID: claims.SID, AuthTime: time.Unix(claims.AuthTime, 0),
	}
	if u.Client.Issuer != u.Issuer {
		s.Issuer = u.Client.Issuer
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1:
		return records.Session{}, errAttempt
	case s.Subject == "" || s.DeviceID == "" || s.SID == "":
		return records.Session{}, errNoClaim
	// Its seconds are whole ones.
	case a.Fresh && s.AuthTime.Before(a.At.Add(-time.Second)):
		return records.Session{}, errStale
	}
	return s, nil
}

// called returns what the owner is called. The page matters more than the
// name.
func (u *UI) called(ctx context.Context, known *oidc.Provider, tokens oauth2.TokenSource, subject string) string {
	info, err := known.UserInfo(ctx, tokens)
	if err != nil || info.Subject != subject {
		return ""
	}
	var claims struct {
		Name      string `json:"name"`
		Preferred string `json:"preferred_username"`
	}
	if info.Claims(&claims) != nil {
		return ""
	}
	if claims.Name == "" {
		claims.Name = claims.Preferred
	}
	return Cut(claims.Name, 100)
}
