package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/resource"
)

// notesAPI is an API that wants the scope profile, and answers whose token it
// got and on which device.
func notesAPI(t *testing.T, c resource.Config) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.URL = server.URL
	guard, err := resource.Discover(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/notes/{id}", guard.Require("profile")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := resource.From(r.Context())
		fmt.Fprintf(w, "%s on %s", token.Subject, token.DeviceID)
	})))
	return server.URL
}

// calls calls an API with that Authorization header and proof, and returns the
// status and what was said.
func calls(t *testing.T, at, authorization, proof string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

// An API asks about each token: it knows the device, and an ended one is
// refused at its next call. Who believes signatures serves it until its token
// expires.
func TestResourceServer(t *testing.T) {
	h := house.Open(t, house.SQLite)
	ada := h.User("ada@example.com")
	api := h.Client("--id", "notes-api", "--secret", "the secret of the API of the notes", "--grant-type", "client_credentials")
	plain, signed := h.Client("--id", "plain", "--public"), h.Client("--id", "signed", "--public", "--access-token", "jwt")
	online := notesAPI(t, resource.Config{Issuer: h.Issuer, ClientID: api.ID, ClientSecret: "the secret of the API of the notes"})
	offline := notesAPI(t, resource.Config{Issuer: h.Issuer, Offline: true})
	wants := func(name, at, authorization string, status int, said string) {
		t.Helper()
		if got, body, _ := calls(t, at+"/notes/1", authorization, ""); got != status || !strings.Contains(body, said) {
			t.Errorf("%s: %d %s, want %d %s", name, got, body, status, said)
		} else if strings.Contains(body, `"code":""`) {
			t.Errorf("%s: a problem without a code: %s", name, body)
		}
	}
	hand := h.NewHand(plain, house.Laptop())
	good(t, http.StatusOK)(hand.SignIn(ada, everything, nil))
	jwt := h.NewHand(signed, house.Laptop())
	jwt.Browser = hand.Browser
	good(t, http.StatusOK)(jwt.SignIn(ada, everything, nil))
	if hand.Tokens.Device != jwt.Tokens.Device {
		t.Fatal("two devices for one browser")
	}
	whose := ada.Subject + " on " + hand.Tokens.Device
	wants("opaque", online, "Bearer "+hand.Tokens.Access, 200, whose)
	wants("opaque, in lower case", online, "bearer "+hand.Tokens.Access, 200, whose)
	wants("JWT, asked about", online, "Bearer "+jwt.Tokens.Access, 200, whose)
	wants("JWT, believed", offline, "Bearer "+jwt.Tokens.Access, 200, whose)
	for name, bad := range map[string]string{
		"nothing":                 "",
		"another scheme":          "Basic " + hand.Tokens.Access,
		"no token":                "Bearer ",
		"a refresh token":         "Bearer " + hand.Tokens.Refresh,
		"an ID token":             "Bearer " + jwt.Tokens.ID,
		"a bearer token as bound": "DPoP " + hand.Tokens.Access,
		"a forged JWT":            "Bearer " + jwt.Tokens.Access[:strings.LastIndex(jwt.Tokens.Access, ".")] + ".AAAA",
		"no JWT":                  "Bearer a.b.c",
		"garbage":                 "Bearer " + strings.Repeat("x", 5000),
	} {
		wants(name, online, bad, 401, "")
		wants(name+", offline", offline, bad, 401, "")
	}
	wants("nothing", online, "", 401, `"code":"token_missing"`)
	wants("an opaque token, where nobody is asked", offline, "Bearer "+hand.Tokens.Access, 401, "invalid_token")

	two, err := http.NewRequestWithContext(t.Context(), http.MethodGet, online+"/notes/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	two.Header["Authorization"] = []string{"Bearer " + hand.Tokens.Access, "Bearer " + hand.Tokens.Access}
	if got := good(t, http.StatusBadRequest)(hand.Do(two)); !strings.Contains(string(got.Body), "invalid_request") {
		t.Errorf("two tokens: %s", got.Body)
	}

	narrow := h.NewHand(plain, house.Laptop())
	good(t, http.StatusOK)(narrow.SignIn(ada, "openid email", nil))
	status, body, header := calls(t, online+"/notes/1", "Bearer "+narrow.Tokens.Access, "")
	if said := strings.Join(header["Www-Authenticate"], " "); status != 403 || !strings.Contains(said, `error="insufficient_scope", scope="profile"`) {
		t.Errorf("without the scope: %d %s %s", status, said, body)
	}

	good(t, http.StatusNoContent)(hand.Call(http.MethodPost, "/api/v1/devices/logout", ""))
	wants("opaque, ended", online, "Bearer "+hand.Tokens.Access, 401, "invalid_token")
	wants("JWT, ended and asked about", online, "Bearer "+jwt.Tokens.Access, 401, "invalid_token")
	wants("JWT, ended and believed", offline, "Bearer "+jwt.Tokens.Access, 200, whose)

	h.Stop()
	wants("while the issuer is away", online, "Bearer "+narrow.Tokens.Access, 503, "Try again")
}

// An API takes a token only if it is meant for it, and only until it expires.
func TestResourceServerAudience(t *testing.T) {
	h := house.Open(t, house.SQLite)
	ada := h.User("ada@example.com")
	const secret = "the secret that an API of Ada's has"
	for _, id := range []string{"notes-api", "mail-api"} {
		h.Client("--id", id, "--secret", secret, "--grant-type", "client_credentials")
	}
	client := h.Client("--id", "app", "--public", "--access-token", "jwt", "--audience", "notes-api")
	app := h.NewHand(client, house.Laptop())
	good(t, http.StatusOK)(app.SignIn(ada, everything, url.Values{"audience": {"notes-api"}}))
	later := func() time.Time { return time.Now().Add(time.Hour) }
	for name, tt := range map[string]struct {
		config resource.Config
		want   int
	}{
		"meant for it":               {resource.Config{Audience: "notes-api", ClientID: "notes-api"}, 200},
		"meant for it, believed":     {resource.Config{Audience: "notes-api", Offline: true}, 200},
		"for another":                {resource.Config{Audience: "mail-api", ClientID: "mail-api"}, 401},
		"for another, believed":      {resource.Config{Audience: "mail-api", Offline: true}, 401},
		"for nobody in particular":   {resource.Config{ClientID: "notes-api"}, 401},
		"for nobody, believed":       {resource.Config{Offline: true}, 401},
		"for another, who asks":      {resource.Config{Audience: "notes-api", ClientID: "mail-api"}, 401},
		"expired by the API's clock": {resource.Config{Audience: "notes-api", Offline: true, Now: later}, 401},
		"with the wrong secret":      {resource.Config{Audience: "notes-api", ClientID: "notes-api", ClientSecret: "wrong"}, 503},
	} {
		if tt.config.ClientSecret == "" {
			tt.config.ClientSecret = secret
		}
		tt.config.Issuer = h.Issuer
		if got, body, _ := calls(t, notesAPI(t, tt.config)+"/notes/1", "Bearer "+app.Tokens.Access, ""); got != tt.want {
			t.Errorf("%s: %d %s, want %d", name, got, body, tt.want)
		}
	}
}

// An ID token is for the client, and opens no API (RFC 9068 §4).
func TestResourceServerIDToken(t *testing.T) {
	h := house.Open(t, house.SQLite)
	app := h.NewHand(h.Client("--id", "app", "--public"), house.Laptop())
	good(t, http.StatusOK)(app.SignIn(h.User("ada@example.com"), everything, nil))
	at := notesAPI(t, resource.Config{Issuer: h.Issuer, Audience: "app", Offline: true})
	if got, body, _ := calls(t, at+"/notes/1", "Bearer "+app.Tokens.ID, ""); got != http.StatusUnauthorized {
		t.Errorf("%d %s", got, body)
	}
	// Whose keys cannot be had cannot be told from a stranger's.
	late := notesAPI(t, resource.Config{Issuer: h.Issuer, Offline: true})
	h.Stop()
	if got, body, _ := calls(t, late+"/notes/1", "Bearer "+forged, ""); got != http.StatusServiceUnavailable {
		t.Errorf("without the keys: %d %s", got, body)
	}
}

// forged is an access token that nobody has signed: {"alg":"ES256","typ":"at+jwt"}.
const forged = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AAAA"

// A token that is bound to a key is good for who has the key, for the request
// that the proof is for, once.
func TestResourceServerKey(t *testing.T) {
	h := house.Open(t, house.SQLite)
	ada := h.User("ada@example.com")
	h.Client("--id", "notes-api", "--secret", "the secret of the API of the notes", "--grant-type", "client_credentials")
	app := h.NewHand(h.Client("--id", "app", "--public", "--binding", "dpop", "--access-token", "jwt"), house.Laptop())
	app.Key = house.NewKey()
	good(t, http.StatusOK)(app.SignIn(ada, everything, nil))
	for name, config := range map[string]resource.Config{
		"asked":    {ClientID: "notes-api", ClientSecret: "the secret of the API of the notes"},
		"believed": {Offline: true},
	} {
		config.Issuer = h.Issuer
		at := notesAPI(t, config)
		once := app.Key.Proof("GET", at+"/notes/1", app.Tokens.Access)
		for _, tt := range []struct {
			name, scheme, proof string
			want                int
		}{
			{"with the key", "DPoP ", once, 200},
			{"the same proof again", "DPoP ", once, 401},
			{"without a proof", "DPoP ", "", 401},
			{"as a bearer token", "Bearer ", "", 401},
			{"as a bearer token with a proof", "Bearer ", app.Key.Proof("GET", at+"/notes/1", app.Tokens.Access), 401},
			{"by another key", "DPoP ", house.NewKey().Proof("GET", at+"/notes/1", app.Tokens.Access), 401},
			{"for another note", "DPoP ", app.Key.Proof("GET", at+"/notes/2", app.Tokens.Access), 401},
			{"for another method", "DPoP ", app.Key.Proof("POST", at+"/notes/1", app.Tokens.Access), 401},
			{"for another API", "DPoP ", app.Key.Proof("GET", "https://mail.example.com/notes/1", app.Tokens.Access), 401},
			{"about another token", "DPoP ", app.Key.Proof("GET", at+"/notes/1", app.Tokens.Refresh), 401},
			{"about no token", "DPoP ", app.Key.Proof("GET", at+"/notes/1", ""), 401},
		} {
			if got, body, _ := calls(t, at+"/notes/1", tt.scheme+app.Tokens.Access, tt.proof); got != tt.want {
				t.Errorf("%s, %s: %d %s, want %d", name, tt.name, got, body, tt.want)
			}
		}
	}
}
