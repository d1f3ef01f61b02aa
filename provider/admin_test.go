package provider_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lanyard-id/lanyard/devices/devicestest"
)

// operator sends requests to the operator's endpoints of a house.
type operator struct {
	*browser
	url string
}

func (h *house) operator() operator {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("admin", "1")
	config.CreateHooks = nil // add no link to a schema
	h.provider.RegisterAdmin(humago.New(mux, config))
	server := httptest.NewServer(mux)
	h.t.Cleanup(server.Close)
	return operator{h.browser(http.Header{}), server.URL + "/admin/clients"}
}

func (o operator) send(method, path, body string) answer {
	o.t.Helper()
	return o.do(method, o.url+path, nil, func(r *http.Request) { setBody(r, body, "application/json") })
}

// introspect asks the operator's endpoint about a token.
func (o operator) introspect(token string) answer {
	o.t.Helper()
	return o.do("POST", strings.TrimSuffix(o.url, "clients")+"oauth2/introspect", url.Values{"token": {token}})
}

// TestClientMembers: a member that would be dropped is refused by its name,
// and one of Hydra's that says nothing is none.
func TestClientMembers(t *testing.T) {
	o := newHouse(t).operator()
	const rest = `"token_endpoint_auth_method":"none","redirect_uris":["` + callback + `"]}`
	for _, bad := range []string{
		`"redirect_uri":"` + callback + `"`, `"Binding":"dpop"`, `"skip-consent":false`, `"":""`,
		`"jwks_uri":"https://example.com/keys"`, `"backchannel_logout_uri":"https://example.com/out"`,
		`"frontchannel_logout_session_required":true`, `"client_secret_expires_at":1`,
		`"authorization_code_grant_access_token_lifespan":"1m"`, `"allowed_cors_origins": [ "https://example.com" ]`,
		`"userinfo_signed_response_alg":"RS256"`, `"request_object_signing_alg":"RS256"`, `"sector_identifier_uri":"https://example.com"`,
	} {
		name := strings.Split(bad, `"`)[1]
		for _, a := range []answer{
			o.send("POST", "", `{"client_id":"new",`+bad+","+rest), o.send("PUT", "/notes", "{"+bad+","+rest),
			o.send("PATCH", "/notes", `[{"op":"add","path":"/`+name+`","value":`+strings.SplitN(bad, ":", 2)[1]+`}]`),
		} {
			if a.Status != 422 || !strings.Contains(a.Raw, `"message":"no`) || !strings.Contains(a.Raw, `"body.`+name+`"`) {
				t.Errorf("with %s: %d %s", bad, a.Status, a.Raw)
			}
		}
	}
	quiet := `"$schema":"https://example.com/Client.json","jwks_uri":"","request_uris":[],"backchannel_logout_session_required":false,"client_secret_expires_at":0,` +
		`"userinfo_signed_response_alg":"none","implicit_grant_id_token_lifespan":null,"metadata":{"a":1},"jwks":{}, "allowed_cors_origins":[ ],`
	o.send("POST", "", `{"client_id":"new",`+quiet+rest).want(t, 201, "")
	o.send("PUT", "/notes", `{"client_id":"notes",`+quiet+rest).want(t, 200, "")
	for _, bad := range []string{`[]`, `null!`, `{"client_id":`, `{"scope":7}`} {
		o.send("POST", "", bad).want(t, 422, "")
	}
}

// TestOperatorLearnsWhatIsWrong: a client that is refused is refused for every
// mistake at once, each by its member, and the list of what there is has no
// empty items.
func TestOperatorLearnsWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	o := h.operator()
	for body, want := range map[string][]string{
		`{"redirect_uris":["https://*.example.com/cb"],"binding":"tight"}`: {
			"body.redirect_uris", "wildcard", "body.binding", "none of device_status, observed, forwarded, dpop",
		},
		`{"colour":"red","jwks_uri":"https://a.example.com"}`: {"body.colour", "no member", "body.jwks_uri", "inline"},
		`{"scope":7}`: {`"body"`, "scope"},
		`[]`:          {`"body"`, "array"},
	} {
		a := o.send("POST", "", body)
		a.want(t, 422, "")
		for _, part := range want {
			if !strings.Contains(a.Raw, part) {
				t.Errorf("%s: no word of %s in %s", body, part, a.Raw)
			}
		}
	}
}

