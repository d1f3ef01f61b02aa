package conformance_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/lanyard-id/lanyard/e2e/conformance/front"
	"github.com/lanyard-id/lanyard/e2e/house"
)

// Where the suite would have users return to. Nobody listens there: browsers
// stop before it.
const (
	callback   = "https://suite.example.org/test/a/lanyard/callback"
	postLogout = "https://suite.example.org/test/a/lanyard/post_logout_redirect"
)

// suite is a server behind TLS, with what the suite is configured with: static
// clients and a user.
type suite struct {
	*house.House
	issuer string
	ada    house.User
	// first and second authenticate by client_secret_basic, post by
	// client_secret_post. The second has its ID tokens signed with RS256.
	first, second, post registration
}

// registration is a client and what it is registered for.
type registration struct {
	house.Client
	auth, alg string
}

// newSuite starts a server that ends with the test, with more of a front if
// that is given.
func newSuite(t testing.TB, d house.Database, more ...func(http.Handler) http.Handler) *suite {
	t.Helper()
	var behind http.Handler
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	s := &suite{issuer: proxy.URL}
	// Each module signs the same subject in with a fresh browser.
	s.House = house.New(t, d, house.Set("issuer", proxy.URL), house.Set("trusted_proxies", []string{"127.0.0.1/32"}),
		house.Set("devices.max_new_per_hour", 0))
	direct, err := url.Parse(s.House.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	behind = front.To(direct)
	for _, wrap := range more {
		behind = wrap(behind)
	}
	s.Start()
	s.ada = s.User("ada@example.com", everythingOfAda()...)
	s.first = s.register("first", "client_secret_basic", "ES256")
	s.second = s.register("second", "client_secret_basic", "RS256")
	s.post = s.register("post", "client_secret_post", "ES256")
	return s
}

// register registers a client that is asked about, as third parties are. The
// server's default algorithm is not named.
func (s *suite) register(id, auth, alg string, more ...string) registration {
	args := []string{"--id", id, "--ask", "--auth-method", auth, "--redirect-uri", callback, "--post-logout-redirect-uri", postLogout}
	for _, scope := range []string{"openid", "offline_access", "profile", "email", "address", "phone"} {
		args = append(args, "--scope", scope)
	}
	if alg != "ES256" {
		args = append(args, "--id-token-alg", alg)
	}
	c := s.Client(append(args, more...)...)
	c.Redirect = callback
	return registration{c, auth, alg}
}

// common is the suite that all modules share, on SQLite. Modules run one
// after another, each in a browser of its own.
var common struct {
	sync.Once
	*suite
	landlord
}

// shared returns the common suite.
func shared(t *testing.T) *suite {
	t.Helper()
	common.rentTo(t)
	common.Do(func() { common.suite = newSuite(&common.landlord, house.SQLite) })
	if common.suite == nil {
		t.Fatal("the server did not start")
	}
	return common.suite
}

// landlord lets a house outlive the test that built it. What goes wrong is
// the trouble of the test that lives there now.
type landlord struct {
	testing.TB
	cleanups []func()
	failed   bool
}

func (l *landlord) rentTo(t *testing.T) {
	before := l.TB
	l.TB = t
	t.Cleanup(func() {
		l.failed = l.failed || t.Failed()
		l.TB = before
	})
}

// Helper does nothing: there may be no test.
func (l *landlord) Helper() {}

// Cleanup has f run after all tests.
func (l *landlord) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }

// TempDir returns a directory that outlives the test.
func (l *landlord) TempDir() string {
	dir, err := os.MkdirTemp("", "lanyard-conformance-")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Failed reports whether any test has failed.
func (l *landlord) Failed() bool { return l.failed || l.TB != nil && l.TB.Failed() }

// Logf logs to whoever is there.
func (l *landlord) Logf(format string, args ...any) {
	if l.TB != nil {
		l.TB.Logf(format, args...)
		return
	}
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

// Errorf is Logf that fails.
func (l *landlord) Errorf(format string, args ...any) {
	l.failed = true
	if l.TB != nil {
		l.TB.Errorf(format, args...)
		return
	}
	l.Logf(format, args...)
}

func (l *landlord) close() {
	for len(l.cleanups) > 0 {
		last := len(l.cleanups) - 1
		f := l.cleanups[last]
		l.cleanups = l.cleanups[:last]
		f()
	}
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	trustTestServers()
	status := house.Main(m)
	common.close()
	if common.failed {
		return max(status, 1)
	}
	return status
}

// trustTestServers makes the browsers, which have no TLS settings, trust the
// certificate that all test servers of net/http/httptest have.
func trustTestServers() {
	some := httptest.NewTLSServer(http.NotFoundHandler())
	defer some.Close()
	roots := x509.NewCertPool()
	roots.AddCert(some.Certificate())
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}
