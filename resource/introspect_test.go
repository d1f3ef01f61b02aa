package resource_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/lanyard-id/lanyard/resource"
)

// A token goes to the issuer's endpoint and no further, and whoever that leads
// to is not believed.
func TestTokensGoNowhereElse(t *testing.T) {
	led := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		led++
		_ = json.NewEncoder(w).Encode(map[string]any{"active": true})
	}))
	defer elsewhere.Close()
	mux := http.NewServeMux()
	issuer := httptest.NewServer(mux)
	defer issuer.Close()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": issuer.URL, "introspection_endpoint": issuer.URL + "/introspect", "jwks_uri": issuer.URL + "/jwks",
		})
	})
	mux.Handle("/introspect", http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	for name, asks := range map[string]*http.Client{"its own client": nil, "another's client": {}} {
		guard, err := resource.Discover(t.Context(), resource.Config{Issuer: issuer.URL, ClientID: "api", HTTP: asks})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/notes", nil)
		r.Header.Set("Authorization", "Bearer a-token")
		if _, err := guard.Check(r); err == nil || errors.Is(err, resource.ErrToken) || led != 0 {
			t.Errorf("%s: %v; led elsewhere %d times", name, err, led)
		}
		led = 0
	}
}
