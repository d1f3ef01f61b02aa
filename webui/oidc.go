package webui

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/lanyard-id/lanyard/devices"
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
	ours bool // the provider is this server
	url  func(path string) string
	now  func() time.Time

	mu     sync.Mutex
	known  *metadata
	failed error // why the last try to read them came to nothing …
	again  time.Time
}

// metadata are a provider's (OpenID Connect Discovery 1.0 §3).
type metadata struct {
	*oidc.Provider
	EndSession string   `json:"end_session_endpoint"`
	Scopes     []string `json:"scopes_supported"`
	NamesSelf  bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

const (
	discoveryFor   = 5 * time.Second
	discoveryAgain = 2 * time.Second
)

// provider returns the metadata, which it reads at the first need: the
// provider may be this very server, which does not listen while it is wired,
// or one that starts later. What cannot be read is tried again after a moment,
// so that a crowd does not wait for one server in a row.
func (p *relyingParty) provider(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.known != nil:
		return p.known, nil
	case p.now().Before(p.again):
		return nil, p.failed
	}
	// Others wait for the same answer: it is not given up with this browser.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), p.HTTP), discoveryFor)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.Issuer)
	m := &metadata{Provider: found}
	if err == nil {
		err = found.Claims(m)
	}
	if err != nil {
		p.failed = fmt.Errorf("%w: read the metadata of %s: %w", errUnreachable, p.Issuer, err)
		p.again = p.now().Add(discoveryAgain)
		return nil, p.failed
	}
	p.known = m
	return m, nil
}

func (p *relyingParty) oauth(ctx context.Context) (*oauth2.Config, *metadata, error) {
	known, err := p.provider(ctx)
	if err != nil {
		return nil, nil, err
	}
	scopes := []string{oidc.ScopeOpenID}
	if slices.Contains(known.Scopes, "profile") {
		scopes = append(scopes, "profile") // some turn a scope down that they do not know
	}
	return &oauth2.Config{
		ClientID: p.ID, ClientSecret: p.Secret, Endpoint: known.Endpoint(),
		RedirectURL: p.url("/devices/callback"), Scopes: scopes,
	}, known, nil
}

func (p *relyingParty) issuer() string {
	if p.ours {
		return ""
	}
	return p.Issuer
}

func (p *relyingParty) begin(ctx context.Context, a *attempt, language string) (string, error) {
	conf, _, err := p.oauth(ctx)
	if err == nil && !p.ours {
		a.At, err = nextSecond(ctx, a.At)
	}
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier), oauth2.SetAuthURLParam("ui_locales", language),
	}
	if a.Fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return conf.AuthCodeURL(a.State, options...), nil
}

// finish exchanges the code and returns what the ID token is good for. The
// other tokens are not kept.
func (p *relyingParty) finish(r *http.Request, a attempt) (proof, error) {
	conf, known, err := p.oauth(r.Context())
	if err != nil {
		return proof{}, err
	}
	query := r.URL.Query()
	if named := query["iss"]; len(named) > 1 || len(named) == 1 && named[0] != p.Issuer || len(named) == 0 && known.NamesSelf {
		return proof{}, fmt.Errorf("%w: the answer is not from %s", errDenied, p.Issuer) // RFC 9207 §2.4
	}
	ctx := oidc.ClientContext(r.Context(), p.HTTP)
	tokens, skew, err := p.redeem(r.Context(), conf, query.Get("code"), a.Verifier)
	if err != nil {
		return proof{}, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := known.VerifierContext(ctx, &oidc.Config{ClientID: p.ID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return proof{}, errors.Join(errDenied, err)
	}
	found, err := p.claimed(id, a)
	if err != nil {
		return proof{}, err
	}
	found.session.AuthTime = ourTime(found.session.AuthTime, skew, p.now())
	if name := called(ctx, known, conf.TokenSource(ctx, tokens), found.session.Subject); name != "" {
		found.session.Name = name
	}
	if !p.ours && known.EndSession != "" {
		found.hint = raw
	}
	return found, nil
}

// redeem exchanges a code, and returns how far the provider's clock is ahead.
func (p *relyingParty) redeem(
	ctx context.Context, conf *oauth2.Config, code, verifier string,
) (*oauth2.Token, time.Duration, error) {
	client := *p.HTTP
	answer := &dated{next: client.Transport}
	if answer.next == nil {
		answer.next = http.DefaultTransport
	}
	client.Transport = answer
	asked := p.now()
	tokens, err := conf.Exchange(oidc.ClientContext(ctx, &client), code, oauth2.VerifierOption(verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response.StatusCode < 500:
		return nil, 0, fmt.Errorf("%w: %s said %q of the code", errDenied, p.Issuer, refused.ErrorCode)
	case err != nil:
		return nil, 0, fmt.Errorf("%w: redeem the code: %w", errUnreachable, err)
	case p.ours:
		return tokens, 0, nil
	}
	return tokens, ahead(answer.at, asked, p.now()), nil
}

// claimed reads the ID token. This server always tells device and sign-in; of
// others, the seat is found otherwise.
func (p *relyingParty) claimed(id *oidc.IDToken, a attempt) (proof, error) {
	var claims struct {
		DeviceID string `json:"device_id"`
		SID      string `json:"sid"`
		AuthTime int64  `json:"auth_time"`
		Name     string `json:"name"`
	}
	if err := id.Claims(&claims); err != nil {
		return proof{}, errors.Join(errNoClaim, err)
	}
	s := records.Session{
		Subject: id.Subject, DeviceID: claims.DeviceID, SID: claims.SID, Issuer: p.issuer(),
		Name: Cut(claims.Name, 100), AuthTime: time.Unix(claims.AuthTime, 0),
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1:
		return proof{}, errAttempt
	case s.Subject == "", p.ours && (s.DeviceID == "" || s.SID == ""):
		return proof{}, errNoClaim
	}
	found := proof{session: s, undated: claims.AuthTime <= 0, exact: time.Second}
	if s.SID != "" {
		found.ties = []devices.Tie{{Kind: devices.TieHydraLogin, Ref: s.SID}}
	}
	return found, nil
}

// called returns what the owner is called. The page matters more than the
// name.
func called(ctx context.Context, known *metadata, tokens oauth2.TokenSource, subject string) string {
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

// still: what this server has ended, the store knows; others are not asked.
func (p *relyingParty) still(_ *http.Request, s records.Session) (records.Session, error) {
	return s, nil
}

// leave returns where the provider ends its own session (OpenID Connect
// RP-Initiated Logout 1.0 §2).
func (p *relyingParty) leave(r *http.Request, _ records.Session, hint string) (string, error) {
	if hint == "" {
		return "", nil
	}
	known, err := p.provider(r.Context())
	if err != nil {
		return "", err
	}
	to, err := url.Parse(known.EndSession)
	if err != nil || to.Scheme != "https" && to.Scheme != "http" {
		return "", errors.Join(fmt.Errorf("end_session_endpoint is %q", known.EndSession), err)
	}
	query := to.Query()
	query.Set("id_token_hint", hint)
	query.Set("client_id", p.ID)
	query.Set("post_logout_redirect_uri", p.url("/devices/goodbye"))
	to.RawQuery = query.Encode()
	return to.String(), nil
}

// sameOrigin reports whether two URLs are of one origin, as written.
func sameOrigin(a, b string) bool {
	one, err1 := url.Parse(a)
	two, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && one.Scheme == two.Scheme && strings.EqualFold(one.Host, two.Host)
}
