package provider_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// door is a server as the checks below see it: public clients "one" and
// "two", and "backend" with a secret.
type door struct {
	*browser
	issuer string
	life   time.Duration       // the absolute end of a grant
	wait   func(time.Duration) // lets time pass
	code   func() string
	// junk returns the token with another key part before its live signature.
	junk func(token string) string
	// conflicted refreshes while the database fails to serialise it.
	conflicted func(token string) answer
}

// longAsk is an authorization request of "one" whose state and nonce are as
// long as fosite demands.
func longAsk(pairs ...string) url.Values {
	q := ask("client_id", "one", "state", "a longer state", "nonce", "a longer nonce",
		"scope", "openid offline_access profile")
	return with(q, pairs...)
}

// grant returns tokens of a new grant of "one".
func (d *door) grant(t *testing.T) answer {
	t.Helper()
	code := d.code()
	a := d.token(redeem(code, "client_id", "one"))
	if a.Status != http.StatusOK {
		t.Fatalf("no grant: %d %s", a.Status, a.Raw)
	}
	return a
}

func (d *door) refresh(token string, pairs ...string) answer {
	return d.token(refreshForm(token, append([]string{"client_id", "one"}, pairs...)...))
}

// spent returns a refresh token that was used and the one that came of it.
func (d *door) spent(t *testing.T) (spent, current string) {
	t.Helper()
	spent = d.grant(t).str("refresh_token")
	return spent, d.refresh(spent).str("refresh_token")
}

func (d *door) introspect(token string) answer {
	return d.do("POST", "/oauth2/introspect", url.Values{"token": {token}}, func(r *http.Request) {
		r.SetBasicAuth("backend", url.QueryEscape(backendSecret))
	})
}

// gaps are what plain fosite leaves open. A check returns what is wrong, or
// nothing.
var gaps = []struct {
	name  string
	check func(*testing.T, *door) string
}{
	{"F1 a refresh for fewer scopes is narrowed", narrows},
	{"F1 a refresh for more scopes is refused", refusesWidening},
	{"F2 a spent token in another client's hands ends nothing", sparesFromOtherClients},
	{"F3 a spent token with a junk key part ends nothing", sparesFromJunk},
	{"F4 a junk key part with a live signature revokes nothing", revokesNoJunk},
	{"F5 a repeated parameter is refused", refusesRepeats},
	{"F6 a hundred at once end in one lineage that works", survivesCrowds},
	{"F7 no refresh carries a grant past its absolute end", endsAbsolutely},
	{"F8 a wrong verifier opens no way without one", keepsVerifier},
	{"F9 a wrong secret is told how to authenticate", challenges},
	{"F10 an authorization answer names its issuer", namesIssuer},
	{"F10 a proved key binds the tokens", bindsKeys},
	{"F10 there is metadata", describesItself},
	{"F11 a conflict in the database is no fault of the client", blamesNobody},
}

