package webui_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

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
	"github.com/lanyard-id/lanyard/store/sqlitetest"
	"github.com/lanyard-id/lanyard/webui"
)

const password = "a lanyard around every key"

// house is the pages beside a real provider on a real store, behind a real
// listener, with a clock that a test winds.
type house struct {
	t        testing.TB
	store    *store.Store
	registry *devices.Registry
	clock    *devicestest.Clock
	issuer   string
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseOn(t, furnished(t))
}

// furnished gives databases with schema, keys and a user: making them takes a
// while, and every house has the same.
var furnished = sqlitetest.Furnished(func(t testing.TB, url string) {
	t.Helper()
	db, _ := furnish(t, url, &devicestest.Clock{})
	if err := db.Close(); err != nil {
		t.Error(err)
	}
})

// furnish opens a database, with a user and keys that it makes where they are
// missing.
func furnish(t testing.TB, database string, clock *devicestest.Clock) (*store.Store, *keyring.Keyring) {
	t.Helper()
	db, err := store.Open(t.Context(), database, store.WithNow(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Open(t.Context(), keyring.Config{
		Store: db, System: system(), Now: clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.User(t.Context(), "ada"); err == nil {
		return db, keys
	}
	hash, err := local.HashPassword(password)
	if err == nil {
		err = db.CreateUser(t.Context(), oauth.User{
			Subject: "ada", Identifier: "ada", PasswordHash: hash, CreatedAt: clock.Now(),
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return db, keys
}

func system() [][]byte { return [][]byte{[]byte("a system secret of a house, 32 bytes")} }

// newHouseOn makes a house on a database. The changes are made to its pages.
func newHouseOn(t testing.TB, database string, changes ...func(*house, *webui.Config)) *house {
	t.Helper()
	ctx, clock, quiet := t.Context(), &devicestest.Clock{}, slog.New(slog.DiscardHandler)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, keys := furnish(t, database, clock)
	t.Cleanup(func() { _ = db.Close() })
	sealer, err := seal.New(system())
	must(err)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h := &house{t: t, store: db, clock: clock, issuer: server.URL, registry: &devices.Registry{
		Store: db, Consents: db, Policy: devices.DefaultPolicy(), Rules: devices.DefaultRules(), Now: clock.Now, NewID: newID,
	}}
	pages, looks := newPages(t), observe.New(observe.Config{Now: clock.Now})
	p, err := provider.New(provider.Config{
		Issuer: h.issuer, Lifetimes: provider.DefaultLifetimes(),
		Storage: provider.Storage{Clients: db, Codes: db, SignIns: db, Consents: db, Assertions: db},
		Gate:    &devices.Gatekeeper{Registry: h.registry, Grants: db, Grace: 10 * time.Second}, Observer: looks,
		Identity: provider.LocalIdentity(local.New(db, clock.Now)), Keys: keys, Sealer: sealer, Pages: pages,
		Now: clock.Now, NewID: newID, Log: quiet,
	})
	must(err)
	config := webui.Config{
		Issuer: h.issuer, Registry: h.registry, Observer: looks, Sessions: db, Holdings: db,
		Client: webui.Client{Issuer: h.issuer, ID: "pages"}, AccessTTL: 10 * time.Minute, Outward: db,
		Sealer: sealer,
		Pages:  pages, Now: clock.Now, Log: quiet,
	}
	for _, change := range changes {
		change(h, &config)
	}
	ui, err := webui.New(config)
	must(err)
	p.Mount(mux)
	pages.Mount(mux)
	ui.Mount(mux)
	_, err = provider.CreateClient(ctx, db, provider.CompleteClient(oauth.Client{
		ID: "pages", AuthMethod: "none", SkipConsent: true, GrantTypes: []string{"authorization_code"},
		Scope: "openid profile", RedirectURIs: []string{webui.CallbackURL(h.issuer)},
	}, newID), clock.Now())
	must(err)
	return h
}

// browser is somebody's browser, at a page.
type browser struct {
	*house
	client *http.Client
	agent  string
	at     *url.URL
	status int
	page   string
}

func (h *house) browser(agent string) *browser {
	jar, _ := cookiejar.New(nil) // fails only with options
	return &browser{house: h, client: &http.Client{Jar: jar}, agent: agent}
}

const (
	onWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"
	onIPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
)

func (b *browser) do(method, target string, form url.Values) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("User-Agent", b.agent)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err = firstError(err, answer.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	b.at, b.status, b.page = answer.Request.URL, answer.StatusCode, string(text)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *browser) get(path string) { b.t.Helper(); b.do("GET", b.issuer+path, nil) }

// post sends a form. A form of the pages comes from a page that the browser has
// just loaded, unless it brings that page's field itself.
func (b *browser) post(path string, form url.Values) {
	b.t.Helper()
	if strings.HasPrefix(path, "/devices") && !form.Has("form") {
		before := *b
		b.get("/devices")
		form.Set("form", b.hidden("form"))
		*b = before
	}
	b.do("POST", b.issuer+path, form)
}

// hidden returns the value of a hidden field of the page.
func (b *browser) hidden(name string) string {
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(b.page)
	if found == nil {
		return ""
	}
	return found[1]
}

// prove fills in the sign-in page as Ada.
func (b *browser) prove() { b.t.Helper(); b.proveAs("ada") }

func (b *browser) proveAs(identifier string) {
	b.t.Helper()
	flow := regexp.MustCompile(`name="flow" value="([^"]*)"`).FindStringSubmatch(b.page)
	if b.at.Path != "/login" || flow == nil {
		b.t.Fatalf("at %s (%d), not at the sign-in:\n%s", b.at, b.status, b.page)
	}
	b.post("/login", url.Values{"flow": {flow[1]}, "identifier": {identifier}, "password": {password}})
}

func (b *browser) signIn() {
	b.t.Helper()
	b.get("/devices")
	b.prove()
	b.is("/devices", http.StatusOK)
}

func (b *browser) is(path string, status int) {
	b.t.Helper()
	if b.at.Path != path || b.status != status {
		b.t.Fatalf("at %s (%d), want %s (%d):\n%s", b.at, b.status, path, status, b.page)
	}
}

// session returns the cookie of the pages.
func (b *browser) session() string {
	b.t.Helper()
	u, err := url.Parse(b.issuer)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "lanyard_pages" {
			return c.Value
		}
	}
	return ""
}

// devices returns Ada's devices, oldest first.
func (h *house) devices() []devices.Device {
	h.t.Helper()
	list, err := h.store.Devices(context.Background(), "ada")
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// fill gives Ada more devices, each with a grant.
func (h *house) fill(n int) {
	h.t.Helper()
	ctx := context.Background()
	err := h.store.Change(ctx, "ada", func(tx devices.Tx) error {
		for i := range n {
			if err := tx.Put(ctx, devices.Device{
				ID: newID(), Subject: "ada", State: devices.StateActive, Tier: devices.TierCookie,
				Name: fmt.Sprintf("%d %s", i, strings.Repeat("long name ", 24)),
				Fingerprint: devices.Fingerprint{
					devices.SignalBrowser: "Chrome", devices.SignalOS: "Windows", devices.SignalOSVersion: "11",
					devices.SignalClass: "desktop",
				},
				CreatedAt: h.clock.Now().Add(-time.Hour), LastSeen: h.clock.Now(),
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range h.devices() {
		err := h.store.OpenGrant(ctx, devices.Grant{
			ID: newID(), Subject: "ada", ClientID: "client-of-" + d.ID, DeviceID: d.ID, CreatedAt: h.clock.Now(),
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func compact(text string) string { return string(bytes.Join(bytes.Fields([]byte(text)), []byte(" "))) }
