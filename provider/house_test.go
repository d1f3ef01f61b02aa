package provider_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/seal"
	"github.com/lanyard-id/lanyard/store"
	"github.com/lanyard-id/lanyard/store/pgtest"
	"github.com/lanyard-id/lanyard/store/sqlitetest"
	"github.com/lanyard-id/lanyard/webui"
)

// house is a provider on a real store, behind a real listener, with a clock
// that a test winds.
type house struct {
	t        testing.TB
	provider *provider.Provider
	store    *store.Store
	gate     *devices.Gatekeeper
	keys     *keyring.Keyring
	clock    *devicestest.Clock
	issuer   string
	url      string // of the database
}

const (
	ada      = "ada@example.com"
	bob      = "bob@example.com"
	password = "a lanyard around every key"
	callback = "https://notes.example.com/callback"
)

// system is the system secret of a house.
func system() [][]byte { return [][]byte{[]byte("a system secret of a house, 32 bytes")} }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// newHouse opens a house on a fresh SQLite file, with two users and the public
// client "notes".
func newHouse(t testing.TB, edits ...func(*provider.Config)) *house {
	t.Helper()
	return newHouseOn(t, furnished.file(t), edits...)
}

// newHouseInPostgres is newHouse in a fresh PostgreSQL database.
func newHouseInPostgres(t testing.TB, edits ...func(*provider.Config)) *house {
	t.Helper()
	return newHouseOn(t, furnished.database(t), edits...)
}

// furnished give databases with schema, keys, users and a client: making them
// takes a while, and every house has the same.
var furnished = struct{ file, database func(testing.TB) string }{
	sqlitetest.Furnished(furnish), pgtest.Furnished(furnish),
}

func furnish(t testing.TB, url string) {
	t.Helper()
	h := newHouseOn(t, url)
	h.must(h.store.Close())
}

// pages are the same for everybody.
var pages = sync.OnceValues(func() (*webui.Pages, error) { return webui.NewPages() })

