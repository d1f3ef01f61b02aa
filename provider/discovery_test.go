package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestDiscovery holds the metadata to what the endpoints do: each value that is
// advertised is tried here or in the test that is named beside it, and each
// other one is refused. A new value fails the comparison until it is.
func TestDiscovery(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	doc := laptop.do("GET", "/.well-known/openid-configuration", nil)
	if doc.want(t, 200, ""); doc.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type %q", doc.Header.Get("Content-Type"))
	}
	if alias := laptop.do("GET", "/.well-known/oauth-authorization-server", nil); alias.Raw != doc.Raw {
		t.Error("the two documents differ")
	}
	list := func(values ...any) []any { return values }
	want := map[string]any{
		"issuer":                 h.issuer,
		"authorization_endpoint": h.issuer + "/oauth2/auth", "token_endpoint": h.issuer + tokenPath,
		"revocation_endpoint": h.issuer + "/oauth2/revoke", "introspection_endpoint": h.issuer + "/oauth2/introspect",
		"userinfo_endpoint": h.issuer + "/userinfo", "end_session_endpoint": h.issuer + logoutPath,
		"jwks_uri":                                                 h.issuer + "/.well-known/jwks.json",
		"response_types_supported":                                 list("code"),                                                      // TestBadRequests
		"response_modes_supported":                                 list("query"),                                                     // TestBadRequests
		"grant_types_supported":                                    list("authorization_code", "refresh_token", "client_credentials"), // TestTokenRequestsThatAreNone
		"code_challenge_methods_supported":                         list("S256"),                                                      // TestBadRequests
		"subject_types_supported":                                  list("public"),
		"id_token_signing_alg_values_supported":                    list("ES256", "RS256"), // TestSignedTokens
		"scopes_supported":                                         list("openid", "offline_access", "profile", "email", "address", "phone", "devices"),
		"acr_values_supported":                                     list("1"),
		"prompt_values_supported":                                  list("none", "login", "consent", "select_account"),                           // TestPrompts, TestConsent
		"display_values_supported":                                 list("page"),                                                                 // TestGoodRequests
		"dpop_signing_alg_values_supported":                        list("ES256", "ES384", "EdDSA", "PS256", "RS256"),                            // TestProofAlgorithms
		"claims_parameter_supported":                               true,                                                                         // TestUserinfoClaims
		"request_parameter_supported":                              false,                                                                        // TestNoFetch
		"request_uri_parameter_supported":                          false,                                                                        // TestNoFetch
		"authorization_response_iss_parameter_supported":           true,                                                                         // TestState
		"token_endpoint_auth_methods_supported":                    list("none", "client_secret_basic", "client_secret_post", "private_key_jwt"), // TestClientAuthentication
		"token_endpoint_auth_signing_alg_values_supported":         list("ES256", "RS256", "PS256"),                                              // TestAssertionAlgorithms
		"revocation_endpoint_auth_methods_supported":               list("none", "client_secret_basic", "client_secret_post", "private_key_jwt"),
		"revocation_endpoint_auth_signing_alg_values_supported":    list("ES256", "RS256", "PS256"),
		"introspection_endpoint_auth_methods_supported":            list("client_secret_basic", "client_secret_post", "private_key_jwt"),
		"introspection_endpoint_auth_signing_alg_values_supported": list("ES256", "RS256", "PS256"),
		"claims_supported":                                         doc.JSON["claims_supported"], // below
	}
	if diff := cmp.Diff(want, doc.JSON); diff != "" {
		t.Errorf("the metadata drifted (-want +got):\n%s", diff)
	}
	for name, value := range doc.JSON {
		if values, ok := value.([]any); ok && len(values) == 0 {
			t.Errorf("%s is empty, which RFC 8414 §2 forbids", name)
		}
		if text, ok := value.(string); ok && (strings.Contains(text, "?") || strings.Contains(text, "#")) {
			t.Errorf("%s is %s", name, text)
		}
		if endpoint, ok := value.(string); ok && strings.HasSuffix(name, "_endpoint") {
			if a := laptop.do("GET", endpoint, nil); a.Status == 404 {
				t.Errorf("%s leads nowhere", name)
			}
		}
	}
}

