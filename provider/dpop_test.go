package provider_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// changed returns the claims with pairs changed; nil takes one out.
func changed(claims map[string]any, pairs ...any) map[string]any {
	for i := 0; i < len(pairs); i += 2 {
		claims[pairs[i].(string)] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		}
	}
	return claims
}

// signedBy returns a proof by any key and header.
func signedBy(alg jose.SignatureAlgorithm, key, shown any, claims map[string]any, edits ...func(*jose.SignerOptions)) string {
	options := (&jose.SignerOptions{}).WithType("dpop+jwt").WithHeader("jwk", jose.JSONWebKey{Key: shown})
	for _, edit := range edits {
		edit(options)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		panic(err) // the key is one for the algorithm
	}
	text, err := jwt.Signed(made).Claims(claims).Serialize()
	if err != nil {
		panic(err) // the claims are JSON
	}
	return text
}

// boundHouse is a house with a grant of "notes" that is bound to a key.
func boundHouse(t *testing.T, h *house, pairs ...string) (*browser, *prover, answer) {
	t.Helper()
	laptop, key := h.browser(devicestest.LaptopHeaders()), h.prover()
	got := laptop.token(redeem(laptop.code(ada, ask(pairs...)), pairs...), key.proves("POST", "/oauth2/token"))
	got.want(t, 200, "")
	return laptop, key, got
}

const tokenPath = "/oauth2/token"

