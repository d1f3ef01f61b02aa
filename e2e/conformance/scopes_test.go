package conformance_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// everythingOfAda returns the flags that give Ada every standard claim of OIDC
// Core §5.1.
func everythingOfAda() []string {
	flags := []string{"--name", "Ada Lovelace", "--email", "ada@example.com"}
	for _, claim := range []string{
		"given_name=Ada", "family_name=Lovelace", "middle_name=King", "nickname=Enchantress",
		"preferred_username=ada", "profile=https://ada.example.com", "picture=https://ada.example.com/ada.png",
		"website=https://notes.example.com", "gender=female", "birthdate=1815-12-10", "zoneinfo=Europe/London",
		"locale=en-GB", "updated_at=1763900000", "email_verified=true",
		"phone_number=+44 20 7946 0018", "phone_number_verified=true",
		`address={"formatted":"12 St James's Square\nLondon","locality":"London","country":"GB"}`,
	} {
		flags = append(flags, "--claim", claim)
	}
	return flags
}

// ofScope returns the claims of a scope (OIDC Core §5.4).
func ofScope(scope string) []string {
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
		panic(scope)
	}
}

// checkExactly fails unless the claims are these, each of its type, and no
// others.
func (p *party) checkExactly(got claims, want ...string) {
	p.t.Helper()
	for name, value := range got {
		if !slices.Contains(want, name) {
			p.t.Errorf("userinfo tells %s too", name)
		}
		if err := checkType(name, value); err != nil {
			p.t.Error(err)
		}
	}
	for _, name := range want {
		if _, told := got[name]; !told {
			p.t.Errorf("userinfo does not tell %s", name)
		}
	}
}

// checkType holds a claim to its type in OIDC Core §5.1.
func checkType(name string, value any) error {
	var ok bool
	switch name {
	case "email_verified", "phone_number_verified":
		_, ok = value.(bool)
	case "updated_at":
		var seconds float64
		seconds, ok = value.(float64)
		ok = ok && time.Unix(int64(seconds), 0).Before(time.Now())
	case "address":
		var address map[string]any
		address, ok = value.(map[string]any)
		ok = ok && len(address) > 0
	case "birthdate":
		text, _ := value.(string)
		_, err := time.Parse(time.DateOnly, text)
		ok = err == nil
	case "profile", "picture", "website":
		text, _ := value.(string)
		u, err := url.Parse(text)
		ok = err == nil && u.IsAbs()
	default:
		var text string
		text, ok = value.(string)
		ok = ok && text != ""
	}
	if !ok {
		return fmt.Errorf("userinfo tells %s as %v", name, value)
	}
	return nil
}

func TestConf_oidcc_scope_profile(t *testing.T) { scopes(t, "profile") }
func TestConf_oidcc_scope_email(t *testing.T)   { scopes(t, "email") }
func TestConf_oidcc_scope_address(t *testing.T) { scopes(t, "address") }
func TestConf_oidcc_scope_phone(t *testing.T)   { scopes(t, "phone") }
func TestConf_oidcc_scope_all(t *testing.T)     { scopes(t, "profile", "email", "address", "phone") }

// scopes asks for scopes and wants their claims at userinfo, all of them and
// nothing else; that the ID token has none of them is part of every flow.
func scopes(t *testing.T, scopes ...string) {
	t.Helper()
	p := shared(t).with(t, shared(t).first)
	want := []string{"sub"}
	for _, scope := range scopes {
		if !slices.Contains(p.at.Scopes, scope) {
			t.Errorf("%s is not among scopes_supported", scope)
		}
		want = append(want, ofScope(scope)...)
	}
	got := p.flow("scope", "openid "+strings.Join(scopes, " "))
	p.checkExactly(p.userinfo(got), want...)
}

func TestConf_oidcc_claims_essential(t *testing.T) {
	p := shared(t).with(t, shared(t).first)
	got := p.flow("claims", `{"userinfo":{"name":{"essential":true}}}`)
	p.checkExactly(p.userinfo(got), "sub", "name")
}
