package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/resource"
)

// While the database is away, every answer that says so says when to come back,
// and a problem has the status of its answer.
func TestUnavailableAnswersSayWhenToRetry(t *testing.T) {
	database, db := open(t, house.PostgreSQL)
	u := newUnavailable(t, database)
	if err := db.down(); err != nil {
		t.Fatal(err)
	}
	u.check(t, u.requests(t), 5*time.Second)
}

// A database that accepts requests and answers none is one in trouble, too.
func TestStuckDatabaseIsUnavailable(t *testing.T) {
	database, db := open(t, house.PostgreSQL)
	u := newUnavailable(t, database)
	requests := u.requests(t)
	db.wire.hold(true)
	defer db.wire.hold(false)
	u.check(t, requests, 15*time.Second)
}

// unavailable is an installation whose database fails.
type unavailable struct {
	*house.House
	hand          *house.Hand
	gateway, api  string
	key, operator string
}

func newUnavailable(t *testing.T, database string) *unavailable {
	t.Helper()
	u := &unavailable{key: "a hook key of thirty-two characters", gateway: house.Address(t)}
	u.House = house.Open(t, house.PostgreSQL, house.Set("database.url", database), house.Set("hooks.keys", []string{u.key}),
		house.Set("gateway.listen", u.gateway), house.Set("gateway.upstream", "http://"+house.Address(t)))
	ada, notes := u.User("ada@example.com"), u.Client("--id", "notes", "--public")
	api := u.Client("--id", "notes-api", "--secret", "the secret of the API of the notes", "--grant-type", "client_credentials")
	u.api = notesAPI(t, resource.Config{Issuer: u.Issuer, ClientID: api.ID, ClientSecret: "the secret of the API of the notes"})
	u.hand = u.NewHand(notes, house.Laptop())
	good(t, http.StatusOK)(u.hand.SignIn(ada, everything, nil))
	a, err := http.DefaultTransport.RoundTrip(request(t, "POST", u.Admin+"/pages/signin",
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, url.Values{"token": {u.Token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	for _, c := range a.Cookies() {
		u.operator = c.Name + "=" + c.Value
	}
	return u
}

func request(t *testing.T, method, at string, header http.Header, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	return r
}

// requests returns requests of each kind that need the database.
func (u *unavailable) requests(t *testing.T) []*http.Request {
	t.Helper()
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	admin := http.Header{"Authorization": {"Bearer " + u.Token}}
	token := http.Header{"Authorization": {"Bearer " + u.hand.Tokens.Access}}
	hook := http.Header{"X-Hook-Key": {u.key}, "Content-Type": {"application/json"}}
	browser := http.Header{}
	for _, c := range u.hand.Browser.Cookies(u.Issuer) {
		browser.Add("Cookie", c.Name+"="+c.Value)
	}
	operator := http.Header{"Cookie": {u.operator}}
	signedIn := http.Header{"Sec-Fetch-Site": {"same-origin"},
		"Cookie": {"lanyard_pages=AAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}
	refreshes := `{"session":{"consent_challenge":"c","id_token":{"subject":"ada"}},"request":{"client_id":"c","grant_types":["refresh_token"]}}`
	exchanges := strings.Replace(refreshes, "refresh_token", "authorization_code", 1)
	id := "/" + u.hand.Tokens.Device
	var all []*http.Request
	for _, tt := range []struct {
		at, method, path string
		header           http.Header
		body             string
	}{
		{u.Issuer, "GET", "/oauth2/auth?client_id=other&response_type=code", nil, ""},
		{u.Issuer, "POST", "/oauth2/token", form, "grant_type=refresh_token&client_id=notes&refresh_token=" + u.hand.Tokens.Refresh},
		{u.Issuer, "POST", "/oauth2/token", form, "grant_type=authorization_code&client_id=other&code=x"},
		{u.Issuer, "POST", "/oauth2/token", form, "grant_type=client_credentials&client_id=other&client_secret=x"},
		{u.Issuer, "POST", "/oauth2/revoke", form, "client_id=notes&token=" + u.hand.Tokens.Refresh},
		{u.Issuer, "POST", "/oauth2/introspect", form, "client_id=other&client_secret=x&token=x"},
		{u.Issuer, "GET", "/userinfo", token, ""},
		{u.Issuer, "POST", "/login", form, "identifier=ada@example.com&password=x"},
		{u.Issuer, "GET", "/oauth2/sessions/logout?id_token_hint=" + u.hand.Tokens.ID, browser, ""},
		{u.Issuer, "GET", "/devices", signedIn, ""},
		{u.Issuer, "POST", "/devices/signout", signedIn, ""},
		{u.Issuer, "GET", "/api/v1/devices", token, ""},
		{u.Issuer, "GET", "/api/v1/devices", signedIn, ""},
		{u.Issuer, "POST", "/api/v1/devices/logout", token, ""},
		{u.Issuer, "GET", "/health/ready", nil, ""},
		{u.Issuer, "POST", "/hooks/hydra/token", hook, refreshes},
		{u.Issuer, "POST", "/hooks/hydra/token", hook, exchanges},
		{u.Issuer, "POST", "/hooks/kratos/login", hook, `{"identity":"ada","flow":{}}`},
		{u.Issuer, "POST", "/hooks/kratos/settings", hook, `{"identity":"ada","flow":{},"revoke":"others"}`},
		{"http://" + u.gateway, "POST", "/oauth2/token", form, "grant_type=refresh_token&client_id=notes&refresh_token=ory_rt_a.b"},
		{u.api, "GET", "/notes/1", token, ""},
		{u.Admin, "GET", "/health/ready", nil, ""},
		{u.Admin, "GET", "/admin/clients", admin, ""},
		{u.Admin, "GET", "/admin/clients/notes", admin, ""},
		{u.Admin, "DELETE", "/admin/clients/notes", admin, ""},
		{u.Admin, "GET", "/admin/devices", admin, ""},
		{u.Admin, "GET", "/admin/devices" + id, admin, ""},
		{u.Admin, "GET", "/admin/grants", admin, ""},
		{u.Admin, "GET", "/admin/subjects/ada/devices", admin, ""},
		{u.Admin, "GET", "/admin/events", admin, ""},
		{u.Admin, "GET", "/pages", operator, ""},
		{u.Admin, "GET", "/pages/devices" + id, operator, ""},
		{u.Admin, "GET", "/pages/events", operator, ""},
		{u.Admin, "GET", "/pages/events/stream", operator, ""},
		{u.Admin, "GET", "/pages/revoke?subject=ada", operator, ""},
	} {
		all = append(all, request(t, tt.method, tt.at+tt.path, tt.header, tt.body))
	}
	return all
}

// check sends all requests at once.
func (u *unavailable) check(t *testing.T, requests []*http.Request, within time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range requests {
		all.Go(func() {
			name, began := r.Method+" "+r.URL.Host+r.URL.Path, time.Now()
			a, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			defer func() { _ = a.Body.Close() }()
			body, err := io.ReadAll(a.Body)
			if took := time.Since(began); err != nil || took > within {
				t.Errorf("%s: took %s: %v", name, took, err)
			}
			if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d, Retry-After %q: %s", name, a.StatusCode, a.Header.Get("Retry-After"), body)
			}
			var problem struct{ Status int }
			if strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
				if err := json.Unmarshal(body, &problem); err != nil || problem.Status != a.StatusCode {
					t.Errorf("%s: %d with the problem %s", name, a.StatusCode, body)
				}
			}
		})
	}
	all.Wait()
}