// TestProofs spoils DPoP proofs (RFC 9449 §4.3): none may pass, and none may
// change anything but what was used.
func TestProofs(t *testing.T) {
	h := newHouse(t)
	laptop, key, got := boundHouse(t, h)
	token := got.str("refresh_token")
	good := func(pairs ...any) map[string]any { return changed(key.claims("POST", tokenPath), pairs...) }
	at := func(d time.Duration) int64 { return h.clock.Now().Add(d).Unix() }
	typ := func(name string) func(*jose.SignerOptions) {
		return func(o *jose.SignerOptions) { o.WithType(jose.ContentType(name)) }
	}
	twisted := key.proof(good())
	for name, proofs := range map[string][]string{
		"two of them":              {key.proof(good()), key.proof(good())},
		"an empty one":             {""},
		"junk":                     {"junk"},
		"two dots":                 {".."},
		"four dots":                {key.proof(good()) + ".a.b"},
		"5 kB":                     {key.proof(good("pad", strings.Repeat("x", 5<<10)))},
		"a flipped signature":      {flip(twisted, 6*len(twisted)-12)},
		"another payload":          {spliced(twisted, key.proof(good("htm", "GET")))},
		"no algorithm":             {unsigned(good(), `{"alg":"none","typ":"dpop+jwt","jwk":`+string(publicJWK(key))+`}`)},
		"an HMAC":                  {hmacProof(good(), publicJWK(key))},
		"no key":                   {key.proof(good(), func(o *jose.SignerOptions) { o.EmbedJWK = false })},
		"a private key":            {signedBy(jose.ES256, key.key, key.key, good())},
		"another key's name":       {signedBy(jose.ES256, key.key, newProver(h.issuer).key.Public(), good())},
		"a symmetric key":          {signedBy(jose.ES256, key.key, []byte("0123456789abcdef0123456789abcdef"), good())},
		"no type":                  {key.proof(good(), func(o *jose.SignerOptions) { delete(o.ExtraHeaders, jose.HeaderType) })},
		"the type of any JWT":      {key.proof(good(), typ("JWT"))},
		"the type of a token":      {key.proof(good(), typ("at+jwt"))},
		"the type in upper case":   {key.proof(good(), typ("DPOP+JWT"))},
		"a critical extension":     {key.proof(good(), func(o *jose.SignerOptions) { o.WithHeader("crit", []string{"colour"}).WithHeader("colour", "red") })},
		"no jti":                   {key.proof(good("jti", nil))},
		"an empty jti":             {key.proof(good("jti", ""))},
		"a jti of 129 bytes":       {key.proof(good("jti", strings.Repeat("j", 129)))},
		"a jti that is a number":   {key.proof(good("jti", 7))},
		"no method":                {key.proof(good("htm", nil))},
		"another method":           {key.proof(good("htm", "GET"))},
		"the method in lower case": {key.proof(good("htm", "post"))},
		"no target":                {key.proof(good("htu", nil))},
		"another path":             {key.proof(good("htu", h.issuer+"/userinfo"))},
		"the path with a slash":    {key.proof(good("htu", h.issuer+tokenPath+"/"))},
		"another host":             {key.proof(good("htu", "https://evil.example.com"+tokenPath))},
		"another scheme":           {key.proof(good("htu", strings.Replace(h.issuer, "http:", "https:", 1)+tokenPath))},
		"a user in the target":     {key.proof(good("htu", strings.Replace(h.issuer, "//", "//me@", 1)+tokenPath))},
		"the path alone":           {key.proof(good("htu", tokenPath))},
		"a target of no URL":       {key.proof(good("htu", "http://[::1"))},
		"no time":                  {key.proof(good("iat", nil))},
		"a time that is a word":    {key.proof(good("iat", "now"))},
		"a minute and a second":    {key.proof(good("iat", at(-61*time.Second)))},
		"an hour ago":              {key.proof(good("iat", at(-time.Hour)))},
		"eleven seconds ahead":     {key.proof(good("iat", at(11*time.Second)))},
		"an hour ahead":            {key.proof(good("iat", at(time.Hour)))},
		"the end of time":          {key.proof(good("iat", int64(1)<<62))},
	} {
		t.Run(name, func(t *testing.T) {
			h.unchanged(t, func() {
				laptop.token(refreshForm(token), func(r *http.Request) { r.Header["Dpop"] = proofs }).refused(t, 400, "invalid_dpop_proof")
			})
		})
	}
	t.Run("one that comes again", func(t *testing.T) {
		proof := key.proof(good())
		show := func(r *http.Request) { r.Header.Set("DPoP", proof) }
		next := laptop.token(refreshForm(token), show)
		next.want(t, 200, "")
		token = next.str("refresh_token")
		for _, after := range []time.Duration{0, 30 * time.Second, 30 * time.Second} {
			h.clock.Advance(after)
			h.unchanged(t, func() { laptop.token(refreshForm(token), show).refused(t, 400, "invalid_dpop_proof") })
		}
	})
	host := strings.TrimPrefix(h.issuer, "http://")
	for name, claims := range map[string]func() map[string]any{
		"a minute old":          func() map[string]any { return good("iat", at(-time.Minute)) },
		"ten seconds ahead":     func() map[string]any { return good("iat", at(10*time.Second)) },
		"a target with a query": func() map[string]any { return good("htu", h.issuer+tokenPath+"?a=b#c") },
		"a scheme and a host in upper case": func() map[string]any {
			return good("htu", "HTTP://"+strings.ToUpper(host)+tokenPath)
		},
		"claims of its own": func() map[string]any { return good("nonce", "x", "exp", 1, "colour", "red") },
		"a short jti":       func() map[string]any { return good("jti", "1") },
	} {
		t.Run(name+" passes", func(t *testing.T) {
			next := laptop.token(refreshForm(token), func(r *http.Request) { r.Header.Set("DPoP", key.proof(claims())) })
			if next.want(t, 200, ""); next.Status == 200 {
				token = next.str("refresh_token")
			}
		})
	}
}

func publicJWK(p *prover) []byte {
	raw, err := json.Marshal(jose.JSONWebKey{Key: p.key.Public()})
	if err != nil {
		panic(err) // the key is a good one
	}
	return raw
}

// spliced returns the first JWT with the payload of the second.
func spliced(a, b string) string {
	parts := strings.Split(a, ".")
	parts[1] = strings.Split(b, ".")[1]
	return strings.Join(parts, ".")
}

