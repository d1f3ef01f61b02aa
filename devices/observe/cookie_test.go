package observe_test

import (
	"encoding/base64"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/devices/observe"
)

// key returns the n-th of some secrets.
func key(n byte) []byte {
	secret := make([]byte, 32)
	secret[0], secret[31] = n, ^n
	return secret
}

func hashes(keys ...byte) [][]byte {
	var sums [][]byte
	for _, n := range keys {
		sums = append(sums, devices.CookieHash(key(n)))
	}
	return sums
}

func text(n byte) string { return base64.RawURLEncoding.EncodeToString(key(n)) }

func withCookies(values ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://id.example.com/login", nil)
	for _, value := range values {
		r.Header.Add("Cookie", "__Host-lanyard_device="+value)
	}
	return r
}

func TestABrowserKeepsAKeyForEachSubject(t *testing.T) {
	o := newObserver()
	var next []byte
	var found [][]byte
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found = o.Observe(r, devices.EntranceProvider).Proof.CookieHashes
		o.SetDeviceCookie(w, r, next)
	}))
	defer server.Close()
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	visit := func(secret []byte) [][]byte {
		next = secret
		answer, err := browser.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return found
	}
	for _, row := range []struct {
		name   string
		secret []byte
		want   [][]byte // what the visit itself shows
	}{
		{"a browser comes without a key", key(1), nil},
		{"and has one from then on", key(2), hashes(1)},
		{"a second subject's stands before it", nil, hashes(2, 1)},
		{"a visit without a sign-in changes nothing", key(1), hashes(2, 1)},
		{"a key that is held already moves to the front", key(3), hashes(1, 2)},
		{"a third", key(4), hashes(3, 1, 2)},
		{"a fourth", key(5), hashes(4, 3, 1, 2)},
		{"a fifth", key(6), hashes(5, 4, 3, 1, 2)},
		{"the sixth pushes out the oldest", key(1)[:31], hashes(6, 5, 4, 3, 1)},
		{"half a key is none", nil, hashes(6, 5, 4, 3, 1)},
	} {
		if diff := cmp.Diff(row.want, visit(row.secret)); diff != "" {
			t.Errorf("%s; want -, got +:\n%s", row.name, diff)
		}
	}
	at, _ := url.Parse(server.URL)
	if n := len(browser.Jar.Cookies(at)); n != 1 {
		t.Errorf("the browser holds %d cookies, want 1", n)
	}
}

func TestTheCookieIsWellMade(t *testing.T) {
	for _, row := range []struct {
		name   string
		secure bool
		want   string
	}{
		{"over https", true, "__Host-lanyard_device=" + text(1) +
			"; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"},
		{"over http on loopback", false, "lanyard_device=" + text(1) +
			"; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := observe.New(observe.Config{SecureCookies: row.secure, Now: devicestest.Start})
			w := httptest.NewRecorder()
			o.SetDeviceCookie(w, withCookies(), key(1))
			if got := w.Header().Get("Set-Cookie"); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestNothingToKeepSetsNoCookie(t *testing.T) {
	w := httptest.NewRecorder()
	newObserver().SetDeviceCookie(w, withCookies("junk"), nil)
	if got := w.Header().Get("Set-Cookie"); got != "" {
		t.Errorf("set %s", got)
	}
}

func TestACookieThatWeDidNotMakeIsNone(t *testing.T) {
	six := strings.Join([]string{text(1), text(2), text(3), text(4), text(5), text(6)}, ".")
	for name, cookies := range map[string][]string{
		"empty":              {""},
		"a guess":            {"0123456789"},
		"cut short":          {text(1)[:42]},
		"too long":           {text(1) + "A"},
		"not base64url":      {strings.Repeat("+", 43)},
		"loose last bits":    {text(1)[:42] + "B"},
		"a good and a bad":   {text(1) + "." + "bad"},
		"a trailing dot":     {text(1) + "."},
		"the same key twice": {text(1) + "." + text(1)},
		"six keys":           {six},
		"sent twice":         {text(1), text(2)},
		"oversize":           {strings.Repeat(text(1)+".", 200) + text(1)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newObserver().Observe(withCookies(cookies...), devices.EntranceWebUI).Proof.CookieHashes; got != nil {
				t.Errorf("%q gave %d keys", cookies, len(got))
			}
		})
	}
}

func TestASignInHealsABadCookie(t *testing.T) {
	w := httptest.NewRecorder()
	newObserver().SetDeviceCookie(w, withCookies("junk"), key(7))
	if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-lanyard_device="+text(7)+";") {
		t.Errorf("set %s", got)
	}
}

func TestTheCookieOfPlainHTTPDoesNotCountOverHTTPS(t *testing.T) {
	h := devicestest.Headers("Cookie: lanyard_device=" + text(1))
	if got := newObserver().ObserveHeaders(h, netip.Addr{}, devices.EntranceProvider).Proof.CookieHashes; got != nil {
		t.Error("a cookie without the __Host- prefix was believed, which a subdomain can plant")
	}
}
