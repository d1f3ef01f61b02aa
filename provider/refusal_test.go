package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lanyard-id/lanyard/devices/devicestest"
	"github.com/lanyard-id/lanyard/provider/oauth"
)

// refused fails the test where an answer is not that refusal, may be cached,
// or tells more than it should.
func (a answer) refused(t *testing.T, status int, code string) {
	t.Helper()
	a.want(t, status, code)
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Errorf("an answer that may be cached or is no JSON: %v", a.Header)
	}
	if got := a.Header.Get("WWW-Authenticate") != ""; got != (status == http.StatusUnauthorized) {
		t.Errorf("status %d, WWW-Authenticate %q", status, a.Header.Get("WWW-Authenticate"))
	}
	if got := a.Header.Get("Retry-After") != ""; got != (status >= 500) {
		t.Errorf("status %d, Retry-After %q", status, a.Header.Get("Retry-After"))
	}
	if rest, ok := strings.CutPrefix(a.str("error_description"), generic); code == "invalid_grant" &&
		(!ok || rest != "" && !strings.HasPrefix(rest, " The code_verifier is")) {
		t.Errorf("a refusal that tells more: %s", a.Raw)
	}
	if len(a.JSON) > 2 {
		t.Errorf("a refusal with more members: %s", a.Raw)
	}
	for _, c := range a.str("error_description") {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			t.Errorf("a character that RFC 6749 §5.2 forbids: %q", a.str("error_description"))
		}
	}
	secrets := []string{"SQL", "sql", "github.com", ".go:", "goroutine"}
	if code == "invalid_grant" {
		secrets = append(secrets, "reuse", "revoked", "changed", "mismatch", "device", "fingerprint", "disabled", "hijack")
	}
	for _, secret := range secrets {
		if strings.Contains(sealedText.ReplaceAllString(a.Raw, ""), secret) {
			t.Errorf("the answer speaks of %q: %s", secret, a.Raw)
		}
	}
}

// generic is the one description of a token that is no good here.
const generic = "The grant or refresh token is not valid here. Sign in again."