// hmacProof returns a proof with an HMAC by the public key.
func hmacProof(claims map[string]any, key []byte) string {
	return signedBy(jose.HS256, key, key, claims)
}

// TestProofAlgorithms proves by each algorithm that metadata advertises, and
// by some that it does not.
func TestProofAlgorithms(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	var advertised []string
	for _, alg := range laptop.do("GET", "/.well-known/openid-configuration", nil).JSON["dpop_signing_alg_values_supported"].([]any) {
		advertised = append(advertised, alg.(string))
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	h.must(err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	h.must(err)
	slow := exponent(t, large, 1<<31-1)
	for _, row := range []struct {
		alg         jose.SignatureAlgorithm
		key, public any
		passes      bool
	}{
		{jose.ES256, p256, p256.Public(), true},
		{jose.ES384, p384, p384.Public(), true},
		{jose.EdDSA, ed, ed.Public(), true},
		{jose.PS256, large, large.Public(), true},
		{jose.RS256, large, large.Public(), true},
		{jose.ES512, p521, p521.Public(), false},
		{jose.RS384, large, large.Public(), false},
		{jose.RS256, small, small.Public(), false},
		{jose.RS256, slow, slow.Public(), false},
	} {
		claims := map[string]any{
			"jti": newID(), "htm": "POST", "htu": h.issuer + tokenPath, "iat": h.clock.Now().Unix(),
		}
		code := laptop.code(ada, ask())
		a := laptop.token(redeem(code), func(r *http.Request) {
			r.Header.Set("DPoP", signedBy(row.alg, row.key, row.public, claims))
		})
		if !row.passes {
			a.refused(t, 400, "invalid_dpop_proof")
			continue
		}
		if a.want(t, 200, ""); a.str("token_type") != "DPoP" {
			t.Errorf("%s: %s", row.alg, a.Raw)
		}
		advertised = without(advertised, string(row.alg))
	}
	if len(advertised) > 0 {
		t.Errorf("advertised and never tried: %v", advertised)
	}
}

// exponent returns a key on the primes of another, as good as it, and slow to
// verify with.
func exponent(t *testing.T, key *rsa.PrivateKey, e int64) *rsa.PrivateKey {
	t.Helper()
	one := big.NewInt(1)
	order := new(big.Int).Mul(new(big.Int).Sub(key.Primes[0], one), new(big.Int).Sub(key.Primes[1], one))
	d := new(big.Int).ModInverse(big.NewInt(e), order)
	if d == nil {
		t.Fatal("the exponent divides the order")
	}
	slow := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: key.N, E: int(e)}, D: d, Primes: key.Primes}
	if err := slow.Validate(); err != nil {
		t.Fatal(err)
	}
	return slow
}

func without(list []string, gone string) []string {
	var left []string
	for _, s := range list {
		if s != gone {
			left = append(left, s)
		}
	}
	return left
}

// TestKeyBinding shows that without the right key a bound token is worth
// nothing, and that whoever tries does not lock the owner out.
func TestKeyBinding(t *testing.T) { onBoth(t, keyBindingStory) }

