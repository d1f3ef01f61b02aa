package operator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui"
)

// bind returns what binds the forms of a page to the sign-in that it is rendered
// for: to the operator's cookie, or to this process where no token is configured.
func (o *Operator) bind(r *http.Request) string {
	var signedIn string
	if cookies := r.CookiesNamed(cookie); len(cookies) == 1 && o.Tokens.Any() {
		signedIn = cookies[0].Value
	}
	mac := hmac.New(sha256.New, o.key[:])
	fmt.Fprintf(mac, "form of %q", signedIn)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

type noticeKey struct{}

// bound carries out a form only for the sign-in that it was rendered for. For
// another one, it shows the page again and changes nothing.
func (o *Operator) bound(do, again step) step {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return errors.Join(devices.ErrInvalid, err)
		}
		if !hmac.Equal([]byte(r.PostForm.Get("form")), []byte(o.bind(r))) {
			notice := o.Pages.Locale(r).T(webui.SignInChanged)
			return again(w, r.WithContext(context.WithValue(r.Context(), noticeKey{}, notice)))
		}
		return do(w, r)
	}
}
