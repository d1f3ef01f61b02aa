package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// oddSecret needs the form encoding of RFC 6749 §2.3.1, in which a plus is a
// space.
const oddSecret = "p@ss: w%rd+ü/=&?# of 32 letters+"

// signer is a client's key for private_key_jwt.
type signer struct {
	key *ecdsa.PrivateKey
	id  string
}

func newSigner(id string) signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // never fails (crypto/rand)
	}
	return signer{key, id}
}

func (s signer) jwks() json.RawMessage {
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: s.key.Public(), KeyID: s.id, Use: "sig", Algorithm: "ES256"},
	}})
	if err != nil {
		panic(err) // the key is a good one
	}
	return raw
}

func (s signer) sign(claims map[string]any) string {
	made, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: s.id},
	}, nil)
	if err != nil {
		panic(err) // the key is a good one
	}
	text, err := jwt.Signed(made).Claims(claims).Serialize()
	if err != nil {
		panic(err) // the claims are JSON
	}
	return text
}

// assertion returns the claims of a good one; pairs change them, and nil takes
// one out.
func (h *house) assertion(client string, pairs ...any) map[string]any {
	now := h.clock.Now()
	claims := map[string]any{
		"iss": client, "sub": client, "aud": h.issuer, "jti": newID(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for i := 0; i < len(pairs); i += 2 {
		claims[pairs[i].(string)] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		}
	}
	return claims
}

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// officeHouse is a house with a client for each way to authenticate.
func officeHouse(t *testing.T) (*house, signer) {
	h := newHouse(t)
	key := newSigner("k1")
	h.client(oauth.Client{ID: "basic", AuthMethod: "client_secret_basic", Secret: backendSecret})
	h.client(oauth.Client{ID: "post", AuthMethod: "client_secret_post", Secret: backendSecret + " of posts"})
	h.client(oauth.Client{ID: "odd~1", AuthMethod: "client_secret_basic", Secret: oddSecret})
	h.client(oauth.Client{ID: "keyed", AuthMethod: "private_key_jwt", JWKS: key.jwks()})
	return h, key
}

// auth is one way to authenticate a client.
type auth struct {
	form  url.Values
	basic string // the credentials as they stand in the header, unencoded
	head  string // the whole header instead
}

func (a auth) edit(r *http.Request) {
	if a.basic != "" {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(a.basic)))
	}
	if a.head != "" {
		r.Header.Set("Authorization", a.head)
	}
}