func keyBindingStory(t *testing.T, h *house) {
	introspect := h.operator().introspect
	laptop, key, got := boundHouse(t, h)
	other := h.prover()
	thief := h.browser(devicestest.ThiefHeaders())
	if got.str("token_type") != "DPoP" || h.grant(got).Baseline.KeyThumbprint != key.thumb() {
		t.Errorf("the grant is bound to %+v", h.grant(got).Baseline)
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		state := introspect(got.str(name))
		if cnf, _ := state.JSON["cnf"].(map[string]any); cnf["jkt"] != key.thumb() {
			t.Errorf("the %s: %s", name, state.Raw)
		}
	}
	for range 3 {
		h.unchanged(t, func() {
			thief.token(refreshForm(got.str("refresh_token"))).refused(t, 400, "invalid_grant")
			thief.token(refreshForm(got.str("refresh_token")), other.proves("POST", tokenPath)).refused(t, 400, "invalid_grant")
			laptop.token(refreshForm(got.str("refresh_token"))).refused(t, 400, "invalid_grant")
		}, "judgments", "events", "flags", "assertions")
	}
	reasons := map[devices.Reason]bool{}
	for _, j := range h.judged("ada", got.str("device_id")) {
		for _, r := range j.Verdict.Reasons() {
			reasons[r] = true
		}
	}
	if !reasons[devices.ReasonKeyMissing] || !reasons[devices.ReasonKeyMismatch] {
		t.Errorf("judged for %v", reasons)
	}
	spent := got
	for range 2 {
		got = laptop.token(refreshForm(got.str("refresh_token")), key.proves("POST", tokenPath))
		got.want(t, 200, "")
	}
	// Nor does a spent token without the key, however late.
	h.clock.Advance(time.Hour)
	h.unchanged(t, func() {
		thief.token(refreshForm(spent.str("refresh_token"))).refused(t, 400, "invalid_grant")
	}, "judgments", "events", "flags")
	// With the key, looks make no difference: they drift.
	got = thief.token(refreshForm(got.str("refresh_token")), key.proves("POST", tokenPath))
	got.want(t, 200, "")
}

// TestSenderConstrained keeps one refresh token for good (FAPI 2.0 §5.3.2.1):
// the key is what protects it.
func TestSenderConstrained(t *testing.T) { onBoth(t, senderConstrainedStory) }

func senderConstrainedStory(t *testing.T, h *house) {
	h.client(oauth.Client{ID: "fapi", Binding: devices.BindingDPoP, RefreshMode: "sender_constrained"})
	laptop, key, got := boundHouse(t, h, "client_id", "fapi")
	token := got.str("refresh_token")
	var seen []string
	for _, after := range []time.Duration{0, 0, 30 * time.Second, time.Hour, 24 * time.Hour} {
		h.clock.Advance(after)
		next := laptop.token(refreshForm(token, "client_id", "fapi"), key.proves("POST", tokenPath))
		if next.want(t, 200, ""); next.str("refresh_token") != token {
			t.Errorf("%s later the refresh token is another", after)
		}
		laptop.do("GET", "/userinfo", nil, key.presents("GET", "/userinfo", next.str("access_token"))).want(t, 200, "")
		seen = append(seen, next.str("access_token"))
	}
	if seen[0] == seen[len(seen)-1] {
		t.Error("a day later the access token is the same")
	}
	if g := h.grant(got); g.Generation != 1 {
		t.Errorf("generation %d", g.Generation)
	}
	h.unchanged(t, func() {
		laptop.token(refreshForm(token, "client_id", "fapi")).refused(t, 400, "invalid_grant")
	}, "judgments", "events", "flags")
	h.must(h.gate.Registry.RevokeByOperator(t.Context(), "ada", got.str("device_id")))
	laptop.token(refreshForm(token, "client_id", "fapi"), key.proves("POST", tokenPath)).refused(t, 400, "invalid_grant")
}

// TestKeyRequired shows that a client which must prove a key cannot redeem a
// code without, and that trying costs no code.
func TestKeyRequired(t *testing.T) {
	h := newHouse(t)
	h.client(oauth.Client{ID: "keyed", DPoPBound: true})
	laptop, key := h.browser(devicestest.LaptopHeaders()), h.prover()
	code := laptop.code(ada, ask("client_id", "keyed"))
	h.unchanged(t, func() { laptop.token(redeem(code, "client_id", "keyed")).refused(t, 400, "invalid_dpop_proof") })
	laptop.token(redeem(code, "client_id", "keyed"), key.proves("POST", tokenPath)).want(t, 200, "")
}

