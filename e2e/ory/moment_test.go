//go:build ory

package ory_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/house"
	"github.com/lanyard-id/lanyard/e2e/ory"
)

// between is a proxy between Hydra and lanyard's token hook. It runs what it is
// given when the hook has answered and Hydra has not heard it yet, and keeps
// what Hydra asked.
type between struct {
	mu    sync.Mutex
	after func()
	asked []byte
}

func (b *between) before(t *testing.T, lanyard string) string {
	t.Helper()
	to, err := url.Parse(lanyard)
	good(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) },
		ModifyResponse: func(*http.Response) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.after != nil {
				b.after()
			}
			return nil
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		b.mu.Lock()
		b.asked = body
		b.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func (b *between) runs(after func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.after = after
}

// A device that ends between the gateway's judgment and Hydra's answer gets no
// tokens, and what Hydra asked is not good for a second time.
func TestEndedFromThatMoment(t *testing.T) {
	b := &between{}
	s := open(t, change{plan: func(p *ory.Plan) { p.Lanyard = b.before(t, p.Lanyard) }})
	ada := s.registered(t, house.Laptop())
	id, _ := s.client(t, true)
	c := s.chain(t, ada, id, "", s.theDevice(t, ada.Subject).ID)
	refreshes(t, c)
	b.runs(func() { s.revoke(t, s.theDevice(t, ada.Subject)) })
	isRefused(t, c)
	b.runs(nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.House.Issuer+"/hooks/hydra/token", bytes.NewReader(b.asked))
	good(t, err)
	r.Header = http.Header{"X-Hook-Key": {s.key}, "Content-Type": {"application/json"}}
	a, err := http.DefaultClient.Do(r)
	good(t, err)
	if good(t, a.Body.Close()); a.StatusCode != http.StatusForbidden {
		t.Errorf("the same question again: %s", a.Status)
	}
}
