package ory_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/hooks/ory"
)

const asked = "/admin/oauth2/auth/requests/consent"

func TestReadingAConsentRequest(t *testing.T) {
	for _, tt := range []struct {
		name, client, more string
		own                bool
	}{
		{"the operator says so", `"metadata":{"first_party":true}`, "", true},
		{"the client skips consent", `"skip_consent":true`, "", true},
		{"it was given before", `"metadata":{}`, `"skip":true,`, true},
		{"somebody else's", `"metadata":{"first_party":false}`, `"skip":false,`, false},
		{"a word is not a yes", `"metadata":{"first_party":"true"}`, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			h.hydra.says("GET "+asked+"?consent_challenge=c", http.StatusOK, `{"challenge":"c",`+tt.more+
				`"subject":"ada","login_session_id":"sid","request_url":"https://auth/?a","requested_scope":["openid"],"requested_access_token_audience":["api"],`+
				`"client":{"client_id":"client",`+tt.client+`}}`)
			got, err := h.client.Consent(t.Context(), "c")
			want := ory.Consent{
				Challenge: "c", Subject: "ada", ClientID: "client", SID: "sid", Scopes: []string{"openid"}, Audience: []string{"api"},
				Request: "https://auth/?a", FirstParty: tt.own,
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestAChallengeThatIsNoMore(t *testing.T) {
	h := open(t)
	for status, want := range map[int]bool{
		http.StatusNotFound: true, http.StatusGone: true, http.StatusBadRequest: true,
		http.StatusUnauthorized: false, http.StatusInternalServerError: false, http.StatusServiceUnavailable: false,
	} {
		h.hydra.says("GET "+asked, status, "{}")
		if _, err := h.client.Consent(t.Context(), "c"); err == nil || errors.Is(err, ory.ErrChallenge) != want {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestAnsweringAConsentRequest(t *testing.T) {
	h := open(t)
	h.hydra.says("PUT "+asked+"/accept?consent_challenge=c", http.StatusOK, `{"redirect_to":"https://there"}`)
	h.hydra.says("PUT "+asked+"/reject?consent_challenge=c", http.StatusOK, `{"redirect_to":"https://no"}`)
	to, err := h.client.Accept(t.Context(), ory.Consent{Challenge: "c", Scopes: []string{"openid"}, Audience: []string{"api"}}, "device")
	if to != "https://there" || err != nil {
		t.Errorf("%s, %v", to, err)
	}
	var said map[string]any
	if err := json.Unmarshal([]byte(h.hydra.bodies[0]), &said); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"grant_scope": []any{"openid"}, "grant_access_token_audience": []any{"api"},
		"session": map[string]any{"access_token": map[string]any{"device_id": "device"}, "id_token": map[string]any{"device_id": "device"}},
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	if to, err = h.client.Reject(t.Context(), "c", "access_denied", "why"); to != "https://no" || err != nil {
		t.Errorf("%s, %v", to, err)
	}
	h.hydra.says("PUT "+asked+"/accept", http.StatusInternalServerError, "{}")
	if _, err := h.client.Accept(t.Context(), ory.Consent{Challenge: "another"}, "device"); err == nil {
		t.Error("trouble is no consent")
	}
}

func TestWhoseATokenIs(t *testing.T) {
	const introspect = "POST /admin/oauth2/introspect"
	for _, tt := range []struct {
		name, says string
		want       ory.Token
	}{
		{"a refresh token", `{"active":true,"token_use":"refresh_token","sub":"ada","client_id":"c","ext":{"device_id":"d"}}`,
			ory.Token{Active: true, Subject: "ada", ClientID: "c", DeviceID: "d"}},
		{"an access token", `{"active":true,"token_use":"access_token","sub":"ada","client_id":"c"}`, ory.Token{Subject: "ada", ClientID: "c"}},
		{"nobody's", `{"active":false}`, ory.Token{}},
		{"one with an odd device", `{"active":true,"token_use":"refresh_token","ext":{"device_id":1}}`, ory.Token{Active: true}},
	} {
		h := open(t)
		h.hydra.says(introspect, http.StatusOK, tt.says)
		if got, err := h.client.Introspect(t.Context(), "token"); got != tt.want || err != nil {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
		h.hydra.says(introspect, http.StatusBadGateway, "")
		if _, err := h.client.Introspect(t.Context(), "token"); err == nil {
			t.Errorf("%s: trouble is no answer", tt.name)
		}
	}
}

// A login session that Hydra knows already belongs to its subject alone.
func TestLoginSessions(t *testing.T) {
	for _, tt := range []struct {
		login, want string
	}{
		{`"skip":false,"subject":""`, "sid"},
		{`"skip":true,"subject":"ada"`, "sid"},
		{`"skip":true,"subject":"mallory"`, ""},
	} {
		h := open(t)
		h.hydra.says("GET /admin/oauth2/auth/requests/login?login_challenge=c", http.StatusOK, `{"challenge":"c",`+tt.login+
			`,"session_id":"sid","request_url":"https://auth/?a","requested_scope":[],"requested_access_token_audience":[],"client":{}}`)
		got, err := h.client.LoginSession(t.Context(), "c", "ada")
		if got != tt.want || err != nil {
			t.Errorf("%s: %q (%v), want %q", tt.login, got, err, tt.want)
		}
	}
	h := open(t)
	h.hydra.says("GET /admin/oauth2/auth/requests/login", http.StatusGone, "{}")
	if got, err := h.client.LoginSession(t.Context(), "c", "ada"); got != "" || !errors.Is(err, ory.ErrChallenge) {
		t.Errorf("%q (%v)", got, err)
	}
}
