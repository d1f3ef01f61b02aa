package provider

import (
	"encoding/json"
	"net/http"
)

// discovery is GET /.well-known/openid-configuration (OIDC Discovery §4) and
// /.well-known/oauth-authorization-server (RFC 8414 §3). It advertises what
// is served and nothing else.
func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	auth := []string{methodBasic, methodPost, methodAssertion}
	algs := []string{"ES256", "RS256", "PS256"}
	p.cached(w, "application/json", map[string]any{
		"issuer":                                p.Issuer,
		"authorization_endpoint":                p.URL("/oauth2/auth"),
		"token_endpoint":                        p.URL("/oauth2/token"),
		"revocation_endpoint":                   p.URL("/oauth2/revoke"),
		"introspection_endpoint":                p.URL("/oauth2/introspect"),
		"userinfo_endpoint":                     p.URL("/userinfo"),
		"end_session_endpoint":                  p.URL("/oauth2/sessions/logout"),
		"jwks_uri":                              p.URL("/.well-known/jwks.json"),
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{grantCode, grantRefresh, grantCredentials},
		"code_challenge_methods_supported":      []string{"S256"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "RS256"},
		"scopes_supported": []string{
			scopeOpenID, scopeOffline, "profile", "email", "address", "phone", "devices",
		},
		"claims_supported": []string{
			"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid",
			"device_id", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
			"profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
			"email", "email_verified", "address", "phone_number", "phone_number_verified",
		},
		"acr_values_supported":                                     []string{acrPassword},
		"prompt_values_supported":                                  []string{"none", "login", "consent", "select_account"},
		"display_values_supported":                                 []string{"page"},
		"dpop_signing_alg_values_supported":                        proofNames(),
		"claims_parameter_supported":                               true,
		"request_parameter_supported":                              false,
		"request_uri_parameter_supported":                          false,
		"authorization_response_iss_parameter_supported":           true,
		"token_endpoint_auth_methods_supported":                    append([]string{methodNone}, auth...),
		"token_endpoint_auth_signing_alg_values_supported":         algs,
		"revocation_endpoint_auth_methods_supported":               append([]string{methodNone}, auth...),
		"revocation_endpoint_auth_signing_alg_values_supported":    algs,
		"introspection_endpoint_auth_methods_supported":            auth,
		"introspection_endpoint_auth_signing_alg_values_supported": algs,
	})
}

// jwks is GET /.well-known/jwks.json. The cache is short against the time by
// which a new key is published before it signs.
func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.cached(w, "application/json", p.Keys.JWKS())
}

func (p *Provider) cached(w http.ResponseWriter, kind string, body any) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(body) // the connection is gone if it fails
}
