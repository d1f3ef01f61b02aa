package webui

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/lanyard-id/lanyard/webui/records"
)

// The purposes under which the pages seal what a browser keeps for them, in
// cookies and in forms.
const (
	attemptPurpose = "pages attempt"
	hintPurpose    = "pages hint"
	formPurpose    = "pages form"
)

var errSealed = errors.New("a cookie is not one that was set here")

// sealCookie sets a cookie to a value that only this server can read and
// write. openCookie needs the same purpose, as the cookie's name, and the same
// binding.
func (u *UI) sealCookie(
	w http.ResponseWriter, name, purpose, bound string, value []byte, age time.Duration, site http.SameSite,
) error {
	text, err := u.Sealer.Seal(purpose, value, []byte(bound))
	if err != nil {
		return err
	}
	if len(text) > maxSealed {
		return errSealed
	}
	u.setCookie(w, name, text, age, site)
	return nil
}

// maxSealed is what a cookie can hold, with its name and its attributes
// (RFC 6265 §6.1).
const maxSealed = 3800

// openCookie returns the value of the cookie, or errSealed if there is not
// exactly one that was sealed for the purpose and the binding.
func (u *UI) openCookie(r *http.Request, name, purpose, bound string) ([]byte, error) {
	cookies := r.CookiesNamed(u.cookieName(name))
	if len(cookies) != 1 {
		return nil, errSealed
	}
	value, err := u.Sealer.Open(purpose, cookies[0].Value, []byte(bound))
	if err != nil {
		return nil, errors.Join(errSealed, err)
	}
	return value, nil
}

// keptHint is what the issuer wants to see when its session ends.
type keptHint struct {
	Token string    `json:"h"` // the ID token
	Until time.Time `json:"u"`
}

// keepHint keeps the ID token in the browser, bound to the session: a database
// that leaks must hold nothing that speaks for an owner. A token that no cookie
// can hold is not kept.
func (u *UI) keepHint(w http.ResponseWriter, s records.Session, token string) {
	if u.way.issuer() == "" || token == "" {
		u.dropHint(w)
		return
	}
	value, err := pack(keptHint{Token: token, Until: u.Now().Add(sessionAbsolute)})
	if err == nil {
		err = u.sealCookie(w, "pages_hint", hintPurpose, s.ID, value, sessionAbsolute, http.SameSiteStrictMode)
	}
	if err != nil {
		u.dropHint(w)
	}
}

func (u *UI) dropHint(w http.ResponseWriter) {
	u.setCookie(w, "pages_hint", "", -time.Second, http.SameSiteStrictMode)
}

// hint returns the ID token that was kept for the session; empty for none.
func (u *UI) hint(r *http.Request, s records.Session) string {
	value, err := u.openCookie(r, "pages_hint", hintPurpose, s.ID)
	if err != nil {
		return ""
	}
	var kept keptHint
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(value)))
	if err != nil || json.Unmarshal(raw, &kept) != nil || !u.Now().Before(kept.Until) {
		return ""
	}
	return kept.Token
}

// pack returns a value as compressed JSON: the base64 of an ID token would
// otherwise be encoded twice.
func pack(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	to, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = to.Write(raw)
	}
	if err == nil {
		err = to.Close()
	}
	return b.Bytes(), err
}