// TestClientAuthentication tries every way to authenticate, at every endpoint
// that asks for one.
func TestClientAuthentication(t *testing.T) {
	h, key := officeHouse(t)
	caller := h.browser(devicestest.AppHeaders())
	posted := func(pairs ...string) auth { return auth{form: with(url.Values{}, pairs...)} }
	asserted := func(client string) url.Values {
		return url.Values{
			"client_assertion_type": {jwtBearer}, "client_assertion": {key.sign(h.assertion(client))},
		}
	}
	and := func(a, b auth) auth {
		form := maps.Clone(a.form)
		if form == nil {
			form = url.Values{}
		}
		maps.Copy(form, b.form)
		return auth{form, a.basic + b.basic, a.head + b.head}
	}
	basic := auth{basic: "basic:" + url.QueryEscape(backendSecret)}
	post := posted("client_id", "post", "client_secret", backendSecret+" of posts")

	for _, row := range []struct {
		name   string
		auth   func() auth
		status int // 0: authenticated
		code   string
	}{
		{"none for a public client", func() auth { return posted("client_id", "notes") }, 0, ""},
		{"basic", func() auth { return basic }, 0, ""},
		{"basic, and the client named again", func() auth { return and(basic, posted("client_id", "basic")) }, 0, ""},
		{"basic in lower case", func() auth {
			return auth{head: "basic " + base64.StdEncoding.EncodeToString([]byte(basic.basic))}
		}, 0, ""},
		{"basic, form-encoded", func() auth { return auth{basic: "odd%7E1:" + url.QueryEscape(oddSecret)} }, 0, ""},
		{"post", func() auth { return post }, 0, ""},
		{"an assertion", func() auth { return auth{form: asserted("keyed")} }, 0, ""},
		{"an assertion, and the client named again", func() auth {
			return and(auth{form: asserted("keyed")}, posted("client_id", "keyed"))
		}, 0, ""},

		{"basic, not form-encoded", func() auth { return auth{basic: "odd~1:" + oddSecret} }, 400, "invalid_request"},
		{"none for a client with a secret", func() auth { return posted("client_id", "basic") }, 401, "invalid_client"},
		{"none for a client that posts", func() auth { return posted("client_id", "post") }, 401, "invalid_client"},
		{"none for a client with a key", func() auth { return posted("client_id", "keyed") }, 401, "invalid_client"},
		{"a wrong secret", func() auth { return auth{basic: "basic:wrong"} }, 401, "invalid_client"},
		{"a wrong secret, posted", func() auth { return posted("client_id", "post", "client_secret", "wrong") }, 401, "invalid_client"},
		{"an empty secret", func() auth { return auth{basic: "basic:"} }, 401, "invalid_client"},
		{"an empty secret for a client that posts", func() auth { return auth{basic: "post:"} }, 401, "invalid_client"},
		{"an empty secret for a client with a key", func() auth { return auth{basic: "keyed:"} }, 401, "invalid_client"},
		{"an empty secret for a public client", func() auth { return auth{basic: "notes:"} }, 401, "invalid_client"},
		{"the hash as the secret", func() auth { return posted("client_id", "post", "client_secret", h.secretHash("post")) }, 401, "invalid_client"},
		{"another client's secret", func() auth { return auth{basic: "basic:" + url.QueryEscape(backendSecret+" of posts")} }, 401, "invalid_client"},
		{"a secret in other letters", func() auth { return auth{basic: "basic:" + url.QueryEscape(strings.ToUpper(backendSecret))} }, 401, "invalid_client"},
		{"an unknown client", func() auth { return auth{basic: "nobody:x"} }, 401, "invalid_client"},
		{"no client", func() auth { return auth{basic: ":x"} }, 401, "invalid_client"},
		{"nobody at all", func() auth { return auth{} }, 400, "invalid_request"},
		{"basic for a client that posts", func() auth { return auth{basic: "post:" + url.QueryEscape(backendSecret+" of posts")} }, 401, "invalid_client"},
		{"post for a client with basic", func() auth { return posted("client_id", "basic", "client_secret", backendSecret) }, 401, "invalid_client"},
		{"a secret for a public client", func() auth { return posted("client_id", "notes", "client_secret", "x") }, 401, "invalid_client"},
		{"basic for a public client", func() auth { return auth{basic: "notes:x"} }, 401, "invalid_client"},
		{"an assertion for a client with basic", func() auth { return auth{form: asserted("basic")} }, 401, "invalid_client"},
		{"an assertion for a public client", func() auth { return auth{form: asserted("notes")} }, 401, "invalid_client"},
		{"an assertion for an unknown client", func() auth { return auth{form: asserted("nobody")} }, 401, "invalid_client"},
		{"basic and post", func() auth { return and(basic, posted("client_id", "basic", "client_secret", backendSecret)) }, 400, "invalid_request"},
		{"basic and an assertion", func() auth { return and(basic, auth{form: asserted("keyed")}) }, 400, "invalid_request"},
		{"post and an assertion", func() auth { return and(post, auth{form: asserted("keyed")}) }, 400, "invalid_request"},
		{"basic for one client, and another named", func() auth { return and(basic, posted("client_id", "post")) }, 400, "invalid_request"},
		{"an assertion of one client, and another named", func() auth {
			return and(auth{form: asserted("keyed")}, posted("client_id", "basic"))
		}, 401, "invalid_client"},
		{"an assertion without its type", func() auth { return posted("client_id", "keyed", "client_assertion", key.sign(h.assertion("keyed"))) }, 401, "invalid_client"},
		{"an assertion of another type", func() auth {
			return posted("client_id", "keyed", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
				"client_assertion", key.sign(h.assertion("keyed")))
		}, 400, "invalid_request"},
		{"a type without an assertion", func() auth { return posted("client_id", "notes", "client_assertion_type", jwtBearer) }, 400, "invalid_request"},
		{"basic that is no base64", func() auth { return auth{head: "Basic !!!"} }, 401, "invalid_client"},
		{"basic without a colon", func() auth { return auth{head: "Basic " + base64.StdEncoding.EncodeToString([]byte("basic"))} }, 401, "invalid_client"},
		{"basic with half an escape", func() auth { return auth{basic: "basic:%zz"} }, 400, "invalid_request"},
		{"a bearer token", func() auth { return and(auth{head: "Bearer x"}, posted("client_id", "notes")) }, 401, "invalid_client"},
		{"a NUL in the secret", func() auth { return auth{basic: "basic:%00"} }, 401, "invalid_client"},
	} {
		for _, door := range []struct {
			path, form, code string
			status           int
			public           bool // lets public clients in
		}{
			{"/oauth2/token", "grant_type=refresh_token&refresh_token=junk", "invalid_grant", 400, true},
			{"/oauth2/revoke", "token=junk", "", 200, true},
			{"/oauth2/introspect", "token=junk", "", 200, false},
		} {
			t.Run(row.name+" at "+door.path, func(t *testing.T) {
				a := row.auth()
				form, err := url.ParseQuery(door.form)
				if err != nil {
					t.Fatal(err)
				}
				maps.Copy(form, a.form)
				h.unchanged(t, func() {
					got := caller.do("POST", door.path, form, a.edit)
					switch {
					case row.status != 0:
						got.refused(t, row.status, row.code)
					case !door.public && form.Get("client_id") == "notes":
						got.refused(t, 401, "invalid_client")
					default:
						got.want(t, door.status, door.code)
					}
				}, "assertions")
			})
		}
	}
}

