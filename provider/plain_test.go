package provider_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"
)

// backendSecret is the secret of the client "backend" of both servers, and of
// others. It looks like one that our server generated, which is cheap to
// compare.
const backendSecret = "ly_cs_dGhlIHNlY3JldCBvZiBhIGJhY2tlbmQsIDMyIGJ5dGU"

// failing is fosite's memory store, which has no transactions of its own,
// behind the transactions of a database that may fail to serialise them.
type failing struct {
	*storage.MemoryStore
	conflict bool
}

func (f *failing) BeginTX(ctx context.Context) (context.Context, error) { return ctx, nil }

func (f *failing) Rollback(context.Context) error { return nil }

func (f *failing) Commit(context.Context) error {
	if f.conflict {
		return fosite.ErrSerializationFailure
	}
	return nil
}

// plainFosite opens a server that is fosite as compose makes it: its defaults,
// its memory store, and a page that lets everybody be ada.
func plainFosite(t *testing.T) *door {
	t.Helper()
	store := &failing{MemoryStore: storage.NewMemoryStore()}
	secret, err := bcrypt.GenerateFromPassword([]byte(backendSecret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []fosite.DefaultClient{
		{ID: "one", Public: true}, {ID: "two", Public: true}, {ID: "backend", Secret: secret},
	} {
		c.RedirectURIs, c.ResponseTypes = []string{callback}, []string{"code"}
		c.GrantTypes = []string{"authorization_code", "refresh_token", "client_credentials"}
		c.Scopes = []string{"openid", "offline_access", "profile", "email"}
		store.Clients[c.ID] = &c
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	config := &fosite.Config{
		GlobalSecret: []byte("a global secret of 32 bytes, yes"), RefreshTokenLifespan: plainLife,
	}
	keyOf := func(context.Context) (any, error) { return key, nil }
	s := &plainServer{store: store}
	s.oauth2 = compose.Compose(config, store, &compose.CommonStrategy{
		CoreStrategy:               compose.NewOAuth2HMACStrategy(config),
		OpenIDConnectTokenStrategy: compose.NewOpenIDConnectStrategy(keyOf, config),
		Signer:                     &jwt.DefaultSigner{GetPrivateKey: keyOf},
	},
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2ClientCredentialsGrantFactory,
		compose.OAuth2RefreshTokenGrantFactory, compose.OpenIDConnectExplicitFactory,
		compose.OpenIDConnectRefreshFactory, compose.OAuth2TokenIntrospectionFactory,
		compose.OAuth2TokenRevocationFactory, compose.OAuth2PKCEFactory)
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)

	b := (&house{t: t, issuer: listener.URL}).browser(http.Header{})
	return &door{
		browser: b, issuer: listener.URL, life: plainLife, wait: time.Sleep,
		code: func() string { return b.code("", longAsk()) },
		junk: func(token string) string {
			return strings.Repeat("x", strings.IndexByte(token, '.')) + token[strings.IndexByte(token, '.'):]
		},
		conflicted: func(token string) answer {
			s.set(true)
			defer s.set(false)
			return b.token(refreshForm(token, "client_id", "one"))
		},
	}
}

// plainLife is how long a refresh token of the plain server lives. fosite
// rounds to seconds and reads the real clock.
const plainLife = 2 * time.Second

// plainServer takes one request at a time: fosite's memory store and its lazy
// configuration are not made for more.
type plainServer struct {
	mu     sync.Mutex
	store  *failing
	oauth2 fosite.OAuth2Provider
}

func (s *plainServer) set(conflict bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.conflict = conflict
}

func (s *plainServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := r.Context()
	switch r.URL.Path {
	case "/oauth2/auth":
		request, err := s.oauth2.NewAuthorizeRequest(ctx, r)
		if err != nil {
			s.oauth2.WriteAuthorizeError(ctx, w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		session := openid.NewDefaultSession()
		session.Subject, session.Claims.Subject = "ada", "ada"
		answer, err := s.oauth2.NewAuthorizeResponse(ctx, request, session)
		if err != nil {
			s.oauth2.WriteAuthorizeError(ctx, w, request, err)
			return
		}
		s.oauth2.WriteAuthorizeResponse(ctx, w, request, answer)
	case "/oauth2/token":
		request, err := s.oauth2.NewAccessRequest(ctx, r, openid.NewDefaultSession())
		if err != nil {
			s.oauth2.WriteAccessError(ctx, w, request, err)
			return
		}
		answer, err := s.oauth2.NewAccessResponse(ctx, request)
		if err != nil {
			s.oauth2.WriteAccessError(ctx, w, request, err)
			return
		}
		s.oauth2.WriteAccessResponse(ctx, w, request, answer)
	case "/oauth2/revoke":
		s.oauth2.WriteRevocationResponse(ctx, w, s.oauth2.NewRevocationRequest(ctx, r))
	case "/oauth2/introspect":
		state, err := s.oauth2.NewIntrospectionRequest(ctx, r, openid.NewDefaultSession())
		if err != nil {
			s.oauth2.WriteIntrospectionError(ctx, w, err)
			return
		}
		s.oauth2.WriteIntrospectionResponse(ctx, w, state)
	default:
		http.NotFound(w, r)
	}
}
