package provider_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestGuessedSecrets has strangers guess the secret of a client that a person
// chose, all at once: most are told to come again. The client itself, whose
// secret was right before, never waits for them, and neither does another.
func TestGuessedSecrets(t *testing.T) {
	const chosen = "a secret that somebody chose, of 32 characters"
	h := newHouse(t)
	for _, id := range []string{"backend", "other"} {
		h.client(oauth.Client{ID: id, AuthMethod: "client_secret_post", Secret: chosen, GrantTypes: []string{"client_credentials"}})
	}
	asks := func(id, secret string) answer {
		return h.browser(devicestest.AppHeaders()).do("POST", "/oauth2/introspect",
			url.Values{"token": {"x"}, "client_id": {id}, "client_secret": {secret}})
	}
	asks("backend", chosen).want(t, 200, "")
	h.provider.Deadline = 2 * time.Second
	answers := make([]answer, 300)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = asks("backend", fmt.Sprintf("a guess of mine, number %d", i)) })
	}
	for range 20 {
		asks("backend", chosen).want(t, 200, "")
	}
	asks("other", chosen).want(t, 200, "")
	all.Wait()
	put := 0
	for _, a := range answers {
		if a.Status == 401 {
			continue
		}
		put++
		if a.troubled(t, false); t.Failed() {
			return
		}
	}
	if put == 0 {
		t.Error("there was a turn for every guess")
	}
	asks("backend", chosen+".").refused(t, 401, "invalid_client")
}
