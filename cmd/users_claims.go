package cmd

import (
	"encoding/json"
	"strings"

	"github.com/lanyard-id/lanyard/provider/local"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// claimsOf reads NAME=VALUE pairs. A claim that no token would ever carry is a
// mistake: nothing that was asked for is dropped silently.
func claimsOf(pairs []string) (map[string]any, error) {
	claims := map[string]any{}
	for _, pair := range pairs {
		name, text, found := strings.Cut(pair, "=")
		if !found || name == "" || name == "sub" {
			return nil, usagef("--claim: write NAME=VALUE, and set the subject with --subject")
		}
		scope := local.ScopeOf(name)
		if scope == "" {
			return nil, usagef("--claim: %s is no claim of OIDC Core §5.1, which are all that are told", name)
		}
		value, fits := claimOf(name, scope, text)
		if !fits {
			return nil, usagef("--claim: %s cannot be %q: it is %s", name, text, kindOf(name))
		}
		claims[name] = value
	}
	return claims, nil
}

// claimOf returns the value of a claim as JSON or, where that is none or not
// what the claim holds, as text: a phone number is no number.
func claimOf(name, scope, text string) (any, bool) {
	var value any
	if json.Unmarshal([]byte(text), &value) == nil && told(name, scope, value) {
		return value, true
	}
	return text, told(name, scope, text)
}

// told reports whether tokens would carry the claim.
func told(name, scope string, value any) bool {
	carried := local.Claims(oauth.User{Claims: map[string]any{name: value}}, []string{scope}, []byte(`{"`+name+`":null}`))
	_, is := carried[name]
	return is
}

// kindOf says what a standard claim holds.
func kindOf(name string) string {
	switch base, _, _ := strings.Cut(name, "#"); base {
	case "email_verified", "phone_number_verified":
		return "true or false"
	case "address":
		return `an object, as in {"country":"UK"}`
	case "updated_at":
		return "a number of seconds"
	default:
		return "a text"
	}
}
