package conformance_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// claims are those of an ID token or of userinfo.
type claims map[string]any

func (c claims) text(p *party, name string) string {
	p.t.Helper()
	text, is := c[name].(string)
	if !is || text == "" {
		p.t.Errorf("the claim %s is %v", name, c[name])
	}
	return text
}

func (c claims) time(p *party, name string) time.Time {
	p.t.Helper()
	seconds, is := c[name].(float64)
	if !is || seconds != float64(int64(seconds)) {
		p.t.Errorf("the claim %s is %v", name, c[name])
	}
	return time.Unix(int64(seconds), 0)
}

// keys fetches the server's keys.
func (p *party) keys() jose.JSONWebKeySet {
	p.t.Helper()
	var keys jose.JSONWebKeySet
	p.read(p.get(p.at.JWKS), &keys)
	return keys
}

// verified holds an ID token to OIDC Core §2, §3.1.3.6 and §3.1.3.7, and
// returns its claims. nonce is what was asked for; nothing is none.
func (p *party) verified(got tokens, nonce string, since time.Time) claims {
	p.t.Helper()
	c := p.unsealed(got.ID)
	if c.text(p, "iss") != p.at.Issuer || p.at.Issuer != p.issuer {
		p.t.Errorf("the ID token is of %v, discovery of %s, the server is %s", c["iss"], p.at.Issuer, p.issuer)
	}
	sub := c.text(p, "sub")
	if sub != p.ada.Subject || len(sub) > 255 || strings.ContainsFunc(sub, func(r rune) bool { return r > 0x7e }) {
		p.t.Errorf("the ID token is about %q", sub)
	}
	if audience, _ := c["aud"].([]any); len(audience) != 1 || audience[0] != p.client.ID {
		p.t.Errorf("the ID token is for %v", c["aud"])
	}
	if c.text(p, "azp") != p.client.ID {
		p.t.Errorf("azp is %v", c["azp"])
	}
	p.checkTimes(c, since)
	if got, asked := c["nonce"]; asked != (nonce != "") || asked && got != nonce {
		p.t.Errorf("the nonce is %v, want %q", got, nonce)
	}
	sum := sha256.Sum256([]byte(got.Access))
	if want := base64.RawURLEncoding.EncodeToString(sum[:16]); c["at_hash"] != want {
		p.t.Errorf("at_hash is %v, want %s", c["at_hash"], want)
	}
	if methods, _ := c["amr"].([]any); c.text(p, "acr") != "1" || !slices.Equal(methods, []any{"pwd"}) {
		p.t.Errorf("acr is %v, amr %v", c["acr"], c["amr"])
	}
	if c.text(p, "sid") != got.SID || c.text(p, "device_id") != got.Device {
		p.t.Errorf("sid and device_id are %v, %v; the answer says %q, %q", c["sid"], c["device_id"], got.SID, got.Device)
	}
	p.checkNothingElse(c)
	return c
}

// checkTimes allows a second for the clocks and none for the order.
func (p *party) checkTimes(c claims, since time.Time) {
	p.t.Helper()
	now := time.Now()
	issued, expires, auth := c.time(p, "iat"), c.time(p, "exp"), c.time(p, "auth_time")
	if issued.Before(since.Truncate(time.Second)) || issued.After(now.Add(time.Second)) {
		p.t.Errorf("iat is %v, now it is %v", issued, now)
	}
	if !expires.After(now) || expires.Sub(issued) > time.Hour {
		p.t.Errorf("it was issued at %v and expires at %v", issued, expires)
	}
	if auth.After(issued) || auth.Before(now.Add(-time.Hour)) {
		p.t.Errorf("auth_time is %v, iat is %v", auth, issued)
	}
}

// checkNothingElse fails where the ID token tells more than who signed in: in
// the code flow the profile is at userinfo (OIDC Core §5.4).
func (p *party) checkNothingElse(c claims) {
	p.t.Helper()
	for name := range c {
		if !slices.Contains([]string{
			"iss", "sub", "aud", "azp", "iat", "exp", "auth_time", "nonce", "acr", "amr", "at_hash", "sid", "device_id",
		}, name) {
			p.t.Errorf("the ID token tells %s", name)
		}
	}
}

// unsealed verifies the signature with the one key that the header names, by
// the algorithm that the client is registered for and no other.
func (p *party) unsealed(raw string) claims {
	p.t.Helper()
	token, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(p.client.alg)})
	if err != nil {
		p.t.Fatalf("%v in %s", err, raw)
	}
	p.checkHeader(raw)
	kid := token.Signatures[0].Protected.KeyID
	set := p.keys()
	named := set.Key(kid)
	if kid == "" || len(named) != 1 {
		p.t.Fatalf("the header names the key %q, of which %d are published", kid, len(named))
	}
	key := named[0]
	if key.Use != "sig" || key.Algorithm != p.client.alg || !key.IsPublic() {
		p.t.Errorf("the key %q is for %s and %q", kid, key.Algorithm, key.Use)
	}
	body, err := token.Verify(key)
	if err != nil {
		p.t.Fatal(err)
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil {
		p.t.Fatalf("%v in %s", err, body)
	}
	return c
}

// checkHeader fails where a header says more than needed, such as where to
// find the key.
func (p *party) checkHeader(raw string) {
	p.t.Helper()
	encoded, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	header := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		p.t.Fatalf("%v in %s", err, raw)
	}
	for name, value := range header {
		if !slices.Contains([]string{"alg", "kid", "typ"}, name) || name == "typ" && value != "JWT" {
			p.t.Errorf("the header says %s: %v", name, value)
		}
	}
}

func sameWords(a, b string) bool {
	one, other := strings.Fields(a), strings.Fields(b)
	slices.Sort(one)
	slices.Sort(other)
	return slices.Equal(one, other)
}