// TestClaimsSupported gives a subject every claim there is: what is advertised
// and what is told are the same.
func TestClaimsSupported(t *testing.T) {
	h := newHouse(t)
	claims := map[string]any{
		"email_verified": true, "phone_number_verified": true, "updated_at": float64(1),
		"address": map[string]any{"country": "GB"},
	}
	for _, name := range []string{
		"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
		"website", "gender", "birthdate", "zoneinfo", "locale", "email", "phone_number",
	} {
		claims[name] = "x"
	}
	hash, err := hashed()
	h.must(err)
	h.must(h.store.CreateUser(t.Context(), oauth.User{Subject: "eve", Identifier: "eve", PasswordHash: hash, Claims: claims}))
	h.client(oauth.Client{ID: "all", Scope: "openid profile email address phone"})
	laptop := h.browser(devicestest.LaptopHeaders())
	got := laptop.token(redeem(laptop.code("eve", ask("client_id", "all", "scope", "openid profile email address phone")), "client_id", "all"))
	told, _ := claimsOf(t, got.str("id_token"))
	for name, value := range laptop.userinfo(got.str("access_token")).JSON {
		told[name] = value
	}
	var advertised []string
	for _, name := range laptop.do("GET", "/.well-known/openid-configuration", nil).JSON["claims_supported"].([]any) {
		advertised = append(advertised, name.(string))
	}
	slices.Sort(advertised)
	var names []string
	for name := range told {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(advertised, names); diff != "" {
		t.Errorf("claims (-advertised +told):\n%s", diff)
	}
}

// TestJWKS publishes public keys and nothing else.
func TestJWKS(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	a := laptop.do("GET", "/.well-known/jwks.json", nil)
	a.want(t, 200, "")
	var set struct{ Keys []map[string]any }
	h.must(json.Unmarshal([]byte(a.Raw), &set))
	seen := map[string]bool{}
	algs := []string{}
	for _, key := range set.Keys {
		kid, _ := key["kid"].(string)
		if kid == "" || seen[kid] || key["use"] != "sig" {
			t.Errorf("key %v", key)
		}
		seen[kid] = true
		algs = append(algs, key["alg"].(string))
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5c"} {
			if key[private] != nil {
				t.Errorf("key %s shows its %q", kid, private)
			}
		}
	}
	if slices.Sort(algs); !slices.Equal(algs, []string{"ES256", "RS256"}) {
		t.Errorf("keys for %v", algs)
	}
	if age := a.Header.Get("Cache-Control"); age != "public, max-age=60" {
		t.Errorf("Cache-Control %q", age)
	}
}

