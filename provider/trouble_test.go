package provider_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// errand is a request of one endpoint that is good while the store is.
type errand struct {
	name   string
	send   func() answer
	page   bool // answered to a browser
	stored bool // nothing can be said without the store
}

// errands returns a request for each endpoint. Each works once.
func errands(t *testing.T, h *house, key signer) []errand {
	t.Helper()
	laptop, proofs := h.browser(devicestest.LaptopHeaders()), h.prover()
	got := laptop.signIn(ada)
	code, online := laptop.code(ada, ask()), laptop.token(redeem(laptop.code(ada, ask("scope", "openid"))))
	told := laptop.token(redeem(laptop.code(ada, ask("claims", `{"id_token":{"email":null}}`))))
	stranger := h.browser(devicestest.LaptopHeaders())
	flow, third := stranger.flowFrom(t, ask()), laptop.flowFrom(t, ask("client_id", "third", "prompt", "consent"))
	allowed := laptop.filled("/consent?"+url.Values{"flow": {third}}.Encode(), "allow")
	left := laptop.filled(logoutPath, "allow")
	form := func(pairs ...string) url.Values { return with(url.Values{}, pairs...) }
	secret := []string{"client_id", "backend", "client_secret", backendSecret}
	return []errand{
		{"a refresh", func() answer { return laptop.token(refreshForm(got.str("refresh_token"))) }, false, true},
		{"a refresh that tells claims", func() answer { return laptop.token(refreshForm(told.str("refresh_token"))) }, false, true},
		{"a thief's refresh", func() answer {
			return h.browser(devicestest.ThiefHeaders()).token(refreshForm(online.str("access_token")))
		}, false, false},
		{"a code", func() answer { return laptop.token(redeem(code)) }, false, true},
		{"a code with a proof", func() answer {
			return laptop.token(redeem(code), proofs.proves("POST", tokenPath))
		}, false, true},
		{"a client for itself", func() answer {
			return laptop.token(form(append(secret, "grant_type", "client_credentials", "scope", "email")...))
		}, false, true},
		{"an assertion", func() answer {
			return laptop.do("POST", "/oauth2/introspect", form("token", got.str("access_token"),
				"client_assertion_type", jwtBearer, "client_assertion", key.sign(h.assertion("keyed"))))
		}, false, true},
		{"introspection of an access token", func() answer {
			return laptop.do("POST", "/oauth2/introspect", form(append(secret, "token", got.str("access_token"))...))
		}, false, true},
		{"introspection of a refresh token", func() answer {
			return laptop.do("POST", "/oauth2/introspect", form(append(secret, "token", got.str("refresh_token"))...))
		}, false, true},
		{"userinfo", func() answer { return laptop.userinfo(got.str("access_token")) }, false, true},
		{"a request", func() answer { return stranger.do("GET", "/oauth2/auth?"+ask("client_id", "rare").Encode(), nil) }, true, true},
		{"a request of who is signed in", func() answer { return laptop.do("GET", "/oauth2/auth?"+ask().Encode(), nil) }, true, true},
		{"a silent request", func() answer {
			return laptop.do("GET", "/oauth2/auth?"+ask("prompt", "none").Encode(), nil)
		}, true, true},
		{"a request by form", func() answer { return laptop.do("POST", "/oauth2/auth", ask("client_id", "rare")) }, true, true},
		{"the login page", func() answer { return stranger.do("GET", "/login?"+form("flow", flow).Encode(), nil) }, true, false},
		{"a login", func() answer {
			return stranger.do("POST", "/login", form("flow", flow, "identifier", ada, "password", password))
		}, true, true},
		{"a resumed request", func() answer {
			return laptop.do("GET", "/oauth2/auth/resume?"+form("flow", flow).Encode(), nil)
		}, true, true},
		{"the consent page", func() answer { return laptop.do("GET", "/consent?"+form("flow", third).Encode(), nil) }, true, true},
		{"consent", func() answer {
			return laptop.do("POST", "/consent", allowed)
		}, true, true},
		{"the logout page", func() answer { return laptop.do("GET", logoutPath, nil) }, true, true},
		{"revocation of an access token", func() answer { return laptop.revoke(online.str("access_token")) }, false, true},
		{"logout", func() answer { return laptop.do("POST", logoutPath+"/confirm", left) }, true, true},
		{"revocation of a refresh token", func() answer { return laptop.revoke(got.str("refresh_token")) }, false, true},
	}
}

