package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/keyring"
	"github.com/lanyard-id/lanyard/provider/oauth"
	"github.com/lanyard-id/lanyard/resource/dpop"
)

// checker notes a mistake in a member of a client where something is not ok.
type checker func(ok bool, member, format string, args ...any)

// ValidateClient returns everything that is wrong with a client, each thing a
// [*Mistake], or nil.
func ValidateClient(c oauth.Client) error {
	var errs []error
	check := checker(func(ok bool, member, format string, args ...any) {
		if !ok {
			errs = append(errs, &Mistake{Member: member, What: fmt.Sprintf(format, args...)})
		}
	})
	check(c.ID != "" && len(c.ID) <= 255 && !strings.ContainsFunc(c.ID, notIDRune), "client_id", "1 to 255 of letters, digits, '-', '_', '.', '~'")
	for member, text := range map[string]string{"client_name": c.Name, "client_uri": c.ClientURI, "logo_uri": c.LogoURI} {
		check(!strings.ContainsFunc(text, devices.Misleads), member, "it holds control characters, controls of the writing direction or invisible ones")
	}
	checkRedirects("redirect_uris", c.RedirectURIs, check)
	checkRedirects("post_logout_redirect_uris", c.PostLogout, check)
	oneOf := func(member, value string, values ...string) {
		known := slices.Contains(values, value)
		values = slices.DeleteFunc(values, func(v string) bool { return v == "" }) // empty is the default
		check(known, member, "%q is none of %s", value, strings.Join(values, ", "))
	}
	for _, g := range c.GrantTypes {
		oneOf("grant_types", g, grantCode, grantRefresh, grantCredentials)
	}
	for _, t := range c.ResponseType {
		oneOf("response_types", t, "code")
	}
	oneOf("token_endpoint_auth_method", c.AuthMethod, methodNone, methodBasic, methodPost, methodAssertion)
	oneOf("binding", string(c.Binding), "", string(devices.BindingDeviceStatus), string(devices.BindingObserved), string(devices.BindingForwarded), string(devices.BindingDPoP))
	oneOf("refresh_mode", c.RefreshMode, "", "rotate", modeConstrained)
	check(c.RefreshMode != modeConstrained || c.Binding == devices.BindingDPoP, "refresh_mode", "sender_constrained needs binding dpop")
	oneOf("access_token_strategy", c.AccessToken, "", "opaque", "jwt")
	oneOf("id_token_signed_response_alg", c.IDTokenAlg, "", "ES256", "RS256")
	oneOf("subject_type", c.SubjectType, "", "public")
	oneOf("token_endpoint_auth_signing_alg", c.AuthAlg, "", "ES256", "RS256", "PS256")
	err := accesskey.Validate(c.Secret) // existing ones are hashes, and stay
	check(c.Secret == "" || err == nil, "client_secret", "%v", err)
	check(!c.Public() || c.Secret == "" && c.SecretHash == "", "client_secret", "a client without authentication has none")
	check(!c.Public() || !slices.Contains(c.GrantTypes, grantCredentials), "grant_types", "client_credentials needs a client that authenticates")
	check(!c.Public() || c.Binding != devices.BindingForwarded, "binding", "forwarded needs a client that authenticates")
	check(c.AuthMethod != methodAssertion || validKeys(c.JWKS), "jwks", "private_key_jwt needs public keys with use \"sig\"")
	check(!slices.Contains(c.GrantTypes, grantCode) || len(c.RedirectURIs) > 0, "redirect_uris", "needed where users sign in (authorization_code)")
	checkLifetimes(c, check)
	return errors.Join(errs...)
}

// checkRedirects notes what is wrong with redirect URIs.
func checkRedirects(member string, uris []string, check checker) {
	for _, uri := range uris {
		err := validateRedirect(uri)
		check(err == nil, member, "%q: %v", uri, err)
	}
}

// maxJWT is how long what is signed may be good for: no longer than the key
// that signed it is published for after its successor took over.
const maxJWT = keyring.RetireAfter

func checkLifetimes(c oauth.Client, check checker) {
	for name, value := range map[string]string{
		"access_token_lifespan": c.AccessTTL, "id_token_lifespan": c.IDTTL,
		"refresh_token_idle_lifespan": c.RefreshIdle, "refresh_token_lifespan": c.RefreshAbsolute,
	} {
		d, err := time.ParseDuration(value)
		check(value == "" || err == nil && d > 0, name, "%q is no positive duration such as 10m", value)
		signed := name == "id_token_lifespan" || name == "access_token_lifespan" && c.AccessToken == "jwt"
		check(!signed || d <= maxJWT, name, "%s is too long for a token that is signed; at most %s, "+
			"for which signing keys are published after they were replaced", value, maxJWT)
	}
}

func notIDRune(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.~", r))
}

func validKeys(raw json.RawMessage) bool {
	var set jose.JSONWebKeySet
	if json.Unmarshal(raw, &set) != nil || len(set.Keys) == 0 {
		return false
	}
	return !slices.ContainsFunc(set.Keys, func(k jose.JSONWebKey) bool {
		return !k.Valid() || !k.IsPublic() || k.Use != "sig" || !dpop.Strong(k)
	})
}
