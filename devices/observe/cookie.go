package observe

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/lanyard-id/lanyard/devices"
)

const (
	// secretSize is the bytes of a secret, ringSize how many a cookie holds.
	secretSize = 32
	ringSize   = 5
	// cookieAge is the longest that browsers keep a cookie: 400 days.
	cookieAge = 400 * 24 * 60 * 60
)

// CookieName returns the name of the device cookie.
func (o *Observer) CookieName() string {
	if o.secureCookies {
		return "__Host-lanyard_device"
	}
	return "lanyard_device"
}

// SetDeviceCookie adds the secret of a device to the browser's keyring, which
// has one for each subject that signed in there: newest first, the oldest of
// more than five falls out. A nil secret only renews the ring's age. It must
// be called before the response's body is written. A secret that is not 32
// bytes long is not added.
func (o *Observer) SetDeviceCookie(w http.ResponseWriter, r *http.Request, secret []byte) {
	ring := o.ring(r.Header)
	if len(secret) == secretSize {
		text := base64.RawURLEncoding.EncodeToString(secret)
		ring = slices.DeleteFunc(ring, func(held string) bool { return held == text })
		ring = slices.Insert(ring, 0, text)
	}
	if len(ring) == 0 {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: o.CookieName(), Value: strings.Join(ring[:min(len(ring), ringSize)], "."),
		Path: "/", MaxAge: cookieAge, Secure: o.secureCookies,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// CookieHashes returns the hashes of the secrets in a request's device cookie,
// as [devices.CookieHash] makes them; nil if it sent none.
func (o *Observer) CookieHashes(r *http.Request) [][]byte { return o.cookieHashes(r.Header) }

// cookieHashes returns what is stored of the secrets in the device cookie,
// nil where there is none.
func (o *Observer) cookieHashes(h http.Header) [][]byte {
	var hashes [][]byte
	for _, text := range o.ring(h) {
		secret, err := decodeSecret(text)
		if err != nil {
			return nil
		}
		hashes = append(hashes, devices.CookieHash(secret))
	}
	return hashes
}

// ring returns the secrets of the device cookie, newest first. A cookie that
// came twice or is not as SetDeviceCookie writes it counts as none: it was
// planted or damaged, and a new one heals it.
func (o *Observer) ring(h http.Header) []string {
	request := http.Request{Header: h}
	cookies := request.CookiesNamed(o.CookieName())
	most := ringSize*(base64.RawURLEncoding.EncodedLen(secretSize)+1) - 1
	if len(cookies) != 1 || len(cookies[0].Value) > most {
		return nil
	}
	ring := strings.Split(cookies[0].Value, ".")
	for i, text := range ring {
		if _, err := decodeSecret(text); err != nil || slices.Contains(ring[:i], text) {
			return nil
		}
	}
	return ring
}

func decodeSecret(text string) ([]byte, error) {
	if len(text) != base64.RawURLEncoding.EncodedLen(secretSize) {
		return nil, base64.CorruptInputError(0)
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