// TestTokenRequestsThatAreNone sends what no client sends to the token
// endpoint, each with a good refresh token in it. Nothing may come of it, and
// the token must be as good afterwards.
func TestTokenRequestsThatAreNone(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	token := laptop.signIn(ada).str("refresh_token")
	good := refreshForm(token).Encode()
	raw := func(body, kind string) func(*http.Request) {
		return func(r *http.Request) { setBody(r, body, kind) }
	}
	method := func(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }
	const form = "application/x-www-form-urlencoded"

	for _, row := range []struct {
		name   string
		edit   func(*http.Request)
		status int
		code   string
	}{
		{"PUT", method("PUT"), 405, "invalid_request"},
		{"PATCH", method("PATCH"), 405, "invalid_request"},
		{"DELETE", method("DELETE"), 405, "invalid_request"},
		{"an unheard-of method", method("REFRESH"), 405, "invalid_request"},
		{"the parameters in the address", func(r *http.Request) {
			r.URL.RawQuery = good
			setBody(r, "", form)
		}, 400, "invalid_request"},
		{"credentials in the address", func(r *http.Request) { r.URL.RawQuery = "client_id=notes&client_secret=x" }, 400, "invalid_request"},
		{"anything in the address", func(r *http.Request) { r.URL.RawQuery = "x=1" }, 400, "invalid_request"},
		{"multipart", raw("--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nrefresh_token\r\n--b--\r\n",
			"multipart/form-data; boundary=b"), 400, "invalid_request"},
		{"JSON", raw(`{"grant_type":"refresh_token","refresh_token":"`+token+`","client_id":"notes"}`, "application/json"), 400, "invalid_request"},
		{"a form that is called text", raw(good, "text/plain"), 400, "invalid_request"},
		{"a form that is called nothing", raw(good, ""), 400, "invalid_request"},
		{"a media type that is none", raw(good, "application/x-www-form-urlencoded;;=;"), 400, "invalid_request"},
		{"no body", raw("", form), 400, "invalid_request"},
		{"a body of 65 kB", raw(good+"&pad="+strings.Repeat("x", 65<<10), form), 413, "invalid_request"},
		{"a body of 1 MB", raw(good+"&pad="+strings.Repeat("x", 1<<20), form), 413, "invalid_request"},
		{"65 parameters", raw(good+many(62), form), 400, "invalid_request"},
		{"10,000 parameters", raw(good+many(9_997), form), 413, "invalid_request"},
		{"a NUL", raw(good+"&scope=openid%00", form), 400, "invalid_request"},
		{"a NUL in the client", raw(strings.ReplaceAll(good, "notes", "notes%00"), form), 400, "invalid_request"},
		{"a NUL in the token", raw(strings.ReplaceAll(good, "ly_rt_", "ly_rt_%00"), form), 400, "invalid_request"},
		{"a line break", raw(good+"&scope=open%0aid", form), 400, "invalid_request"},
		{"bytes that are no UTF-8", raw(good+"&scope=%ff%fe", form), 400, "invalid_request"},
		{"half a surrogate", raw(good+"&scope=%ed%a0%80", form), 400, "invalid_request"},
		{"a percent sign and no digits", raw(good+"&scope=%zz", form), 400, "invalid_request"},
		{"a semicolon between parameters", raw(strings.ReplaceAll(good, "&", ";"), form), 400, "invalid_request"},
		{"no grant type", raw("refresh_token="+token+"&client_id=notes", form), 400, "invalid_request"},
		{"an empty grant type", raw(strings.ReplaceAll(good, "grant_type=refresh_token", "grant_type="), form), 400, "invalid_request"},
		{"an unknown grant type", raw(strings.ReplaceAll(good, "grant_type=refresh_token", "grant_type=password"), form), 400, "unsupported_grant_type"},
		{"an implicit grant", raw(strings.ReplaceAll(good, "grant_type=refresh_token", "grant_type=implicit"), form), 400, "unsupported_grant_type"},
		{"two grant types", raw(strings.ReplaceAll(good, "grant_type=refresh_token", "grant_type=refresh_token+authorization_code"), form), 400, "unsupported_grant_type"},
		{"a grant type of spaces", raw(strings.ReplaceAll(good, "grant_type=refresh_token", "grant_type=+"), form), 400, "unsupported_grant_type"},
		{"no token", raw("grant_type=refresh_token&client_id=notes", form), 400, "invalid_request"},
		{"an empty token", raw("grant_type=refresh_token&refresh_token=&client_id=notes", form), 400, "invalid_request"},
		{"no client", raw("grant_type=refresh_token&refresh_token="+token, form), 400, "invalid_request"},
		{"an unknown client", raw(strings.ReplaceAll(good, "notes", "nobody"), form), 401, "invalid_client"},
		{"a client in other letters", raw(strings.ReplaceAll(good, "notes", "Notes"), form), 401, "invalid_client"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.unchanged(t, func() { laptop.token(url.Values{}, raw(good, form), row.edit).refused(t, row.status, row.code) })
		})
	}
	for _, name := range []string{"grant_type", "refresh_token", "client_id", "scope", "unheard_of"} {
		t.Run(name+" twice", func(t *testing.T) {
			body := refreshForm(token, "scope", "openid", "unheard_of", "x")
			body[name] = append(body[name], body[name][0])
			h.unchanged(t, func() { laptop.token(body).refused(t, 400, "invalid_request") })
		})
	}
	laptop.token(refreshForm(token, "unheard_of", "x", "scope", "")).want(t, 200, "")
}

// TestTokenByGET shows that the token endpoint is for POST alone (RFC 6749
// §3.2).
func TestTokenByGET(t *testing.T) {
	h := newHouse(t)
	laptop := h.browser(devicestest.LaptopHeaders())
	form := refreshForm(laptop.signIn(ada).str("refresh_token"))
	for _, method := range []string{"GET", "HEAD"} {
		h.unchanged(t, func() {
			a := laptop.do(method, "/oauth2/token?"+form.Encode(), nil)
			if a.Status != 405 || a.Header.Get("Allow") != "POST" {
				t.Errorf("%s: %d, Allow %q", method, a.Status, a.Header.Get("Allow"))
			}
		})
	}
	laptop.token(form).want(t, 200, "")
}

