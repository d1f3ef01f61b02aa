package conformance_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document returns a metadata document as it is.
func (p *party) document(path string) map[string]any {
	p.t.Helper()
	var got map[string]any
	p.read(p.get(p.issuer+path), &got)
	return got
}

// list returns a member that is an array of strings, none of them twice.
func (p *party) list(d map[string]any, name string) []string {
	p.t.Helper()
	values, is := d[name].([]any)
	if !is || len(values) == 0 {
		p.t.Errorf("%s is %v", name, d[name])
	}
	var list []string
	for _, value := range values {
		text, is := value.(string)
		if !is || text == "" || slices.Contains(list, text) {
			p.t.Errorf("%s has %v", name, value)
		}
		list = append(list, text)
	}
	return list
}

func (p *party) has(d map[string]any, name string, wanted ...string) {
	p.t.Helper()
	list := p.list(d, name)
	for _, value := range wanted {
		if !slices.Contains(list, value) {
			p.t.Errorf("%s has no %s: %v", name, value, list)
		}
	}
}

func TestConf_oidcc_discovery_endpoint_verification(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	d := p.document("/.well-known/openid-configuration")
	p.checkIssuer(d)
	p.checkEndpoints(d)
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
		if d[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	p.has(d, "response_types_supported", "code")
	p.has(d, "subject_types_supported", "public")
	p.has(d, "id_token_signing_alg_values_supported", "RS256", "ES256")
	p.has(d, "scopes_supported", "openid")
	p.has(d, "claims_supported", "sub", "iss", "auth_time", "acr")
	p.has(d, "grant_types_supported", "authorization_code", "refresh_token")
	p.has(d, "code_challenge_methods_supported", "S256")
	p.has(d, "token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post")
	for _, scope := range p.list(d, "scopes_supported") {
		if strings.ContainsFunc(scope, func(r rune) bool { return r <= 0x20 || r > 0x7e || r == '"' || r == '\\' }) {
			t.Errorf("%q is no scope (RFC 6749 §3.3)", scope)
		}
	}
	// What is not said here is true of request_uri (Discovery §3).
	for name, want := range map[string]bool{
		"claims_parameter_supported": true, "request_parameter_supported": false, "request_uri_parameter_supported": false,
	} {
		if d[name] != want {
			t.Errorf("%s is %v", name, d[name])
		}
	}
	if d["registration_endpoint"] != nil {
		t.Error("there is a registration endpoint; port the dynamic plan")
	}
	if diff := cmp.Diff(d, p.document("/.well-known/oauth-authorization-server")); diff != "" {
		t.Errorf("RFC 8414 has other metadata: %s", diff)
	}
	p.checkKeys(d)
}

// checkIssuer holds the issuer to Discovery §4.3 and RFC 8414 §2.
func (p *party) checkIssuer(d map[string]any) {
	p.t.Helper()
	issuer, _ := d["issuer"].(string)
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		p.t.Errorf("the issuer is %q (%v)", issuer, err)
	}
	if issuer != p.issuer {
		p.t.Errorf("the issuer is %q at %s", issuer, p.issuer)
	}
}

// checkEndpoints fails unless every URL in the document is https and at the
// issuer.
func (p *party) checkEndpoints(d map[string]any) {
	p.t.Helper()
	for name, value := range d {
		if !strings.HasSuffix(name, "_endpoint") && !strings.HasSuffix(name, "_uri") {
			continue
		}
		address, _ := value.(string)
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Fragment != "" || !strings.HasPrefix(address, p.issuer+"/") {
			p.t.Errorf("%s is %v", name, value)
		}
	}
}

// checkKeys holds the key set to RFC 7517 §4 and Discovery §3.
func (p *party) checkKeys(d map[string]any) {
	p.t.Helper()
	var raw struct{ Keys []map[string]json.RawMessage }
	p.read(p.get(d["jwks_uri"].(string)), &raw)
	for _, key := range raw.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if key[private] != nil {
				p.t.Errorf("a key is published with its %q", private)
			}
		}
	}
	algs, kids := map[string]bool{}, map[string]bool{}
	for _, key := range p.keys().Keys {
		if key.KeyID == "" || kids[key.KeyID] || key.Use != "sig" || !key.Valid() || !key.IsPublic() {
			p.t.Errorf("there is a key %q for %q", key.KeyID, key.Use)
		}
		kids[key.KeyID], algs[key.Algorithm] = true, true
		switch k := key.Key.(type) {
		case *rsa.PublicKey:
			if k.N.BitLen() < 2048 {
				p.t.Errorf("the key %q has %d bits", key.KeyID, k.N.BitLen())
			}
		case *ecdsa.PublicKey:
			if k.Params().Name != "P-256" || key.Algorithm != "ES256" {
				p.t.Errorf("the key %q is on %s for %s", key.KeyID, k.Params().Name, key.Algorithm)
			}
		default:
			p.t.Errorf("the key %q is a %T", key.KeyID, key.Key)
		}
	}
	if len(raw.Keys) != len(kids) {
		p.t.Errorf("%d keys are published, of which %d can be used", len(raw.Keys), len(kids))
	}
	for _, alg := range p.list(d, "id_token_signing_alg_values_supported") {
		if !algs[alg] {
			p.t.Errorf("there is no key for %s", alg)
		}
	}
}

func TestConf_oidcc_rp_initiated_logout_discovery_endpoint_verification(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	d := p.document("/.well-known/openid-configuration")
	p.checkEndpoints(d)
	if d["end_session_endpoint"] == nil {
		t.Error("there is no end_session_endpoint")
	}
}