// TestPatchClient changes a client member by member (RFC 6902).
func TestPatchClient(t *testing.T) {
	h := newHouse(t)
	o := h.operator()
	before := o.send("GET", "/notes", "")
	a := o.send("PATCH", "/notes", `[
		{"op":"test","path":"/client_id","value":"notes"},
		{"op":"replace","path":"/client_name","value":"The notes"},
		{"op":"add","path":"/redirect_uris/-","value":"https://notes.example.com/second"},
		{"op":"remove","path":"/owner"}]`)
	a.want(t, 200, "")
	if a.str("client_name") != "The notes" || !strings.Contains(a.Raw, `callback","https://notes.example.com/second"`) ||
		a.str("scope") != before.str("scope") || a.JSON["skip_consent"] != true {
		t.Errorf("patched: %s", a.Raw)
	}
	laptop := h.browser(devicestest.LaptopHeaders())
	laptop.code(ada, ask("redirect_uri", "https://notes.example.com/second")) // at once
	now := o.send("GET", "/notes", "")
	for _, bad := range []string{
		`{}`, `[1]`, `[{"op":"jump","path":"/scope"}]`, `[{"op":"replace","value":1}]`,
		`[{"op":"replace","path":"/client_name","value":"x"},{"op":"test","path":"/client_id","value":"other"}]`,
		`[{"op":"replace","path":"/client_name","value":"x"},{"op":"replace","path":"/redirect_uris/9","value":"https://a.example.com"}]`,
		`[{"op":"replace","path":"/redirect_uris","value":["http://example.com"]}]`,
		`[{"op":"replace","path":"/binding","value":"none"}]`, `[{"op":"replace","path":"","value":7}]`,
		`[{"op":"add","path":"/metadata","value":["` + strings.Repeat("m", 9000) + `"]}` + strings.Repeat(`,{"op":"copy","from":"/metadata/0","path":"/metadata/-"}`, 9) + `]`,
	} {
		if o.send("PATCH", "/notes", bad).want(t, 422, ""); t.Failed() {
			t.Fatalf("with %.200s", bad)
		}
	}
	if again := o.send("GET", "/notes", ""); again.Raw != now.Raw {
		t.Errorf("a refused patch made %s of %s", again.Raw, now.Raw)
	}
	o.send("PATCH", "/nobody", `[]`).want(t, 404, "")

	a = o.send("PATCH", "/notes", `[{"op":"replace","path":"/token_endpoint_auth_method","value":"client_secret_post"}]`)
	secret := a.str("client_secret")
	if a.want(t, 200, ""); secret == "" {
		t.Errorf("confidential without a secret: %s", a.Raw)
	}
	a = o.send("PATCH", "/notes", `[{"op":"replace","path":"/client_name","value":"Notes"}]`)
	if a.want(t, 200, ""); a.str("client_secret") != "" {
		t.Errorf("a secret that did not change is shown: %s", a.Raw)
	}
	laptop.token(redeem(laptop.code(ada, ask()), "client_secret", secret)).want(t, 200, "")
}

// TestOperatorIsAnsweredInTime: a slow store keeps no operator waiting either.
func TestOperatorIsAnsweredInTime(t *testing.T) {
	h := newHouseInPostgres(t)
	o := h.operator()
	db := h.database()
	defer func() { _ = db.Close() }() // it was used up
	tx, err := db.Begin()
	if err == nil {
		_, err = tx.Exec("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE")
	}
	h.must(err)
	h.provider.Deadline = 250 * time.Millisecond
	if a := o.send("GET", "/notes", ""); a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", a.Status, a.Raw)
	}
	h.must(tx.Rollback())
}
