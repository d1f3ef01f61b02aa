// Notes is a small application that signs people in at Lanyard, with go-oidc and
// x/oauth2 as they are: authorization code with PKCE, an ID token, refreshes. It
// shows who is signed in and on which device. It keeps its sessions in memory.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// notes is the application.
type notes struct {
	oauth2.Config
	issuer   string
	provider *oidc.Provider

	mu       sync.Mutex
	pending  map[string]string   // PKCE verifiers of sign-ins that have begun, by state
	sessions map[string]*session // by the value of the cookie
}

// session is somebody who is signed in.
type session struct {
	Name, Subject, Device string
	Token                 *oauth2.Token
	Refreshed             int
	Issuer, Trouble       string
}

const cookie = "notes_session"

func main() {
	issuer := flag.String("issuer", "http://127.0.0.1:4477", "the issuer of Lanyard")
	client := flag.String("client-id", "notes", "the client_id, of a public client")
	listen := flag.String("listen", "127.0.0.1:8000", "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app, err := newNotes(ctx, *issuer, *client, "http://"+*listen+"/callback")
	if err != nil {
		log.Print(err)
		return
	}
	log.Printf("open http://%s/", *listen)
	server := &http.Server{Addr: *listen, Handler: app.routes(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Print(err)
	}
}

func newNotes(ctx context.Context, issuer, client, callback string) (*notes, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return &notes{
		Config: oauth2.Config{
			ClientID: client, Endpoint: provider.Endpoint(), RedirectURL: callback,
			// Without offline_access there is no refresh token.
			Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "profile", "email"},
		},
		issuer: issuer, provider: provider,
		pending: map[string]string{}, sessions: map[string]*session{},
	}, nil
}

func (n *notes) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", n.home)
	mux.HandleFunc("GET /login", n.login)
	mux.HandleFunc("GET /callback", n.callback)
	mux.HandleFunc("POST /refresh", n.refresh)
	return mux
}

// login sends the browser to Lanyard.
func (n *notes) login(w http.ResponseWriter, r *http.Request) {
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	n.mu.Lock()
	n.pending[state] = verifier
	n.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "notes_state", Value: state, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, n.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(state)), http.StatusSeeOther)
}

// callback is where Lanyard sends the browser back to.
func (n *notes) callback(w http.ResponseWriter, r *http.Request) {
	state := r.FormValue("state")
	n.mu.Lock()
	verifier, begun := n.pending[state]
	delete(n.pending, state)
	n.mu.Unlock()
	if sent, err := r.Cookie("notes_state"); !begun || err != nil || sent.Value != state {
		http.Error(w, "this sign-in did not begin in this browser", http.StatusBadRequest)
		return
	}
	if refused := r.FormValue("error"); refused != "" {
		http.Error(w, "nobody was signed in: "+refused, http.StatusForbidden)
		return
	}
	token, err := n.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	s, err := n.signedIn(r.Context(), token, state)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	id := rand.Text()
	n.mu.Lock()
	n.sessions[id] = s
	n.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// signedIn verifies the ID token, which says who signed in and on which device,
// and asks for their name.
func (n *notes) signedIn(ctx context.Context, token *oauth2.Token, nonce string) (*session, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := n.provider.Verifier(&oidc.Config{ClientID: n.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if id.Nonce != nonce {
		return nil, errors.New("the ID token is of another sign-in")
	}
	var claims struct {
		Device string `json:"device_id"`
	}
	if err := id.Claims(&claims); err != nil {
		return nil, err
	}
	// Claims of the scopes profile and email are at userinfo (OIDC Core §5.4).
	user, err := n.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, err
	}
	return &session{Name: user.Email, Subject: id.Subject, Device: claims.Device, Token: token, Issuer: n.issuer}, nil
}

// of returns the session of a request, or nil.
func (n *notes) of(r *http.Request) *session {
	sent, err := r.Cookie(cookie)
	if err != nil {
		return nil
	}
	return n.sessions[sent.Value]
}

// refresh gets new tokens with the refresh token. Lanyard refuses it where the
// device was signed out, or the token turns up on another one.
func (n *notes) refresh(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.of(r)
	if s == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	fresh, err := n.TokenSource(r.Context(), &oauth2.Token{RefreshToken: s.Token.RefreshToken}).Token()
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		s.Token, s.Refreshed, s.Trouble = fresh, s.Refreshed+1, ""
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		s.Trouble = "Lanyard refused the refresh (invalid_grant): sign in again."
	default:
		s.Trouble = fmt.Sprintf("No answer from Lanyard; the tokens are kept: %v", err)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Notes</title>
<h1>Notes</h1>
{{if .}}<p>Signed in as {{.Name}} ({{.Subject}}).</p>
<p>Device {{.Device}}, refreshed {{.Refreshed}} times; the access token is good until {{.Token.Expiry.UTC.Format "15:04:05"}} UTC.</p>
{{with .Trouble}}<p>{{.}}</p>{{end}}
<form method="post" action="/refresh"><button>Refresh</button></form>
<p><a href="{{.Issuer}}/devices">Your devices</a></p>
{{else}}<p><a href="/login">Sign in</a></p>
{{end}}</html>
`))

func (n *notes) home(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, n.of(r)) // the browser may be gone
}
