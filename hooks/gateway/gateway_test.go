package gateway_test

import (
	"bufio"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/hooks/gateway"
)

// before returns a gateway before a server.
func before(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	hydra := httptest.NewServer(h)
	upstream, err := url.Parse(hydra.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := httptest.NewServer(gateway.New(gateway.Config{
		Upstream: upstream, Deadline: time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(func() { g.Close(); hydra.Close() })
	return g.URL
}

func TestRestPassesUnchanged(t *testing.T) {
	at := before(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header()["Set-Cookie"] = []string{"a=1; Path=/", "b=2; Path=/"}
		w.Header().Set("X-Seen", r.Method+" "+r.URL.RequestURI()+" "+r.Host+" "+r.Header.Get("X-Own")+" "+
			r.Header.Get("X-Forwarded-For")+" "+r.Header.Get("X-Forwarded-Proto")+" "+string(body))
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "body")
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at+"/a%2Fb//c?q=%20&q=2;3", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "id.example.com"
	r.Header.Set("X-Own", "mine")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	r.Header.Set("X-Forwarded-Proto", "https")
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, _ := io.ReadAll(a.Body)
	got := []any{a.StatusCode, a.Header["Set-Cookie"], a.Header.Get("X-Seen"), string(body)}
	want := []any{
		http.StatusTeapot, []string{"a=1; Path=/", "b=2; Path=/"},
		"PUT /a%2Fb//c?q=%20&q=2;3 id.example.com mine 192.0.2.1, 127.0.0.1 https", "body",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnswersStream(t *testing.T) {
	heard := make(chan struct{})
	at := before(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		select {
		case <-heard:
			_, _ = io.WriteString(w, "second\n")
		case <-r.Context().Done():
		}
	})
	a, err := http.Get(at + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	lines := bufio.NewReader(a.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "first\n" {
		t.Fatalf("%q, %v", line, err)
	}
	close(heard)
	if line, err := lines.ReadString('\n'); err != nil || line != "second\n" {
		t.Errorf("%q, %v", line, err)
	}
}

// A proxy on the way to Hydra may make one path of several.
func TestEveryWayToWriteTheTokenEndpoint(t *testing.T) {
	at := before(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.EscapedPath()) })
	for path, looked := range map[string]bool{
		"/oauth2/token": true, "//oauth2/token": true, "/oauth2//token": true, "/oauth2/token/": true, "/./oauth2/x/../token": true,
		"/OAuth2/Token": true, "/oauth2%2Ftoken": true, "/%6Fauth2/token": true, "/oauth2/%2e/token": true,
		"/oauth2/token;x=1": true, "/oauth2;a/token/;x": true, "/oauth2/token%2f": true, "/oauth2/token%3bx": true, "/oauth2%5ctoken": true,
		"/%6F%61uth2/%74oken/": true, "/oauth2/token/x/..": true, "/oauth2/token/%2e": true, "/oauth2/%2574oken": true, "/oauth2/token%25252f": true,
		"/oauth2/token%20": true, "/oauth2/token%00": true, "/oauth2/token%2500": true, "/oauth2/token/?a=1": true,
		"/oauth2/tokens": false, "/oauth2/token/x": false, "/oauth2/revoke": false, "/x/oauth2/token": false,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if refused := a.StatusCode == http.StatusBadRequest; refused != looked || !looked && string(body) != path {
			t.Errorf("%s: %d %s", path, a.StatusCode, body)
		}
	}
}

// A client's own grants keep their assertion, which Hydra must read.
func TestAssertionsOfOtherGrantsPass(t *testing.T) {
	at := before(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.FormValue("assertion")) })
	a, err := http.PostForm(at+"/oauth2/token", url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"a.b.c"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if body, _ := io.ReadAll(a.Body); string(body) != "a.b.c" {
		t.Errorf("Hydra got %q", body)
	}
}

// brokenTransport panics, as a bug would.
type brokenTransport struct{}

func (brokenTransport) RoundTrip(*http.Request) (*http.Response, error) { panic("bug") }

// A panic is answered as the gateway's own trouble, which ends no session, and
// stands in the log.
func TestAPanicIsTheGatewaysTrouble(t *testing.T) {
	var log strings.Builder
	g := gateway.New(gateway.Config{
		Upstream: &url.URL{Scheme: "http", Host: "hydra"}, Transport: brokenTransport{},
		Observer: observe.New(observe.Config{}), Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(log.String(), "msg=panic") {
		t.Errorf("%d %v; the log: %s", w.Code, w.Header(), &log)
	}
}
