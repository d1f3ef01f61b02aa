package operator

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/accesskey"
	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/loopback"
	"github.com/lanyard-id/lanyard/webui"
)

const (
	// staysFor is how long an operator stays signed in.
	staysFor = 8 * time.Hour
	cookie   = "lanyard_operator"
	// maxForm is the most that is read of a form, in bytes.
	maxForm = 16 << 10
)

// signInPage is the data of the page "operator-signin".
type signInPage struct{ Closed, Wrong, TooMany bool }

// step is what a page does for an operator.
type step func(http.ResponseWriter, *http.Request) error

// let lets operators in, and shows others where to sign in.
func (o *Operator) let(next step) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		switch {
		case !o.Tokens.Any() && loopback.Check(r, o.ProxyHeader) != nil:
			o.Pages.Render(w, r, http.StatusForbidden, "operator-signin", signInPage{Closed: true})
		case o.Tokens.Any() && !o.signedIn(r):
			o.Pages.Render(w, r, http.StatusUnauthorized, "operator-signin", signInPage{})
		case o.foreign(r):
			o.fail(w, r, errForeign)
		default:
			o.Pages.Remember(w, r, r.TLS != nil)
			if err := next(w, r); err != nil {
				o.fail(w, r, err)
			}
		}
	})
}

// foreign reports whether a page of another origin reads with this request, by
// the rule for forms. A link that an operator follows is no such request. The
// cookie does not tell them apart: for browsers, another port of this host is
// the same site.
func (o *Operator) foreign(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return false
	}
	as := *r
	as.Method = http.MethodPost // the rule lets every GET pass
	return o.guard.Check(&as) != nil
}

// signIn is POST /pages/signin. The cookie holds no token: it is signed with a
// key that the tokens make, and ends with them.
func (o *Operator) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := o.Tokens.Check(r, "operator_pages", r.PostFormValue("token")); err != nil {
		o.refuse(w, r, err)
		return
	}
	until := strconv.FormatInt(o.Now().Add(staysFor).Unix(), 10)
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: until + "." + o.signature(until), Path: "/pages",
		MaxAge: int(staysFor.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	webui.Redirect(w, "/pages")
}

// refuse answers an operator whose token is wrong.
func (o *Operator) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var many accesskey.TooMany
	if errors.As(err, &many) {
		w.Header().Set("Retry-After", many.RetryAfter())
		o.Pages.Render(w, r, http.StatusTooManyRequests, "operator-signin", signInPage{TooMany: true})
		return
	}
	o.Pages.Render(w, r, http.StatusUnauthorized, "operator-signin", signInPage{Wrong: true})
}

func (o *Operator) signature(until string) string {
	mac := hmac.New(sha256.New, o.key[:])
	fmt.Fprintf(mac, "until %s", until)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (o *Operator) signedIn(r *http.Request) bool {
	cookies := r.CookiesNamed(cookie)
	if len(cookies) != 1 {
		return false
	}
	until, signature, _ := strings.Cut(cookies[0].Value, ".")
	seconds, err := strconv.ParseInt(until, 10, 64)
	return err == nil && o.Now().Unix() < seconds &&
		subtle.ConstantTimeCompare([]byte(signature), []byte(o.signature(until))) == 1
}

// signOut is POST /pages/signout. Another browser's cookie lives on: it ends
// with its time, or with the tokens.
func (o *Operator) signOut(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Path: "/pages", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	webui.Redirect(w, "/pages")
	return nil
}

// Why an operator is shown no page.
var (
	errNoPage    = errors.New("no such page")
	errForeign   = errors.New("a form of another site")
	errNoSubject = errors.New("no such subject")
)

func (o *Operator) failForeign(w http.ResponseWriter, r *http.Request) { o.fail(w, r, errForeign) }

// problemPage is the data of the page "operator-problem".
type problemPage struct {
	webui.Frame
	Title, Text, Link, LinkText string
}

// fail answers an operator with what went wrong.
func (o *Operator) fail(w http.ResponseWriter, r *http.Request, err error) {
	l := o.Pages.Locale(r)
	say := func(title, text string) problemPage {
		return problemPage{Frame: o.frame(r), Title: l.T(title), Text: l.T(text), Link: "/pages", LinkText: l.T("Devices")}
	}
	switch {
	case errors.Is(err, errNoPage):
		o.Pages.Render(w, r, http.StatusNotFound, "operator-problem", say("Page not found", "Check the address."))
	case errors.Is(err, errForeign):
		o.Pages.Render(w, r, http.StatusForbidden, "operator-problem", say("Nothing was changed", "The form was sent from another website. If you meant to do this, do it from here."))
	case errors.Is(err, errNoSubject):
		o.Pages.Render(w, r, http.StatusNotFound, "operator-problem", say("Account not found", "Check its ID, or search for it."))
	case errors.Is(err, devices.ErrNotFound):
		o.Pages.Render(w, r, http.StatusNotFound, "operator-problem", say("Device not found", "Check its ID, or search for it."))
	case errors.Is(err, devices.ErrInvalid):
		o.Pages.Render(w, r, http.StatusUnprocessableEntity, "operator-problem", say("The form could not be read", "Go back and send the form again."))
	default:
		w.Header().Set("Retry-After", "5")
		o.Log.ErrorContext(r.Context(), "operator page", "path", r.URL.Path, "err", err)
		o.Pages.Render(w, r, http.StatusServiceUnavailable, "operator-problem", say("Something went wrong", "Try again in a moment. The log has the details."))
	}
}