// TestSignedTokens verifies ID tokens with nothing but the published keys, by
// each algorithm that is advertised, and as another one by none.
func TestSignedTokens(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	var set jose.JSONWebKeySet
	h.must(json.Unmarshal([]byte(laptop.do("GET", "/.well-known/jwks.json", nil).Raw), &set))
	for _, alg := range []string{"ES256", "RS256"} {
		h.client(oauth.Client{ID: alg, IDTokenAlg: alg})
		got := laptop.token(redeem(laptop.code(ada, ask("client_id", alg)), "client_id", alg))
		parsed, err := jwt.ParseSigned(got.str("id_token"), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		h.must(err)
		keys := set.Key(parsed.Headers[0].KeyID)
		if len(keys) != 1 {
			t.Fatalf("%d keys by the name %q", len(keys), parsed.Headers[0].KeyID)
		}
		var claims jwt.Claims
		if err := parsed.Claims(keys[0].Key, &claims); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if err := claims.Validate(jwt.Expected{Issuer: h.issuer, Subject: "ada", AnyAudience: []string{alg}, Time: h.clock.Now()}); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
	for _, alg := range []string{"none", "HS256", "PS256", "ES384", "EdDSA"} {
		c := oauth.Client{ID: "x", AuthMethod: "none", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code"}, IDTokenAlg: alg}
		if err := provider.ValidateClient(c); err == nil {
			t.Errorf("a client can have ID tokens by %s", alg)
		}
	}
}

// TestAssertionAlgorithms authenticates clients by each algorithm that is
// advertised, and only by the one they are registered with.
func TestAssertionAlgorithms(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	small, large := testRSA(t, 1024), testRSA(t, 2048)
	ec := newSigner("k1").key
	keys := func(key any) json.RawMessage {
		raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "k1", Use: "sig"}}})
		h.must(err)
		return raw
	}
	private := map[string]any{"ES256": ec, "RS256": large, "PS256": large}
	for alg, key := range private {
		public := any(large.Public())
		if alg == "ES256" {
			public = ec.Public()
		}
		h.client(oauth.Client{ID: alg, AuthMethod: "private_key_jwt", AuthAlg: alg, JWKS: keys(public)})
		for used := range private {
			if used == "ES256" != (alg == "ES256") {
				continue // no such key
			}
			made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(used), Key: key}, nil)
			h.must(err)
			text, err := jwt.Signed(made).Claims(h.assertion(alg)).Serialize()
			h.must(err)
			a := laptop.do("POST", "/oauth2/introspect", url.Values{
				"token": {"x"}, "client_assertion_type": {jwtBearer}, "client_assertion": {text},
			})
			if used != alg {
				a.refused(t, 401, "invalid_client")
			} else {
				a.want(t, 200, "")
			}
		}
	}
	for name, jwks := range map[string]json.RawMessage{
		"an RSA key of 1024 bits": keys(small.Public()), "a private key": keys(ec), "no keys": json.RawMessage(`{"keys":[]}`),
		"no JSON": json.RawMessage(`x`), "a secret": keys([]byte("0123456789abcdef0123456789abcdef")),
	} {
		c := oauth.Client{ID: "x", AuthMethod: "private_key_jwt", GrantTypes: []string{"client_credentials"}, JWKS: jwks}
		if err := provider.ValidateClient(c); err == nil {
			t.Errorf("a client can have %s", name)
		}
	}
}

// TestKeyRotation shows that what an old key signed stays good for as long as
// it lives, and that new tokens come by the new one (R12).
func TestKeyRotation(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "jwt", AccessToken: "jwt"})
	laptop := h.browser(devicestest.LaptopHeaders())
	notes := laptop.signIn(ada)
	jwts := laptop.token(redeem(laptop.code(ada, ask("client_id", "jwt")), "client_id", "jwt"))
	_, before := claimsOf(t, jwts.str("access_token"))
	for _, next := range [][2]string{{oauth.UseSign, "ES256"}, {oauth.UseToken, "HS256"}} {
		for range 2 {
			_, err := h.keys.Rotate(t.Context(), next[0], next[1])
			h.must(err)
			h.clock.Advance(time.Minute)
			laptop.userinfo(jwts.str("access_token")).want(t, 200, "")
			laptop.userinfo(notes.str("access_token")).want(t, 200, "")
			notes = laptop.token(refreshForm(notes.str("refresh_token")))
			notes.want(t, 200, "")
			jwts = laptop.token(refreshForm(jwts.str("refresh_token"), "client_id", "jwt"))
			jwts.want(t, 200, "")
		}
	}
	h.clock.Advance(5 * time.Minute)
	jwts = laptop.token(refreshForm(jwts.str("refresh_token"), "client_id", "jwt"))
	_, after := claimsOf(t, jwts.str("access_token"))
	var set jose.JSONWebKeySet
	h.must(json.Unmarshal([]byte(laptop.do("GET", "/.well-known/jwks.json", nil).Raw), &set))
	for _, kid := range []any{before["kid"], after["kid"]} {
		if len(set.Key(kid.(string))) != 1 {
			t.Errorf("the key %v is not published", kid)
		}
	}
}

func testRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