// troubled fails the test where an answer is not that of a server in trouble
// (D5, T28): a 4xx would end sessions, and a 200 would be a lie.
func (a answer) troubled(t *testing.T, page bool) {
	t.Helper()
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Header.Get("Location") != "" ||
		a.Header.Get("Cache-Control") != "no-store" || strings.Contains(fmt.Sprint(a.Header.Values("Set-Cookie")), sessionCookie) {
		t.Errorf("got %d %v %s", a.Status, a.Header, a.Raw)
	}
	if page {
		a.page(t, http.StatusServiceUnavailable)
	} else if a.str("error") != "temporarily_unavailable" {
		t.Errorf("got %s", a.Raw)
	}
	for _, secret := range []string{"sql", "SQL", "relation", "table", "closed", "grants", "connect", "SQLSTATE"} {
		if strings.Contains(sealedText.ReplaceAllString(a.Raw, ""), secret) {
			t.Errorf("the answer speaks of %q: %s", secret, a.Raw)
		}
	}
}

func troubleHouse(t *testing.T, h *house) signer {
	key := newSigner("k1")
	h.client(oauth.Client{ID: "rare"})
	h.client(oauth.Client{ID: "keyed", AuthMethod: "private_key_jwt", JWKS: key.jwks()})
	h.client(oauth.Client{ID: "backend", AuthMethod: "client_secret_post", Secret: backendSecret, GrantTypes: []string{"client_credentials"}})
	h.thirdParty(oauth.Client{
		ID: "third", AuthMethod: "none", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code", "refresh_token"},
		Scope: "openid offline_access devices",
	})
	return key
}

// TestStoreGone sends every errand while there is no database at all, and again
// when it is back: nothing is lost, and nothing has happened.
func TestStoreGone(t *testing.T) {
	h := newHouseInPostgres(t)
	key := troubleHouse(t, h)
	todo := errands(t, h, key)
	h.clock.Advance(6 * time.Second) // so that no client is remembered
	before := h.tables()
	h.reachable(t, false)
	for _, e := range todo {
		if e.stored {
			t.Run(e.name, func(t *testing.T) { e.send().troubled(t, e.page) })
		} else if a := e.send(); a.Status == 401 || a.Status == 200 && strings.Contains(a.Raw, "active") {
			t.Errorf("%s: %d %s", e.name, a.Status, a.Raw)
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json"} {
		h.browser(devicestest.LaptopHeaders()).do("GET", path, nil).want(t, 200, "")
	}
	h.reachable(t, true)
	if after := h.tables(); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Error("something happened without a database")
	}
	for _, e := range todo {
		t.Run(e.name+", when it is back", func(t *testing.T) { e.works(t) })
	}
}

func (e errand) works(t *testing.T) {
	t.Helper()
	a := e.send()
	ok := a.Status == 200 || a.Status == http.StatusSeeOther && !strings.Contains(a.Header.Get("Location"), "error=")
	// The code was redeemed by the errand before, and comes again.
	if e.name == "a code with a proof" || e.name == "a thief's refresh" {
		ok = a.Status == 400
	}
	if !ok {
		t.Errorf("%s: %d %s %s", e.name, a.Status, a.Header.Get("Location"), a.Raw)
	}
}

// reachable lets connections to the house's database be, or ends them all and
// lets none begin.
func (h *house) reachable(t *testing.T, yes bool) {
	t.Helper()
	at, err := url.Parse(h.url)
	h.must(err)
	name := strings.TrimPrefix(at.Path, "/")
	at.Path = "/postgres"
	admin := (&house{t: t, url: at.String()}).database()
	defer func() { _ = admin.Close() }() // it only commands
	_, err = admin.Exec(fmt.Sprintf("ALTER DATABASE %s WITH ALLOW_CONNECTIONS %t", name, yes))
	h.must(err)
	if !yes {
		_, err = admin.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
		h.must(err)
	}
}

