package storetest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// changedClient changes a client after it was authenticated and before what it
// asked for is written.
func changedClient(t *testing.T, s Store) {
	ctx := t.Context()
	enrolled(t, s, "ada", "laptop")
	for _, c := range []struct {
		name   string
		change func(*oauth.Client)
		want   error
	}{
		{"nothing", func(*oauth.Client) {}, nil},
		{"name", func(c *oauth.Client) { c.Name = "Editor" }, nil},
		{"secret", func(c *oauth.Client) { c.SecretHash = "hash of new" }, devices.ErrOutdated},
		{"keys", func(c *oauth.Client) { c.JWKS = json.RawMessage(`{"keys":[{}]}`) }, devices.ErrOutdated},
		{"method", func(c *oauth.Client) { c.AuthMethod = "none" }, devices.ErrOutdated},
	} {
		id := "client-" + c.name
		good(t, s.CreateClient(ctx, oauth.Client{
			ID: id, AuthMethod: "client_secret_basic", SecretHash: "hash of old", Version: 1,
			JWKS: json.RawMessage(`{"keys":[]}`),
		}))
		verified, err := s.Client(ctx, id)
		good(t, err)
		g, own := grantOf("ada", "laptop"), grantOf("", "")
		g.ClientID, own.ClientID = id, id
		code := codeFor(g)
		good(t, s.SaveCode(ctx, code))

		changed := verified
		c.change(&changed)
		if ok, err := s.UpdateClient(ctx, changed); !ok || err != nil {
			t.Fatal(ok, err)
		}
		redeemed, err := s.Redeem(ctx, code.Hash, g, verified, nil)
		if redeemed != (c.want == nil) || !errors.Is(err, c.want) {
			t.Errorf("%s: redeemed %v, %v", c.name, redeemed, err)
		}
		if err := s.OpenClientGrant(ctx, own, verified); !errors.Is(err, c.want) {
			t.Errorf("%s: a grant of its own: %v", c.name, err)
		}
		for _, g := range []devices.Grant{g, own} {
			if _, err := s.Holding(ctx, g.ID); (err == nil) != (c.want == nil) {
				t.Errorf("%s: the grant: %v", c.name, err)
			}
		}
		if c.want == nil {
			continue
		}
		// The code is not used up: the client that it is for may still redeem it.
		now, err := s.Client(ctx, id)
		good(t, err)
		if ok, err := s.Redeem(ctx, code.Hash, g, now, nil); !ok || err != nil {
			t.Errorf("%s: by the client as it is: %v, %v", c.name, ok, err)
		}
	}
	own := grantOf("", "")
	own.ClientID = "gone"
	missing(t, "a grant of a client that is gone", s.OpenClientGrant(ctx, own, client("gone")))
}