func newHouseOn(t testing.TB, database string, edits ...func(*provider.Config)) *house {
	t.Helper()
	ctx := t.Context()
	clock := &devicestest.Clock{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.Open(ctx, database, store.WithNow(clock.Now))
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	keys, err := keyring.Open(ctx, keyring.Config{Store: db, System: system(), Now: clock.Now, Log: quiet()})
	must(err)
	sealer, err := seal.New(system())
	must(err)
	pages, err := pages()
	must(err)

	h := &house{t: t, store: db, clock: clock, keys: keys, url: database}
	h.gate = &devices.Gatekeeper{
		Registry: &devices.Registry{
			Store: db, Consents: db, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: clock.Now, NewID: newID,
		},
		Grants: db, Grace: 10 * time.Second, Recent: devices.NewRecent(100),
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.issuer = server.URL
	c := provider.Config{
		Issuer: h.issuer, Lifetimes: provider.DefaultLifetimes(),
		Storage: provider.Storage{Clients: db, Codes: db, SignIns: db, Consents: db, Assertions: db},
		Gate:    h.gate, Observer: observe.New(observe.Config{Now: clock.Now}),
		Identity: provider.LocalIdentity(local.New(db, clock.Now)), Keys: keys, Sealer: sealer, Pages: pages,
		Now: clock.Now, NewID: newID, Log: quiet(),
		Limits: &provider.Limits{}, // none: a story repeats itself, from one address
	}
	for _, edit := range edits {
		edit(&c)
	}
	h.provider, err = provider.New(c)
	must(err)
	h.provider.Mount(mux)
	pages.Mount(mux)
	if _, err := db.User(ctx, "ada"); err != nil {
		h.user(ada)
		h.user(bob)
		h.client(oauth.Client{ID: "notes"})
	}
	return h
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// hashed returns a hash of password that is as cheap to compare as argon2id can
// be: these tests sign in hundreds of times.
var hashed = sync.OnceValues(func() (string, error) {
	return argon2id.CreateHash(password, &argon2id.Params{
		Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32,
	})
})

// user adds a user whose password is password.
func (h *house) user(identifier string) {
	h.t.Helper()
	hash, err := hashed()
	if err == nil {
		err = h.store.CreateUser(h.t.Context(), oauth.User{
			Subject: strings.Split(identifier, "@")[0], Identifier: identifier, PasswordHash: hash,
			Claims:    map[string]any{"name": "Ada", "email": identifier, "email_verified": true},
			CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now(),
		})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// client registers a client: public, first-party, with code and refresh,
// where c does not say otherwise. It returns it with its secret.
func (h *house) client(c oauth.Client) oauth.Client {
	h.t.Helper()
	if c.AuthMethod == "" {
		c.AuthMethod = "none"
	}
	if c.GrantTypes == nil {
		c.GrantTypes = []string{"authorization_code", "refresh_token"}
	}
	if c.RedirectURIs == nil {
		c.RedirectURIs = []string{callback}
	}
	if c.Scope == "" {
		c.Scope = "openid offline_access profile email devices"
	}
	c.SkipConsent = true
	return h.thirdParty(c)
}

// thirdParty registers a complete client as it is.
func (h *house) thirdParty(c oauth.Client) oauth.Client {
	h.t.Helper()
	c, err := provider.CreateClient(h.t.Context(), h.store, provider.CompleteClient(c, newID), h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// browser is somebody's browser, or their native HTTP stack: it has looks and
// a cookie jar.
type browser struct {
	*house
	looks http.Header
	http  *http.Client
}

func (h *house) browser(looks http.Header) *browser {
	jar, _ := cookiejar.New(nil) // fails only with options
	return &browser{house: h, looks: looks, http: &http.Client{
		Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// answer is a response, read.
type answer struct {
	Status int
	Header http.Header
	Raw    string
	JSON   map[string]any // nil where it is no object
}

func (a answer) str(name string) string {
	s, _ := a.JSON[name].(string)
	return s
}

// do sends a request; edits come last.
func (b *browser) do(method, target string, form url.Values, edits ...func(*http.Request)) answer {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.issuer + target
	}
	body := ""
	if method == http.MethodPost {
		body = form.Encode()
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(b.t.Context()), method, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = b.looks.Clone()
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, edit := range edits {
		edit(r)
	}
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{Status: res.StatusCode, Header: res.Header, Raw: string(raw)}
	_ = json.Unmarshal(raw, &a.JSON) // a page is none
	return a
}

// setBody gives a request another body of another media type; an empty type is
// none.
func setBody(r *http.Request, body, kind string) {
	r.Body = io.NopCloser(strings.NewReader(body))
	r.ContentLength = int64(len(body))
	r.GetBody = nil
	r.Header.Del("Content-Type")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
}

const verifier = "a-verifier-of-forty-three-characters-or-so-1234"

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask is the query of an authorization request; pairs of name and value
// change it, and an empty value takes a parameter out.
func ask(pairs ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"notes"}, "redirect_uri": {callback},
		"scope": {"openid offline_access devices"}, "state": {"a state"}, "nonce": {"a nonce"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	return with(q, pairs...)
}

func with(q url.Values, pairs ...string) url.Values {
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	return q
}

// authorize walks an authorization request through the provider's own pages,
// signing in as identifier where it is asked, and returns where it ends: the
// client's redirect URI with the answer, or a page.
func (b *browser) authorize(identifier string, q url.Values) (*url.URL, answer) {
	b.t.Helper()
	at := b.issuer + "/oauth2/auth?" + q.Encode()
	for range 6 {
		u, err := url.Parse(at)
		if err != nil {
			b.t.Fatal(err)
		}
		var a answer
		switch {
		case !strings.HasPrefix(at, b.issuer+"/"):
			return u, answer{}
		case u.Path == "/login" && identifier == "":
			return u, b.do("GET", at, nil)
		case u.Path == "/login":
			a = b.do("POST", "/login", url.Values{
				"identifier": {identifier}, "password": {password}, "flow": {u.Query().Get("flow")},
			})
		case u.Path == "/consent":
			a = b.do("POST", "/consent", b.filled(u.RequestURI(), "allow"))
		default:
			a = b.do("GET", at, nil)
		}
		if at = a.Header.Get("Location"); at == "" {
			return u, a
		}
	}
	b.t.Fatal("the authorization request goes in circles")
	return nil, answer{}
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// filled returns the form of the page at a path, filled in with a decision.
func (b *browser) filled(path, decision string) url.Values {
	b.t.Helper()
	form := url.Values{"decision": {decision}}
	page := b.do("GET", path, nil)
	for _, field := range hiddenField.FindAllStringSubmatch(page.Raw, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	return form
}

// signOut signs out on the page that asks about it.
func (b *browser) signOut() answer {
	b.t.Helper()
	return b.do("POST", logoutPath+"/confirm", b.filled(logoutPath, "allow"))
}

// code returns an authorization code of the request.
func (b *browser) code(identifier string, q url.Values) string {
	b.t.Helper()
	u, a := b.authorize(identifier, q)
	code := u.Query().Get("code")
	if code == "" {
		b.t.Fatalf("no code: %s %d %s", u, a.Status, a.Raw)
	}
	return code
}

// redeem is the form that redeems a code of ask.
func redeem(code string, pairs ...string) url.Values {
	return with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"client_id": {"notes"}, "redirect_uri": {callback},
	}, pairs...)
}

// refreshForm is the form that presents a refresh token.
func refreshForm(token string, pairs ...string) url.Values {
	return with(url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"notes"},
	}, pairs...)
}

// token posts a form to the token endpoint.
func (b *browser) token(form url.Values, edits ...func(*http.Request)) answer {
	b.t.Helper()
	return b.do("POST", "/oauth2/token", form, edits...)
}

// signIn signs in to "notes" and returns the token answer.
func (b *browser) signIn(identifier string) answer {
	b.t.Helper()
	a := b.token(redeem(b.code(identifier, ask())))
	if a.Status != http.StatusOK {
		b.t.Fatalf("sign-in: %d %s", a.Status, a.Raw)
	}
	return a
}

// want fails the test where an answer is not of that status and OAuth error.
func (a answer) want(t *testing.T, status int, code string) {
	t.Helper()
	if a.Status != status || a.str("error") != code {
		t.Errorf("got %d %s, want %d %s", a.Status, a.Raw, status, code)
	}
}
