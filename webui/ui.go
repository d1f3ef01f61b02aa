package webui

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/observe"
	"github.com/lanyard-id/lanyard/seal"
	"github.com/lanyard-id/lanyard/webui/records"
)

// Holdings tells who holds grants on devices.
type Holdings interface {
	// Holders returns which clients hold live grants on the subject's
	// devices, by device.
	Holders(ctx context.Context, subject string, now time.Time) ([]records.Holder, error)
	// DeviceGrants returns the grants on a device of the subject, ended ones
	// too, newest first.
	DeviceGrants(ctx context.Context, subject, deviceID string, p devices.Page) ([]records.Grant, error)
	// ClientGrants returns the grants of a client that the subject gave, ended
	// ones too, newest first.
	ClientGrants(ctx context.Context, subject, clientID string, p devices.Page) ([]records.Grant, error)
}

// Passwords changes the passwords of subjects, where they are kept here.
type Passwords interface {
	// Identifier returns what the subject signs in with, or devices.ErrNotFound.
	Identifier(ctx context.Context, subject string) (string, error)
	// ChangePassword replaces the password of an owner at a session, and ends
	// what they have on other devices. A password that may not be is
	// devices.ErrInvalid; a session that has ended meanwhile is
	// devices.ErrOutdated; a subject without one is devices.ErrNotFound.
	ChangePassword(ctx context.Context, by devices.Actor, password string) error
}

// Config is what the owner's pages are made of.
type Config struct {
	Issuer    string // the URL of this server, exact
	Registry  *devices.Registry
	Observer  *observe.Observer
	Sessions  Sessions
	Holdings  Holdings
	Passwords Passwords // nil where they are not kept here
	// MinPassword is the fewest characters of a new password.
	MinPassword int
	Client      Client
	// Kratos is set where owners sign in with a session of Kratos, whose URL
	// for browsers KratosURL is; nil where they sign in as Client says.
	Kratos    Kratos
	KratosURL string
	// Outward tells what becomes of devices elsewhere; nil where nothing does.
	Outward Outward
	// Ties are kept of sessions elsewhere that can be ended from here; nil
	// keeps none.
	Ties Ties
	// Sealer seals the cookies that carry state.
	Sealer *seal.Sealer
	// AccessTTL is how long access tokens live whose client does not say.
	AccessTTL time.Duration
	Pages     *Pages
	Now       func() time.Time
	Log       *slog.Logger
}

// UI serves the owner's pages. Make one with [New].
type UI struct {
	Config
	way way
	// actions are the forms that can be carried through a fresh sign-in.
	actions *http.ServeMux
	base    string // the path under which browsers see this server
	secure  bool
	guard   *http.CrossOriginProtection
}

// New returns the owner's pages. The issuer must be an absolute URL.
func New(c Config) (*UI, error) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, err
	}
	if c.Client.HTTP == nil {
		c.Client.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	u := &UI{
		Config: c, base: strings.TrimSuffix(issuer.EscapedPath(), "/"),
		secure: issuer.Scheme == "https", guard: http.NewCrossOriginProtection(), actions: http.NewServeMux(),
	}
	u.way = &relyingParty{Client: c.Client, ours: c.Client.Issuer == c.Issuer, url: u.url, now: c.Now}
	if c.Kratos != nil {
		u.way = &kratosWay{Kratos: c.Kratos, public: strings.TrimSuffix(c.KratosURL, "/"), url: u.url, now: c.Now}
	}
	return u, nil
}

// Mount names every route of the owner's pages, in one place.
func (u *UI) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", u.home)
	mux.HandleFunc("GET /.well-known/change-password", u.changePassword)
	mux.HandleFunc("GET /devices/signin", u.start)
	mux.HandleFunc("GET /devices/callback", u.callback)
	mux.HandleFunc("GET /devices/goodbye", u.goodbye)

	mux.HandleFunc("GET /devices", u.owner(u.list))
	mux.HandleFunc("GET /devices/{id}", u.owner(u.show))
	mux.HandleFunc("GET /devices/{id}/end", u.owner(u.askEnd))
	mux.HandleFunc("GET /devices/{id}/not-me", u.owner(u.askNotMe))
	mux.HandleFunc("GET /devices/{id}/ended", u.owner(u.receipt))
	mux.HandleFunc("GET /devices/others", u.owner(u.askOthers))
	mux.HandleFunc("GET /devices/others/ended", u.owner(u.receiptOthers))
	mux.HandleFunc("GET /devices/secure", u.owner(u.askSecure))
	mux.HandleFunc("GET /devices/password", u.owner(u.askPassword))
	mux.HandleFunc("GET /devices/apps", u.owner(u.apps))
	mux.HandleFunc("GET /devices/apps/{client}/end", u.owner(u.askWithdraw))
	mux.HandleFunc("GET /devices/apps/{client}/ended", u.owner(u.receiptApp))

	post := func(pattern string, do, again step) {
		mux.Handle("POST "+pattern, u.guarded(u.owner(u.bound(do, again))))
	}
	for _, posted := range []string{"/devices/signout", "/devices/{id}/name", "/devices/{id}/permissions", "/devices/{id}/seen", "/devices/{id}/app"} {
		mux.HandleFunc("GET "+posted, u.owner(u.back))
	}
	act := func(pattern string, do, again step) {
		post(pattern, do, again)
		u.actions.HandleFunc("POST "+pattern, u.resumable(do))
	}
	post("/devices/signout", u.signOut, u.list)
	post("/devices/password", u.setPassword, u.askPassword)
	act("/devices/apps/{client}/end", u.withdraw, u.askWithdraw)
	act("/devices/others", u.endOthers, u.askOthers)
	act("/devices/secure", u.secureAccount, u.askSecure)
	act("/devices/{id}/app", u.endGrant, u.show)
	act("/devices/{id}/name", u.rename, u.show)
	act("/devices/{id}/permissions", u.permit, u.show)
	act("/devices/{id}/seen", u.acknowledge, u.show)
	act("/devices/{id}/end", u.end, u.askEnd)
	act("/devices/{id}/not-me", u.end, u.askNotMe)
}

// CallbackURL returns the redirect URI of the pages' client.
func CallbackURL(issuer string) string { return strings.TrimSuffix(issuer, "/") + "/devices/callback" }

// url returns the absolute URL of a path.
func (u *UI) url(path string) string { return strings.TrimSuffix(u.Issuer, "/") + path }

func (u *UI) redirect(w http.ResponseWriter, to string) { Redirect(w, to) }

// Redirect sends the browser on. It asks for the next page with GET.
func Redirect(w http.ResponseWriter, to string) {
	h := w.Header()
	setPolicy(h, policy(nil))
	h.Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// depart sends the browser on, where that may be another server. Behind a form
// the page "bounce" makes that step: browsers hold redirects to the form's
// policy.
func (u *UI) depart(w http.ResponseWriter, r *http.Request, to string) {
	if r.Method == http.MethodGet || sameOrigin(to, u.Issuer) {
		u.redirect(w, to)
		return
	}
	w.Header().Set("Refresh", "0; url="+to)
	u.Pages.Render(w, r, http.StatusOK, "bounce", bouncePage{To: to, Away: true})
}

// guarded keeps other sites' forms away.
func (u *UI) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := u.guard.Check(r); err != nil {
			u.fail(w, r, nil, errForeign)
			return
		}
		h.ServeHTTP(w, r)
	})
}