// secretHash returns what is stored of a client's secret.
func (h *house) secretHash(client string) string {
	return h.query("SELECT secret_hash FROM clients WHERE id = $1", client)[0]
}

// TestClientAssertions spoils assertions (RFC 7523 §3): none may pass.
func TestClientAssertions(t *testing.T) {
	h, key := officeHouse(t)
	caller := h.browser(devicestest.AppHeaders())
	stranger := newSigner("k1")
	in := func(d time.Duration) int64 { return h.clock.Now().Add(d).Unix() }
	present := func(assertion string) answer {
		return caller.token(url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {"junk"},
			"client_assertion_type": {jwtBearer}, "client_assertion": {assertion},
		})
	}
	for name, assertion := range map[string]string{
		"the token endpoint as the audience":  key.sign(h.assertion("keyed", "aud", h.issuer+"/oauth2/token")),
		"the issuer in a list":                key.sign(h.assertion("keyed", "aud", []string{h.issuer})),
		"one that was valid a little earlier": key.sign(h.assertion("keyed", "nbf", in(-time.Minute))),
		"a clock ten seconds ahead":           key.sign(h.assertion("keyed", "nbf", in(10*time.Second), "iat", in(10*time.Second))),
		"a clock nine seconds behind":         key.sign(h.assertion("keyed", "exp", in(-9*time.Second))),
		"no time but its end":                 key.sign(h.assertion("keyed", "iat", nil)),
	} {
		t.Run(name, func(t *testing.T) { present(assertion).refused(t, 400, "invalid_grant") })
	}
	for name, assertion := range map[string]string{
		"another audience":                   key.sign(h.assertion("keyed", "aud", "https://elsewhere.example.com")),
		"the audience with a slash more":     key.sign(h.assertion("keyed", "aud", h.issuer+"/")),
		"no audience":                        key.sign(h.assertion("keyed", "aud", nil)),
		"another issuer":                     key.sign(h.assertion("keyed", "iss", "basic")),
		"no issuer":                          key.sign(h.assertion("keyed", "iss", nil)),
		"another subject":                    key.sign(h.assertion("keyed", "sub", "basic")),
		"no subject":                         key.sign(h.assertion("keyed", "sub", nil)),
		"no jti":                             key.sign(h.assertion("keyed", "jti", nil)),
		"an empty jti":                       key.sign(h.assertion("keyed", "jti", "")),
		"a jti that is a number":             key.sign(h.assertion("keyed", "jti", 7)),
		"an end five minutes ago":            key.sign(h.assertion("keyed", "exp", in(-5*time.Minute))),
		"no end":                             key.sign(h.assertion("keyed", "exp", nil)),
		"an end two hours ahead":             key.sign(h.assertion("keyed", "exp", in(2*time.Hour))),
		"an end that is a word":              key.sign(h.assertion("keyed", "exp", "tomorrow")),
		"a clock a minute ahead":             key.sign(h.assertion("keyed", "iat", in(time.Minute))),
		"a beginning in ten minutes":         key.sign(h.assertion("keyed", "nbf", in(10*time.Minute))),
		"a stranger's key by the same name":  stranger.sign(h.assertion("keyed")),
		"a key by an unknown name":           signer{key.key, "k2"}.sign(h.assertion("keyed")),
		"no algorithm":                       unsigned(h.assertion("keyed"), `{"alg":"none"}`),
		"no algorithm, and one that matches": unsigned(h.assertion("keyed"), `{"alg":"ES256","kid":"k1"}`),
		"an HMAC by the public key":          hmacSigned(h.assertion("keyed"), key.jwks()),
		"junk":                               "junk",
		"dots":                               "..",
		"many dots":                          "a.b.c.d.e",
		"a signature cut off":                key.sign(h.assertion("keyed"))[:150],
		"a bit of the signature flipped":     flip(key.sign(h.assertion("keyed")), 6*len(key.sign(h.assertion("keyed", "jti", newID())))-12),
	} {
		t.Run(name, func(t *testing.T) {
			h.unchanged(t, func() { present(assertion).refused(t, 401, "invalid_client") }, "assertions")
		})
	}
	t.Run("one that comes again", func(t *testing.T) {
		assertion := key.sign(h.assertion("keyed"))
		present(assertion).refused(t, 400, "invalid_grant")
		present(assertion).refused(t, 401, "invalid_client")
		h.clock.Advance(30 * time.Second)
		present(assertion).refused(t, 401, "invalid_client")
	})
	t.Run("one that comes again at another endpoint", func(t *testing.T) {
		form := url.Values{
			"token": {"junk"}, "client_assertion_type": {jwtBearer},
			"client_assertion": {key.sign(h.assertion("keyed"))},
		}
		caller.do("POST", "/oauth2/introspect", form).want(t, 200, "")
		caller.do("POST", "/oauth2/revoke", form).refused(t, 401, "invalid_client")
	})
	t.Run("a jti that another client used", func(t *testing.T) {
		other := newSigner("k9")
		h.client(oauth.Client{ID: "keyed-too", AuthMethod: "private_key_jwt", JWKS: other.jwks()})
		present(other.sign(h.assertion("keyed-too", "jti", "the first"))).refused(t, 400, "invalid_grant")
		present(key.sign(h.assertion("keyed", "jti", "the first"))).refused(t, 400, "invalid_grant")
	})
}

// unsigned returns a JWT with that header and no signature.
func unsigned(claims map[string]any, header string) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err) // the claims are JSON
	}
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
		base64.RawURLEncoding.EncodeToString(payload) + "."
}

// hmacSigned returns a JWT whose HMAC is by that key.
func hmacSigned(claims map[string]any, key []byte) string {
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, nil)
	if err != nil {
		panic(err) // the key is long enough
	}
	text, err := jwt.Signed(made).Claims(claims).Serialize()
	if err != nil {
		panic(err) // the claims are JSON
	}
	return text
}
