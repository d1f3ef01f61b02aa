package provider_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// TestManyChosenSecrets has more secrets compared at once than there are turns
// for: whoever gets none in time is told to come again, and nobody that the
// secret is wrong.
func TestManyChosenSecrets(t *testing.T) {
	const chosen = "a secret that somebody chose"
	h := newHouse(t)
	h.client(oauth.Client{ID: "backend", AuthMethod: "client_secret_post", Secret: chosen, GrantTypes: []string{"client_credentials"}})
	h.provider.Deadline = 100 * time.Millisecond
	answers := make([]answer, 100)
	start := time.Now()
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			answers[i] = h.browser(devicestest.AppHeaders()).do("POST", "/oauth2/introspect",
				url.Values{"token": {"x"}, "client_id": {"backend"}, "client_secret": {chosen}})
		})
	}
	all.Wait()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	put := 0
	for _, a := range answers {
		if a.Status == 200 {
			continue
		}
		put++
		if a.troubled(t, false); t.Failed() {
			return
		}
	}
	if put == 0 {
		t.Error("there was a turn for everybody")
	}
}
