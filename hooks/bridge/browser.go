package bridge

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
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
	// markFor is how long a mark or a note is good: longer than Hydra gives a
	// sign-in (ttl.login_consent_request, 30 minutes by default).
	markFor = time.Hour
)

// A browser proves that a person signed in, in it, to a login session: the
// bridge's login page gives it a note when Hydra skips no sign-in. The login
// session is new then, so that no copy of one has a note, and Hydra asks for
// consent in it only after the sign-in.
const (
	notePurpose = "bridge-login"
	// maxNotes is how many sign-ins a browser may have on their way.
	maxNotes = 4
)

func (b *Bridge) browserCookie() string { return b.cookieName("lanyard_bridge") }

func (b *Bridge) notesCookie() string { return b.cookieName("lanyard_bridge_login") }

func (b *Bridge) cookieName(name string) string {
	if b.Secure {
		return "__Host-" + name
	}
	return name
}

// setCookie gives the browser a cookie until it is closed. Lax: the browser
// comes from Hydra and Kratos, which may be other sites.
func (b *Bridge) setCookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", Secure: b.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
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

// began returns when the authorization request was marked for the browser that
// r comes from; zero if it was not, or too long ago.
func (b *Bridge) began(r *http.Request, request string) time.Time {
	secret, marks := b.browser(r), marksOf(request)
	if secret == nil || len(marks) != 1 {
		return time.Time{}
	}
	return b.opened(markPurpose, marks[0], secret)
}

// note gives the browser a note that it signs in to a login session.
func (b *Bridge) note(w http.ResponseWriter, r *http.Request, sid string) error {
	note, err := b.sealed(notePurpose, append(b.browser(r), sid...))
	if err != nil {
		return err
	}
	notes := append([]string{note}, b.notes(r)...)
	b.setCookie(w, b.notesCookie(), strings.Join(notes[:min(len(notes), maxNotes)], "."))
	return nil
}

// noted reports whether the browser has a note for a login session.
func (b *Bridge) noted(r *http.Request, sid string) bool {
	secret := append(b.browser(r), sid...)
	return slices.ContainsFunc(b.notes(r), func(note string) bool {
		return !b.opened(notePurpose, note, secret).IsZero()
	})
}

// notes returns the browser's notes, newest first.
func (b *Bridge) notes(r *http.Request) []string {
	cookies := r.CookiesNamed(b.notesCookie())
	if len(cookies) != 1 || b.browser(r) == nil {
		return nil
	}
	notes := strings.Split(cookies[0].Value, ".")
	return notes[:min(len(notes), maxNotes)]
}

// sealed returns the time, sealed for a purpose.
func (b *Bridge) sealed(purpose string, additional []byte) (string, error) {
	return b.Sealer.Seal(purpose, binary.BigEndian.AppendUint64(nil, uint64(b.Now().UnixMicro())), additional)
}

// opened returns the time that was sealed; zero if it was not, or too long ago.
func (b *Bridge) opened(purpose, text string, additional []byte) time.Time {
	plain, err := b.Sealer.Open(purpose, text, additional)
	if err != nil || len(plain) != 8 {
		return time.Time{}
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(plain)))
	if b.Now().Sub(at) >= markFor {
		return time.Time{}
	}
	return at
}

// repeated has the browser repeat an authorization request with its mark and,
// if prove is set, with a demand for a sign-in. It reports whether it answered:
// it does not if the browser has repeated the request already and keeps no
// cookie, or if the request is RFC 8628's, whose user code is spent.
func (b *Bridge) repeated(w http.ResponseWriter, r *http.Request, request string, prove bool) bool {
	secret := b.browser(r)
	if secret == nil && len(marksOf(request)) > 0 || request == "" || strings.Contains(request, "/oauth2/device/") {
		return false
	}
	known := secret != nil
	if !known {
		secret = randomSecret()
	}
	mark, err := b.sealed(markPurpose, secret)
	if err != nil {
		b.fail(w, r, err)
		return true
	}
	if !known {
		b.setCookie(w, b.browserCookie(), base64.RawURLEncoding.EncodeToString(secret))
	}
	if prove {
		request = withLogin(request)
	}
	redirect(w, marked(request, mark))
	return true
}

// prompts reports whether an authorization request has that prompt (OpenID
// Connect Core §3.1.2.1).
func prompts(request, value string) bool {
	u, err := url.Parse(request)
	return err == nil && slices.Contains(strings.Fields(u.Query().Get("prompt")), value)
}

// withLogin returns an authorization request that demands a sign-in, beside the
// other prompts that it has.
func withLogin(request string) string {
	if prompts(request, "login") {
		return request
	}
	u, err := url.Parse(request)
	if err != nil {
		return request
	}
	all := append([]string{"login"}, strings.Fields(u.Query().Get("prompt"))...)
	return with(request, "prompt", strings.Join(all, " "))
}

// marksOf returns the marks in an authorization request.
func marksOf(request string) []string {
	u, err := url.Parse(request)
	if err != nil {
		return nil
	}
	return u.Query()[markParam]
}

// marked returns an authorization request with that mark and no other.
func marked(request, mark string) string { return with(request, markParam, mark) }

// with returns an authorization request with one value of a parameter. The rest
// of it stays as the client wrote it.
func with(request, param, value string) string {
	path, query, _ := strings.Cut(request, "?")
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); pair != "" && name != param {
			kept = append(kept, pair)
		}
	}
	return path + "?" + strings.Join(append(kept, param+"="+url.QueryEscape(value)), "&")
}

const secretSize = 32

func randomSecret() []byte {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return secret
}