// many returns n parameters.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("&p" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/182) + "=1")
	}
	return b.String()
}

// TestTokensThatAreNone presents what resembles a refresh token: none may
// pass, and none may end the grant (RFC 9700 §4.14, cases F3 and C14).
func TestTokensThatAreNone(t *testing.T) { onBoth(t, tokensThatAreNoneStory) }

func tokensThatAreNoneStory(t *testing.T, h *house) {
	h.client(oauth.Client{ID: "other"})
	laptop := h.browser(devicestest.LaptopHeaders())
	first := laptop.signIn(ada)
	spent := first.str("refresh_token")
	now := laptop.token(refreshForm(spent))
	current := now.str("refresh_token")
	code := laptop.code(ada, ask())

	h.unchanged(t, func() {
		for name, token := range lookalikes(spent, current) {
			t.Run(name, func(t *testing.T) { laptop.token(refreshForm(token)).refused(t, 400, "invalid_grant") })
		}
		for name, token := range map[string]string{
			"an access token": now.str("access_token"), "an ID token": now.str("id_token"), "a code": code,
		} {
			t.Run(name, func(t *testing.T) { laptop.token(refreshForm(token)).refused(t, 400, "invalid_grant") })
		}
		t.Run("another client's current token", func(t *testing.T) {
			laptop.token(refreshForm(current, "client_id", "other")).refused(t, 400, "invalid_grant")
		})
		t.Run("another client's spent token", func(t *testing.T) {
			laptop.token(refreshForm(spent, "client_id", "other")).refused(t, 400, "invalid_grant")
		})
	})
	h.clock.Advance(time.Hour)
	h.unchanged(t, func() {
		laptop.token(refreshForm(spent, "client_id", "other")).refused(t, 400, "invalid_grant")
		laptop.token(refreshForm(flip(spent, 6*8))).refused(t, 400, "invalid_grant")
	})
	laptop.token(refreshForm(current)).want(t, 200, "")
}

// lookalikes returns strings that are nearly one of two tokens.
func lookalikes(spent, current string) map[string]string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	found := map[string]string{
		"the old head with the new signature": spent[:len(spent)-42] + current[len(current)-42:],
		"the new head with the old signature": current[:len(current)-42] + spent[len(spent)-42:],
		"nothing but the prefix":              "ly_rt_",
		"zeroes":                              "ly_rt_" + strings.Repeat("A", len(current)-6),
		"another prefix":                      "ory_rt_" + current[6:],
		"the prefix of an access token":       "ly_at_" + current[6:],
		"without its prefix":                  current[6:],
		"two of them":                         current + current,
		"padded":                              current + "=",
		"padded twice":                        current + "==",
		"with a space before":                 " " + current,
		"with a space behind":                 current + " ",
		"with a dot":                          current + ".",
		"with a word joiner":                  current + "\u2060",
		"with a full-width letter":            "ｌ" + current[1:],
		"in upper case":                       strings.ToUpper(current),
		"in lower case":                       strings.ToLower(current),
		"a JWT":                               "e30.e30.e30",
		"long":                                strings.Repeat("A", 40_000),
		"a quote":                             current + "'--",
	}
	for n := range len(current) {
		found["cut to "+current[:n]] = current[:n]
		found["without "+current[n:]] = current[:n] + current[n+1:]
	}
	for bit := range (len(current) - 6) * 6 {
		found["flipped "+flip(current, 6*6+bit)] = flip(current, 6*6+bit)
	}
	for _, c := range alphabet {
		found["with a "+string(c)+" more"] = current + string(c)
	}
	for name, token := range found {
		if token == current || token == "" {
			delete(found, name)
		}
	}
	return found
}

// flip returns the token with one bit of its sixes of bits flipped. A bit of
// the prefix makes another letter of it.
func flip(token string, bit int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	place := strings.IndexByte(alphabet, token[bit/6])
	return token[:bit/6] + string(alphabet[place^(1<<(5-bit%6))]) + token[bit/6+1:]
}
