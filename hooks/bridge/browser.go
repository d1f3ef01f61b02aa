package bridge

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Sealer seals what travels through the browser.
type Sealer interface {
	Seal(purpose string, plaintext, additional []byte) (string, error)
	Open(purpose, sealed string, additional []byte) ([]byte, error)
}

// A browser proves that a sign-in was begun in it. The bridge gives it a random
// cookie and has it repeat the client's request at Hydra with a mark, which only
// that cookie opens. Hydra keeps the request's URL with the sign-in and shows it
// with the login and the consent request, so both tell whose they are. A login
// or consent challenge from somewhere else carries no mark, or that of another
// browser.
const (
	// markParam is the parameter of the authorization request with the mark.
	markParam   = "lanyard_browser"
	markPurpose = "bridge-browser"
	// markFor is how long a mark is good: longer than Hydra gives a sign-in
	// (ttl.login_consent_request, 30 minutes by default).
	markFor = time.Hour
)

func (b *Bridge) browserCookie() string {
	if b.Secure {
		return "__Host-lanyard_bridge"
	}
	return "lanyard_bridge"
}

// browser returns the secret of the browser, nil where it sent none. A cookie
// that came twice was planted.
func (b *Bridge) browser(r *http.Request) []byte {
	cookies := r.CookiesNamed(b.browserCookie())
	if len(cookies) != 1 {
		return nil
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(cookies[0].Value)
	if err != nil || len(secret) != secretSize {
		return nil
	}
	return secret
}

// began reports whether the sign-in of that authorization request was begun in
// the browser that r comes from.
func (b *Bridge) began(r *http.Request, request string) bool {
	secret, marks := b.browser(r), marksOf(request)
	if secret == nil || len(marks) != 1 {
		return false
	}
	text, err := b.Sealer.Open(markPurpose, marks[0], secret)
	if err != nil || len(text) != 8 {
		return false
	}
	at := time.Unix(int64(binary.BigEndian.Uint64(text)), 0) //nolint:gosec // as mark wrote it
	return b.Now().Sub(at) < markFor
}

// repeated has the browser repeat an authorization request with its mark, and
// reports whether it answered. It does not if the browser has repeated it
// already and keeps no cookie, or if the request is RFC 8628's, whose user code
// is spent.
func (b *Bridge) repeated(w http.ResponseWriter, r *http.Request, request string) bool {
	secret := b.browser(r)
	if secret == nil && len(marksOf(request)) > 0 || request == "" || strings.Contains(request, "/oauth2/device/") {
		return false
	}
	known := secret != nil
	if !known {
		secret = randomSecret()
	}
	now := binary.BigEndian.AppendUint64(nil, uint64(b.Now().Unix())) //nolint:gosec // after 1970
	mark, err := b.Sealer.Seal(markPurpose, now, secret)
	if err != nil {
		b.fail(w, r, err)
		return true
	}
	if !known {
		// Lax: the browser comes from Hydra and Kratos, which may be other sites.
		http.SetCookie(w, &http.Cookie{
			Name: b.browserCookie(), Value: base64.RawURLEncoding.EncodeToString(secret),
			Path: "/", Secure: b.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	redirect(w, marked(request, mark))
	return true
}

// marksOf returns the marks in an authorization request.
func marksOf(request string) []string {
	u, err := url.Parse(request)
	if err != nil {
		return nil
	}
	return u.Query()[markParam]
}

// marked returns an authorization request with that mark and no other. The
// rest of it stays as the client wrote it.
func marked(request, mark string) string {
	path, query, _ := strings.Cut(request, "?")
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); pair != "" && name != markParam {
			kept = append(kept, pair)
		}
	}
	return path + "?" + strings.Join(append(kept, markParam+"="+url.QueryEscape(mark)), "&")
}

const secretSize = 32

func randomSecret() []byte {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return secret
}
