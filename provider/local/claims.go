package local

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/provider/oauth"
)

// The standard claims of OIDC Core §5.1 by the scope of §5.4 that asks for
// them.
func scopeClaims(scope string) []string {
	switch scope {
	case "profile":
		return []string{
			"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile",
			"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
		}
	case "email":
		return []string{"email", "email_verified"}
	case "address":
		return []string{"address"}
	case "phone":
		return []string{"phone_number", "phone_number_verified"}
	default:
		return nil
	}
}

// ScopeOf returns the scope that asks for a standard claim, in any language
// (OIDC Core §5.2), or nothing where the claim is none.
func ScopeOf(claim string) string {
	claim, _, _ = strings.Cut(claim, "#")
	for _, scope := range []string{"profile", "email", "address", "phone"} {
		if slices.Contains(scopeClaims(scope), claim) {
			return scope
		}
	}
	return ""
}

// Claims returns the standard claims that are known of the user and that the
// scopes or the requested claims (a member of the claims parameter of OIDC
// Core §5.5, or nothing) ask for. It has no claims that are empty or of the
// wrong type, and never "sub". The caller may change the map.
func Claims(user oauth.User, scopes []string, requested json.RawMessage) map[string]any {
	known := map[string]any{}
	add := func(name string) {
		if value, ok := valueOf(user, name); ok {
			known[name] = value
		}
	}
	for _, scope := range scopes {
		for _, name := range scopeClaims(scope) {
			add(name)
		}
	}
	for _, name := range names(requested) {
		if ScopeOf(name) != "" {
			add(name)
		}
	}
	return known
}

// names returns the claims that are asked for by name. What is no JSON object
// asks for none; it was refused where it came in.
func names(requested json.RawMessage) []string {
	var claims map[string]json.RawMessage
	if json.Unmarshal(requested, &claims) != nil {
		return nil
	}
	var names []string
	for name := range claims {
		names = append(names, name)
	}
	return names
}

// valueOf returns a claim where it is known and of its type.
func valueOf(user oauth.User, name string) (any, bool) {
	value := user.Claims[name]
	switch base, _, _ := strings.Cut(name, "#"); base {
	case "email_verified", "phone_number_verified":
		_, ok := value.(bool)
		return value, ok
	case "address":
		address, ok := value.(map[string]any)
		return value, ok && len(address) > 0
	case "updated_at":
		if value == nil && !user.UpdatedAt.IsZero() {
			return user.UpdatedAt.Unix(), true
		}
		return value, isNumber(value)
	default:
		text, ok := value.(string)
		return value, ok && text != ""
	}
}

func isNumber(value any) bool {
	switch value.(type) {
	case int, int64, float64, json.Number:
		return true
	default:
		return false
	}
}