// TestCodeBoundToKey is dpop_jkt (RFC 9449 §10).
func TestCodeBoundToKey(t *testing.T) {
	h := newHouse(t)
	laptop, key, other := h.browser(devicestest.LaptopHeaders()), h.prover(), h.prover()
	code := laptop.code(ada, ask("dpop_jkt", key.thumb()))
	h.unchanged(t, func() {
		laptop.token(redeem(code)).refused(t, 400, "invalid_grant")
		laptop.token(redeem(code), other.proves("POST", tokenPath)).refused(t, 400, "invalid_grant")
	}, "assertions")
	laptop.token(redeem(code), key.proves("POST", tokenPath)).want(t, 200, "")
	for _, bad := range []string{"x", key.thumb() + "A", key.thumb()[:42], base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		to, _ := laptop.authorize(ada, ask("dpop_jkt", bad))
		if to.Query().Get("error") != "invalid_request" {
			t.Errorf("dpop_jkt %q: %s", bad, to)
		}
	}
}

// TestKeyShownLater binds nothing: a key is bound when the grant is made.
func TestKeyShownLater(t *testing.T) {
	h := newHouse(t)
	laptop, key := h.browser(devicestest.LaptopHeaders()), h.prover()
	got := laptop.signIn(ada)
	got = laptop.token(refreshForm(got.str("refresh_token")), key.proves("POST", tokenPath))
	if got.want(t, 200, ""); got.str("token_type") != "bearer" {
		t.Errorf("token type %q", got.str("token_type"))
	}
	laptop.token(refreshForm(got.str("refresh_token"))).want(t, 200, "")
}

// TestBoundUserinfo presents a bound access token (RFC 9449 §7).
func TestBoundUserinfo(t *testing.T) {
	h := newHouse(t)
	laptop, key, got := boundHouse(t, h)
	other := h.prover()
	token := got.str("access_token")
	with := func(scheme string, claims map[string]any, by *prover) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", scheme+" "+token)
			if claims != nil {
				r.Header.Set("DPoP", by.proof(claims))
			}
		}
	}
	good := func(pairs ...any) map[string]any {
		return changed(key.claims("GET", "/userinfo"), append([]any{"ath", hashOf(token)}, pairs...)...)
	}
	for name, edit := range map[string]func(*http.Request){
		"as a bearer token":               with("Bearer", nil, nil),
		"as a bearer token, with a proof": with("Bearer", good(), key),
		"without a proof":                 with("DPoP", nil, nil),
		"with another key":                with("DPoP", good(), other),
		"without the token's hash":        with("DPoP", good("ath", nil), key),
		"with another token's hash":       with("DPoP", good("ath", hashOf("x")), key),
		"for another method":              with("DPoP", good("htm", "POST"), key),
		"for the token endpoint":          with("DPoP", good("htu", h.issuer+tokenPath), key),
		"with an old proof":               with("DPoP", good("iat", h.clock.Now().Add(-time.Hour).Unix()), key),
		"with two proofs": func(r *http.Request) {
			with("DPoP", good(), key)(r)
			r.Header.Add("DPoP", key.proof(good()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h.unchanged(t, func() {
				a := laptop.do("GET", "/userinfo", nil, edit)
				a.want(t, 401, "invalid_token")
				if how := strings.Join(a.Header.Values("WWW-Authenticate"), ", "); !strings.Contains(how, `DPoP algs="`) {
					t.Errorf("WWW-Authenticate %q", how)
				}
			}, "assertions")
		})
	}
	t.Run("in a form", func(t *testing.T) {
		laptop.do("POST", "/userinfo", map[string][]string{"access_token": {token}}).want(t, 401, "invalid_token")
	})
	proof := with("DPoP", good(), key)
	fixed, _ := http.NewRequest("GET", h.issuer, nil)
	proof(fixed)
	show := func(r *http.Request) { r.Header = fixed.Header.Clone() }
	laptop.do("GET", "/userinfo", nil, show).want(t, 200, "")
	laptop.do("GET", "/userinfo", nil, show).want(t, 401, "invalid_token")
	laptop.do("GET", "/userinfo", nil, with("dpop", good(), key)).want(t, 200, "")

	plain := laptop.signIn(ada).str("access_token")
	laptop.do("GET", "/userinfo", nil, key.presents("GET", "/userinfo", plain)).want(t, 401, "invalid_token")
}
