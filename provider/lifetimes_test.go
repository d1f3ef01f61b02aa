package provider_test

import (
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/provider"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestSignedLifetimes: nothing that is signed outlives its key.
func TestSignedLifetimes(t *testing.T) {
	client := func(edit func(*oauth.Client)) error {
		c := oauth.Client{ID: "x", AuthMethod: "none", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code"}}
		edit(&c)
		return provider.ValidateClient(c)
	}
	for name, edit := range map[string]func(*oauth.Client){
		"a JWT of a day":              func(c *oauth.Client) { c.AccessToken, c.AccessTTL = "jwt", "24h" },
		"an opaque token of two days": func(c *oauth.Client) { c.AccessTTL = "48h" },
		"an ID token of a day":        func(c *oauth.Client) { c.IDTTL = "24h" },
		"a grant of a year":           func(c *oauth.Client) { c.AccessToken, c.RefreshAbsolute = "jwt", "8760h" },
	} {
		if err := client(edit); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, edit := range map[string]func(*oauth.Client){
		"access_token_lifespan": func(c *oauth.Client) { c.AccessToken, c.AccessTTL = "jwt", "24h1s" },
		"id_token_lifespan":     func(c *oauth.Client) { c.IDTTL = "48h" },
	} {
		err := client(edit)
		if err == nil || !strings.Contains(err.Error(), name+": ") || !strings.Contains(err.Error(), "at most") {
			t.Errorf("%s past a day: %v", name, err)
		}
	}
}
