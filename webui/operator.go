package webui

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// Finder reads what operators look for, over all subjects.
type Finder interface {
	// DeviceByID returns a device of any subject, or devices.ErrNotFound.
	DeviceByID(ctx context.Context, id string) (devices.Device, error)
	// FindDevices returns devices, newest first.
	FindDevices(ctx context.Context, q devices.DeviceQuery) ([]devices.Device, error)
	// DeviceGrants returns the grants on a device, newest first.
	DeviceGrants(ctx context.Context, subject, deviceID string, p devices.Page) ([]records.Grant, error)
	// LatestEvents returns told facts, newest first.
	LatestEvents(ctx context.Context, limit int) ([]devices.Event, error)
	// Tallies returns the judgments since a time, counted by day and decision.
	Tallies(ctx context.Context, since time.Time) ([]records.Tally, error)
}

// OperatorConfig is what the operator's pages are made of.
type OperatorConfig struct {
	Registry *devices.Registry
	Finder   Finder
	// Tokens let operators in. None: only browsers on this machine, at a
	// loopback name.
	Tokens []string
	Pages  *Pages
	Now    func() time.Time
	Log    *slog.Logger
}

// Operator serves the operator's pages. They belong on a listener of its own.
type Operator struct {
	OperatorConfig
	guard *http.CrossOriginProtection
	key   [sha256.Size]byte // signs the cookie; other tokens are another key
}

// NewOperator returns the operator's pages.
func NewOperator(c OperatorConfig) *Operator {
	return &Operator{
		OperatorConfig: c, guard: http.NewCrossOriginProtection(),
		key: sha256.Sum256([]byte("lanyard operator pages\x00" + strings.Join(c.Tokens, "\x00"))),
	}
}

// Mount names every route of the operator's pages.
func (o *Operator) Mount(mux *http.ServeMux) {
	mux.Handle("GET /pages", o.let(o.search))
	mux.Handle("GET /pages/devices/{id}", o.let(o.device))
	mux.Handle("GET /pages/events", o.let(o.events))
	mux.Handle("GET /pages/revoke", o.let(o.preview))
	mux.Handle("POST /pages/revoke", o.guard.Handler(o.let(o.revoke)))
	mux.Handle("POST /pages/signin", o.guard.Handler(http.HandlerFunc(o.signIn)))
}

// operatorFor is how long an operator stays signed in.
const operatorFor = 8 * time.Hour

const operatorCookie = "lanyard_operator"

// let lets operators in, and shows others where to sign in.
func (o *Operator) let(next func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		switch {
		case len(o.Tokens) == 0 && !local127(r):
			o.Pages.Render(w, r, http.StatusForbidden, "operator-signin", operatorSignIn{Closed: true})
		case len(o.Tokens) > 0 && !o.signedIn(r):
			o.Pages.Render(w, r, http.StatusUnauthorized, "operator-signin", operatorSignIn{})
		default:
			if err := next(w, r); err != nil {
				o.fail(w, r, err)
			}
		}
	})
}

// operatorSignIn is the data of the page "operator-signin".
type operatorSignIn struct{ Closed, Wrong bool }

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
		o.Pages.Render(w, r, http.StatusUnauthorized, "operator-signin", operatorSignIn{Wrong: true})
		return
	}
	until := strconv.FormatInt(o.Now().Add(operatorFor).Unix(), 10)
	http.SetCookie(w, &http.Cookie{
		Name: operatorCookie, Value: until + "." + o.signature(until), Path: "/pages",
		MaxAge: int(operatorFor.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	setPolicy(w.Header(), policy(nil))
	w.Header().Set("Location", "/pages")
	w.WriteHeader(http.StatusSeeOther)
}

func (o *Operator) signature(until string) string {
	mac := hmac.New(sha256.New, o.key[:])
	fmt.Fprintf(mac, "until %s", until)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (o *Operator) signedIn(r *http.Request) bool {
	cookies := r.CookiesNamed(operatorCookie)
	if len(cookies) != 1 {
		return false
	}
	until, signature, _ := strings.Cut(cookies[0].Value, ".")
	seconds, err := strconv.ParseInt(until, 10, 64)
	return err == nil && o.Now().Unix() < seconds &&
		subtle.ConstantTimeCompare([]byte(signature), []byte(o.signature(until))) == 1
}

// local127 reports whether a browser on this machine asks, by a loopback name:
// a page that rebound its own name to this address is turned away.
func local127(r *http.Request) bool {
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