// TestGapsAreClosed runs every check against this server.
func TestGapsAreClosed(t *testing.T) {
	d := ourDoor(t)
	for _, g := range gaps {
		t.Run(g.name, func(t *testing.T) {
			if wrong := g.check(t, d); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// TestGapsBite proves that the checks find what they look for: plain fosite
// fails every one. It has no metadata and no DPoP at all (F10), so there it
// fails for want of an endpoint.
func TestGapsBite(t *testing.T) {
	d := plainFosite(t)
	for _, g := range gaps {
		t.Run(g.name, func(t *testing.T) {
			if wrong := g.check(t, d); wrong == "" {
				t.Error("plain fosite passes: the check proves nothing")
			} else {
				t.Log(wrong)
			}
		})
	}
}

// ourDoor is a house on PostgreSQL, in an isolation that fails to serialise
// conflicts. SQLite, with its one writer, has none.
func ourDoor(t *testing.T) *door {
	h := newHouseOn(t, furnished.database(t)+"&default_transaction_isolation=repeatable%20read")
	const life = 10 * time.Hour
	for _, c := range []oauth.Client{
		{ID: "one"}, {ID: "two"},
		{ID: "backend", AuthMethod: "client_secret_basic", Secret: backendSecret},
	} {
		c.RefreshAbsolute, c.RefreshIdle = life.String(), (10 * life).String()
		h.client(c)
	}
	b := h.browser(devicestest.LaptopHeaders())
	return &door{
		browser: b, issuer: h.issuer, life: life, wait: h.clock.Advance,
		code: func() string { return b.code(ada, longAsk()) },
		junk: func(token string) string {
			raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "ly_rt_"))
			if err != nil {
				t.Fatal(err)
			}
			raw[0] ^= 1 // of the key's name; the signature is the last 32 bytes
			return "ly_rt_" + base64.RawURLEncoding.EncodeToString(raw)
		},
		conflicted: func(token string) answer { return b.conflicted(t, token) },
	}
}

// conflicted refreshes while another transaction has the grant's row and
// changes it.
func (b *browser) conflicted(t *testing.T, token string) answer {
	t.Helper()
	db := b.database()
	defer func() { _ = db.Close() }() // the test fails first
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec("UPDATE grants SET version = version + 1")
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan answer)
	go func() { done <- b.token(refreshForm(token, "client_id", "one")) }()
	for len(b.query("SELECT 1 FROM pg_locks WHERE NOT granted")) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return <-done
}

func narrows(t *testing.T, d *door) string {
	a := d.refresh(d.grant(t).str("refresh_token"), "scope", "openid")
	state := d.introspect(a.str("access_token"))
	if a.Status != http.StatusOK || state.str("scope") != "openid" {
		return fmt.Sprintf("asked for openid alone: %d, and the token has %q", a.Status, state.str("scope"))
	}
	again := d.introspect(d.refresh(a.str("refresh_token")).str("access_token"))
	if again.str("scope") != "openid offline_access profile" {
		return fmt.Sprintf("the next refresh has %q, not the whole grant", again.str("scope"))
	}
	return ""
}

func refusesWidening(t *testing.T, d *door) string {
	token := d.grant(t).str("refresh_token")
	a := d.refresh(token, "scope", "openid offline_access profile email")
	if a.Status != http.StatusBadRequest || a.str("error") != "invalid_scope" {
		return fmt.Sprintf("asked for more: %d %s", a.Status, a.str("error"))
	}
	return worksStill(d, token)
}

// worksStill returns what is wrong with a token that nothing should have
// ended.
func worksStill(d *door, token string) string {
	if a := d.refresh(token); a.Status != http.StatusOK {
		return fmt.Sprintf("afterwards the current token is refused: %d %s", a.Status, a.str("error"))
	}
	return ""
}

func sparesFromOtherClients(t *testing.T, d *door) string {
	spent, current := d.spent(t)
	if a := d.token(refreshForm(spent, "client_id", "two")); a.Status != http.StatusBadRequest {
		return fmt.Sprintf("another client's spent token: %d", a.Status)
	}
	return worksStill(d, current)
}

func sparesFromJunk(t *testing.T, d *door) string {
	spent, current := d.spent(t)
	if a := d.refresh(d.junk(spent)); a.Status != http.StatusBadRequest {
		return fmt.Sprintf("a junk key part: %d", a.Status)
	}
	return worksStill(d, current)
}

func revokesNoJunk(t *testing.T, d *door) string {
	current := d.grant(t).str("refresh_token")
	d.do("POST", "/oauth2/revoke", url.Values{"token": {d.junk(current)}, "client_id": {"one"}})
	return worksStill(d, current)
}

func refusesRepeats(t *testing.T, d *door) string {
	token := d.grant(t).str("refresh_token")
	form := refreshForm(token, "client_id", "one", "scope", "openid")
	form.Add("scope", "profile")
	if a := d.token(form); a.Status != http.StatusBadRequest || a.str("error") != "invalid_request" {
		return fmt.Sprintf("two scopes: %d %s", a.Status, a.str("error"))
	}
	return ""
}

func survivesCrowds(t *testing.T, d *door) string {
	token := d.grant(t).str("refresh_token")
	var crowd sync.WaitGroup
	answers := make([]answer, 100)
	for i := range answers {
		crowd.Go(func() { answers[i] = d.refresh(token) })
	}
	crowd.Wait()
	for _, a := range answers {
		if a.Status != http.StatusOK || a.str("refresh_token") != answers[0].str("refresh_token") {
			return fmt.Sprintf("one of them got %d %s", a.Status, a.str("error"))
		}
	}
	return worksStill(d, answers[0].str("refresh_token"))
}

func endsAbsolutely(t *testing.T, d *door) string {
	token := d.grant(t).str("refresh_token")
	for range 3 {
		d.wait(d.life * 6 / 10)
		if token = d.refresh(token).str("refresh_token"); token == "" {
			return ""
		}
	}
	return "1.8 lifetimes after its beginning the grant goes on"
}

func keepsVerifier(_ *testing.T, d *door) string {
	code := d.code()
	for _, wrong := range []string{strings.Repeat("wrong-", 8), ""} {
		if a := d.token(redeem(code, "client_id", "one", "code_verifier", wrong)); a.Status != http.StatusBadRequest {
			return fmt.Sprintf("with the verifier %q: %d", wrong, a.Status)
		}
	}
	if a := d.token(redeem(code, "client_id", "one")); a.Status != http.StatusOK {
		return fmt.Sprintf("the right verifier is refused after that: %d %s", a.Status, a.str("error"))
	}
	return ""
}

func challenges(_ *testing.T, d *door) string {
	a := d.token(url.Values{"grant_type": {"client_credentials"}}, func(r *http.Request) {
		r.SetBasicAuth("backend", "wrong")
	})
	if how := a.Header.Get("WWW-Authenticate"); a.Status != http.StatusUnauthorized || !strings.HasPrefix(how, "Basic ") {
		return fmt.Sprintf("%d, WWW-Authenticate %q", a.Status, how)
	}
	return ""
}

func namesIssuer(_ *testing.T, d *door) string {
	for what, pairs := range map[string][]string{
		"a code":   {},
		"an error": {"scope", "openid unheard-of"},
	} {
		to, _ := d.authorize(ada, longAsk(pairs...))
		if to.Query().Get("iss") != d.issuer {
			return fmt.Sprintf("%s comes without its issuer: %s", what, to)
		}
	}
	return ""
}

func bindsKeys(_ *testing.T, d *door) string {
	key := newProver(d.issuer)
	key.now = d.now()
	code := d.code()
	a := d.token(redeem(code, "client_id", "one"), key.proves("POST", "/oauth2/token"))
	if a.str("token_type") != "DPoP" {
		return fmt.Sprintf("the token type is %q", a.str("token_type"))
	}
	if a := d.refresh(a.str("refresh_token")); a.Status != http.StatusBadRequest {
		return fmt.Sprintf("a bound token refreshes without its key: %d", a.Status)
	}
	return ""
}

func describesItself(_ *testing.T, d *door) string {
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		if a := d.do("GET", path, nil); a.str("issuer") != d.issuer {
			return fmt.Sprintf("%s: %d", path, a.Status)
		}
	}
	return ""
}

func blamesNobody(t *testing.T, d *door) string {
	token := d.grant(t).str("refresh_token")
	a := d.conflicted(token)
	if a.Status == http.StatusOK {
		return worksStill(d, a.str("refresh_token"))
	}
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		return fmt.Sprintf("%d %s", a.Status, a.str("error"))
	}
	return worksStill(d, token)
}
