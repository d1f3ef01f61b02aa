package operator

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
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
type signInPage struct{ Closed, Wrong bool }

// let lets operators in, and shows others where to sign in.
func (o *Operator) let(next func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		switch {
		case len(o.Tokens) == 0 && !thisMachine(r):
			o.Pages.Render(w, r, http.StatusForbidden, "operator-signin", signInPage{Closed: true})
		case len(o.Tokens) > 0 && !o.signedIn(r):
			o.Pages.Render(w, r, http.StatusUnauthorized, "operator-signin", signInPage{})
		default:
			o.Pages.Remember(w, r, r.TLS != nil)
			if err := next(w, r); err != nil {
				o.fail(w, r, err)
			}
		}
	})
}

// signIn is POST /pages/signin. The cookie holds no token: it is signed with a
// key that the tokens make, and ends with them.
func (o *Operator) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	sum, good := sha256.Sum256([]byte(r.PostFormValue("token"))), 0
	for _, token := range o.Tokens {
		want := sha256.Sum256([]byte(token))
		good |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	if good != 1 {
		o.Pages.Render(w, r, http.StatusUnauthorized, "operator-signin", signInPage{Wrong: true})
		return
	}
	until := strconv.FormatInt(o.Now().Add(staysFor).Unix(), 10)
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: until + "." + o.signature(until), Path: "/pages",
		MaxAge: int(staysFor.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	webui.Redirect(w, "/pages")
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

// thisMachine reports whether a browser on this machine asks, by a loopback
// name: a page that rebound its own name to this address is turned away.
func thisMachine(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, relayed := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(relayed) != "" {
			return false // the peer is only a proxy
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// signOut is POST /pages/signout. Another browser's cookie lives on: it ends
// with its time, or with the tokens.
func (o *Operator) signOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Path: "/pages", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	webui.Redirect(w, "/pages")
}

// Why an operator is shown no page.
var (
	errNoPage  = errors.New("no such page")
	errForeign = errors.New("a form of another site")
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
		return problemPage{Frame: o.frame(), Title: l.T(title), Text: l.T(text), Link: "/pages", LinkText: l.T("Devices")}
	}
	switch {
	case errors.Is(err, errNoPage):
		o.Pages.Render(w, r, http.StatusNotFound, "operator-problem", say("There is no such page", "Check the address."))
	case errors.Is(err, errForeign):
		o.Pages.Render(w, r, http.StatusForbidden, "operator-problem", say("Nothing was changed", "The form came from another site. If you meant it, do it from here."))
	case errors.Is(err, devices.ErrNotFound):
		o.Pages.Render(w, r, http.StatusNotFound, "operator-problem", say("There is no such device", "Check its ID, or search for it."))
	case errors.Is(err, devices.ErrInvalid):
		o.Pages.Render(w, r, http.StatusUnprocessableEntity, "operator-problem", say("That cannot be read", "Go back and send the form again."))
	default:
		o.Log.ErrorContext(r.Context(), "operator page", "path", r.URL.Path, "err", err)
		o.Pages.Render(w, r, http.StatusServiceUnavailable, "operator-problem", say("That did not work", "Try again in a moment; the log tells more."))
	}
}
