package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
)

// While the database is away, every answer that says so says when to come back.
func TestUnavailableAnswersSayWhenToRetry(t *testing.T) {
	database, db := open(t, house.PostgreSQL)
	const key = "a hook key of thirty-two characters"
	h := house.Open(t, house.PostgreSQL, house.Set("database.url", database), house.Set("hooks.keys", []string{key}))
	ada, notes := h.User("ada@example.com"), h.Client("--id", "notes", "--public")
	hand := h.NewHand(notes, house.Laptop())
	good(t, http.StatusOK)(hand.SignIn(ada, everything, nil))
	if err := db.down(); err != nil {
		t.Fatal(err)
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	admin := http.Header{"Authorization": {"Bearer " + h.Token}}
	token := http.Header{"Authorization": {"Bearer " + hand.Tokens.Access}}
	hook := http.Header{"X-Hook-Key": {key}, "Content-Type": {"application/json"}}
	signedIn := http.Header{"Cookie": {"lanyard_pages=AAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}
	refreshes := `{"session":{"consent_challenge":"c","id_token":{"subject":"ada"}},"request":{"client_id":"c","grant_types":["refresh_token"]}}`
	unavailable := 0
	for _, tt := range []struct {
		at, method, path string
		header           http.Header
		body             string
	}{
		{h.Issuer, "GET", "/oauth2/auth?client_id=other&response_type=code", nil, ""},
		{h.Issuer, "POST", "/oauth2/token", form, "grant_type=refresh_token&client_id=notes&refresh_token=" + hand.Tokens.Refresh},
		{h.Issuer, "POST", "/oauth2/token", form, "grant_type=authorization_code&client_id=other&code=x"},
		{h.Issuer, "POST", "/oauth2/revoke", form, "client_id=notes&token=" + hand.Tokens.Refresh},
		{h.Issuer, "POST", "/oauth2/introspect", form, "client_id=other&client_secret=x&token=x"},
		{h.Issuer, "GET", "/userinfo", token, ""},
		{h.Issuer, "POST", "/login", form, "identifier=ada@example.com&password=x"},
		{h.Issuer, "GET", "/oauth2/sessions/logout?id_token_hint=" + hand.Tokens.ID, nil, ""},
		{h.Issuer, "GET", "/devices", signedIn, ""},
		{h.Issuer, "GET", "/api/v1/devices", token, ""},
		{h.Issuer, "POST", "/api/v1/devices/logout", token, ""},
		{h.Issuer, "GET", "/health/ready", nil, ""},
		{h.Issuer, "POST", "/hooks/hydra/token", hook, refreshes},
		{h.Issuer, "POST", "/hooks/kratos/login", hook, `{"identity":"ada","flow":{}}`},
		{h.Admin, "GET", "/admin/clients", admin, ""},
		{h.Admin, "GET", "/admin/devices", admin, ""},
		{h.Admin, "GET", "/admin/events", admin, ""},
		{h.Admin, "GET", "/pages", admin, ""},
		{h.Admin, "GET", "/pages/events", admin, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, tt.at+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range tt.header {
			r.Header[name] = values
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		switch {
		case a.StatusCode == http.StatusServiceUnavailable:
			unavailable++
			if a.Header.Get("Retry-After") == "" {
				t.Errorf("%s %s: 503 without Retry-After", tt.method, tt.path)
			}
		case a.StatusCode >= 500:
			t.Errorf("%s %s: %d", tt.method, tt.path, a.StatusCode)
		default:
			t.Logf("%s %s: %d", tt.method, tt.path, a.StatusCode)
		}
	}
	if unavailable < 14 {
		t.Errorf("only %d answers needed the database", unavailable)
	}
}