// TestConnectionsCut ends the connections and nothing else, again and again:
// each answer is a good one, or says to come again.
func TestConnectionsCut(t *testing.T) {
	h := newHouseInPostgres(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	token := laptop.signIn(ada).str("refresh_token")
	for range 20 {
		h.reachable(t, false)
		laptop.token(refreshForm(token)).troubled(t, false)
		h.reachable(t, true)
		next := laptop.token(refreshForm(token))
		for range 3 {
			if next.Status == 200 {
				break
			}
			next.troubled(t, false)
			next = laptop.token(refreshForm(token))
		}
		if next.want(t, 200, ""); next.Status != 200 {
			return
		}
		token = next.str("refresh_token")
	}
}

// TestTablesGone takes one table after the other away, on each database: what
// cannot be done without it says to come again, and works when it is back.
func TestTablesGone(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		tablesGoneStory(t, newHouse(t), "clients", "grants", "devices", "subjects", "users", "codes", "sign_ins",
			"consents", "assertions", "events")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		tablesGoneStory(t, newHouseInPostgres(t), "grants", "codes")
	})
}

func tablesGoneStory(t *testing.T, h *house, tables ...string) {
	key := troubleHouse(t, h)
	db := h.database()
	defer func() { _ = db.Close() }() // it was used up
	rename := func(from, to string) {
		t.Helper()
		if _, err := db.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	failed := map[string]int{}
	for _, table := range tables {
		for _, e := range errands(t, h, key) {
			h.clock.Advance(6 * time.Second) // so that no client is remembered
			rename(table, "gone")
			a := e.send()
			rename("gone", table)
			if a.Status >= 500 {
				a.troubled(t, e.page)
				failed[table]++
				e.works(t)
			} else if a.Status >= 400 && e.name != "a code with a proof" && e.name != "a thief's refresh" {
				t.Errorf("without %s, %s is %d %s", table, e.name, a.Status, a.Raw)
			}
			if t.Failed() {
				t.Fatalf("that was without %s: %s", table, e.name)
			}
		}
		h.clock.Advance(time.Minute)
	}
	for _, table := range tables {
		if failed[table] == 0 {
			t.Errorf("nothing needs %s", table)
		}
	}
}

// TestStoreClosed closes the store under a server that is told to stop.
func TestStoreClosed(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	token := laptop.signIn(ada).str("refresh_token")
	h.must(h.store.Close())
	for range 3 {
		laptop.token(refreshForm(token)).troubled(t, false)
	}
	again := newHouseOn(t, h.url)
	again.browser(devicestest.LaptopHeaders()).token(refreshForm(token)).want(t, 200, "")
}

// TestTroubleBeforeWriting fails where the subject's claims are read: neither
// the code nor the refresh token is spent by it, in strict mode either.
func TestTroubleBeforeWriting(t *testing.T) {
	h := newHouse(t, func(c *provider.Config) { c.Gate.Grace = 0 })
	laptop := h.browser(devicestest.LaptopHeaders())
	db := h.database()
	defer func() { _ = db.Close() }() // it was used up
	without := func(form url.Values) answer {
		_, err := db.Exec("ALTER TABLE users RENAME TO gone")
		h.must(err)
		laptop.token(form).troubled(t, false)
		_, err = db.Exec("ALTER TABLE gone RENAME TO users")
		h.must(err)
		a := laptop.token(form)
		a.want(t, 200, "")
		return a
	}
	got := without(redeem(laptop.code(ada, ask("claims", `{"id_token":{"email":null}}`))))
	got = without(refreshForm(got.str("refresh_token")))
	if claims, _ := claimsOf(t, got.str("id_token")); claims["email"] != ada {
		t.Errorf("claims %v", claims)
	}
}

// sealedText is what no person reads: it may hold any three letters.
var sealedText = regexp.MustCompile("[A-Za-z0-9_-]{40,}")
