package keyring_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

func header(t testing.TB, token string) map[string]any {
	t.Helper()
	var h map[string]any
	if err := json.Unmarshal(decode(t, strings.Split(token, ".")[0]), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestSignedByTheBook verifies a signature with nothing but the published key
// and the standard library.
func TestSignedByTheBook(t *testing.T) {
	k := open(t, config(&shelf{}, newClock()))
	token, kid := sign(t, k, keyring.ES256)
	parts := strings.Split(token, ".")
	if got := header(t, token); got["alg"] != "ES256" || got["typ"] != "JWT" || len(got) != 3 {
		t.Errorf("header %v", got)
	}
	public, ok := key(t, k, kid).Key.(*ecdsa.PublicKey)
	if !ok {
		t.Fatal("no ECDSA key is published")
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature := decode(t, parts[2])
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(public, digest[:], r, s) {
		t.Error("the signature does not verify")
	}
}

func TestJWKS(t *testing.T) {
	k := open(t, config(&shelf{}, newClock(), both))
	text, err := json.Marshal(k.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Errorf("%d keys", len(set.Keys))
	}
	for _, key := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, shows := key[private]; shows {
				t.Errorf("%s publishes its private part %s", key["kid"], private)
			}
		}
		if key["use"] != "sig" || key["kid"] == "" || key["alg"] == "" {
			t.Errorf("key %v", key)
		}
	}
	for _, key := range k.JWKS().Keys {
		if public, ok := key.Key.(*rsa.PublicKey); ok && public.N.BitLen() != 2048 {
			t.Errorf("RSA key of %d bits", public.N.BitLen())
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	s := &shelf{}
	k := open(t, config(s, newClock(), both))
	good, kid := sign(t, k, keyring.ES256)
	rsaGood, rsaKID := sign(t, k, keyring.RS256)
	accessToken, err := k.SignJWT(t.Context(), "", "at+jwt", map[string]any{"sub": "ada"})
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := sign(t, open(t, config(&shelf{}, newClock())), keyring.ES256)
	part := strings.Split(good, ".")
	forge := func(header string) string { return encode(header) + "." + part[1] + "." + part[2] }
	for name, token := range map[string]string{
		"nothing":                    "",
		"no JWT":                     "ada",
		"another kind of JWT":        accessToken,
		"a stranger's":               stranger,
		"a stranger's under our kid": forgeWith(t, kid),
		"unsigned":                   encode(`{"alg":"none","typ":"JWT"}`) + "." + part[1] + ".",
		"unsigned with a signature":  forge(`{"alg":"none","typ":"JWT","kid":"` + kid + `"}`),
		"MAC under the public key":   confuse(t, k, rsaKID),
		"other claims":               part[0] + "." + encode(`{"sub":"ada","admin":true}`) + "." + part[2],
		"no signature":               part[0] + "." + part[1] + ".",
		"another key's ID":           forge(`{"alg":"ES256","typ":"JWT","kid":"` + rsaKID + `"}`),
		"no key ID":                  forge(`{"alg":"ES256","typ":"JWT"}`),
		"a token key's ID":           forge(`{"alg":"ES256","typ":"JWT","kid":"` + tokenKID(s) + `"}`),
		"a critical extension":       forge(`{"alg":"ES256","typ":"JWT","kid":"` + kid + `","crit":["b64"],"b64":false}`),
		"white space":                good + " ",
		"a line break":               part[0] + "." + part[1] + "\n." + part[2],
		"four parts":                 good + "." + part[2],
		"JSON":                       `{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`,
		"too long":                   good + strings.Repeat("A", 1<<15),
	} {
		if err := verify(t, k, token); !errors.Is(err, keyring.ErrBadJWT) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var claims map[string]any
	for _, algs := range [][]string{{keyring.RS256}, {"HS256", "none"}} {
		if err := k.VerifyJWT(t.Context(), good, "JWT", algs, &claims); !errors.Is(err, keyring.ErrBadJWT) {
			t.Errorf("ES256 where %v is allowed: %v", algs, err)
		}
	}
	if err := errors.Join(verify(t, k, good), verify(t, k, rsaGood)); err != nil {
		t.Errorf("the good ones: %v", err)
	}
}

func key(t testing.TB, k *keyring.Keyring, kid string) jose.JSONWebKey {
	t.Helper()
	set := k.JWKS()
	found := set.Key(kid)
	if len(found) != 1 {
		t.Fatalf("%d keys by ID %s", len(found), kid)
	}
	return found[0]
}

// forgeWith signs with a key of one's own and names ours.
func forgeWith(t *testing.T, kid string) string {
	t.Helper()
	s, c := &shelf{}, newClock()
	mine, theirs := sign(t, open(t, config(s, c)), keyring.ES256)
	part := strings.Split(mine, ".")
	h := strings.Replace(string(decode(t, part[0])), theirs, kid, 1)
	return encode(h) + "." + part[1] + "." + part[2]
}

// confuse uses a public key as an HMAC key (RFC 8725 §2.1).
func confuse(t *testing.T, k *keyring.Keyring, kid string) string {
	t.Helper()
	public, err := json.Marshal(key(t, k, kid))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: public, KeyID: kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(`{"sub":"ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func tokenKID(s *shelf) string {
	for id, row := range s.rows {
		if row.Use == oauth.UseToken {
			return id
		}
	}
	return ""
}

func TestSignRefuses(t *testing.T) {
	k := open(t, config(&shelf{}, newClock()))
	for _, alg := range []string{keyring.RS256, keyring.HS256, "none"} {
		if token, err := k.SignJWT(t.Context(), alg, "JWT", struct{}{}); err == nil {
			t.Errorf("%s: %s", alg, token)
		}
	}
	if _, err := k.SignJWT(t.Context(), "", "JWT", func() {}); err == nil {
		t.Error("signs what is no JSON")
	}
}

func BenchmarkSignES256(b *testing.B) {
	k := open(b, config(&shelf{}, newClock()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.SignJWT(b.Context(), keyring.ES256, "JWT", map[string]any{"sub": "ada"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokenKeyByID(b *testing.B) {
	k := open(b, config(&shelf{}, newClock()))
	id, _ := k.TokenKey()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.TokenKeyByID(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}
