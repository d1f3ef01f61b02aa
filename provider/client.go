package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	jose3 "github.com/go-jose/go-jose/v3"
	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// fositeKeySet is the key set of the JOSE version that fosite speaks. Only
// fosite's interfaces need it.
type fositeKeySet = jose3.JSONWebKeySet

// client is a registered client as fosite sees it.
type client struct {
	oauth.Client
	keys jose.JSONWebKeySet
}

// fosite.Client, fosite.OpenIDConnectClient, fosite.ResponseModeClient.

func (c *client) GetID() string                      { return c.ID }
func (c *client) GetHashedSecret() []byte            { return []byte(c.SecretHash) }
func (c *client) GetRedirectURIs() []string          { return c.RedirectURIs }
func (c *client) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c *client) GetScopes() fosite.Arguments        { return strings.Fields(c.Scope) }
func (c *client) IsPublic() bool                     { return c.Public() }
func (c *client) GetAudience() fosite.Arguments      { return c.Audience }
func (c *client) GetRequestURIs() []string           { return nil }
func (c *client) GetJSONWebKeys() *fositeKeySet      { return nil }
func (c *client) GetJSONWebKeysURI() string          { return "" }
func (c *client) GetTokenEndpointAuthMethod() string { return c.AuthMethod }

func (c *client) GetResponseTypes() fosite.Arguments { return c.ResponseType }

// GetRequestObjectSigningAlgorithm returns an algorithm that does not exist:
// request objects are refused before fosite sees them.
func (c *client) GetRequestObjectSigningAlgorithm() string { return "refused" }

func (c *client) GetTokenEndpointAuthSigningAlgorithm() string {
	if c.AuthAlg == "" {
		return "ES256"
	}
	return c.AuthAlg
}

func (c *client) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeQuery}
}

// keyRequired reports whether the client's tokens are bound to a key.
func (c *client) keyRequired() bool { return c.Binding == devices.BindingDPoP || c.DPoPBound }

// lifetime returns what the client asks for, else what the server has.
func lifetime(own string, server time.Duration) time.Duration {
	if d, err := time.ParseDuration(own); err == nil && own != "" {
		return d
	}
	return server
}

// clientCache keeps clients for a moment, so that a refresh does not read
// one. A deleted client's grants are revoked with it and none opens after, so
// what may be stale for that moment is only its settings.
type clientCache struct {
	store Clients
	now   func() time.Time
	mu    sync.RWMutex
	kept  map[string]keptClient
}

type keptClient struct {
	client *client
	until  time.Time
}

const (
	clientCacheFor  = 5 * time.Second
	clientCacheSize = 10_000
)

func newClientCache(store Clients, now func() time.Time) *clientCache {
	return &clientCache{store: store, now: now, kept: map[string]keptClient{}}
}

func (cc *clientCache) get(ctx context.Context, id string) (*client, error) {
	cc.mu.RLock()
	kept, ok := cc.kept[id]
	cc.mu.RUnlock()
	if ok && cc.now().Before(kept.until) {
		return kept.client, nil
	}
	until := cc.now().Add(clientCacheFor) // of what is read now, however long that takes
	stored, err := cc.store.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	c := &client{Client: stored}
	if len(stored.JWKS) > 0 {
		if err := json.Unmarshal(stored.JWKS, &c.keys); err != nil {
			return nil, fmt.Errorf("keys of client %s: %w", id, err)
		}
	}
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if len(cc.kept) >= clientCacheSize {
		clear(cc.kept)
	}
	cc.kept[id] = keptClient{c, until}
	return c, nil
}

func (cc *clientCache) forget(id string) {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	delete(cc.kept, id)
}
