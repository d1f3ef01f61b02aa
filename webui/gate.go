package webui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/webui/records"
)

// visit is an owner at a page: the session, the device they sit at, and all
// their devices, oldest first.
type visit struct {
	session records.Session
	me      devices.Device
	all     []devices.Device
	now     time.Time
	notice  string // as in [Frame]
	*Locale
}

func (v *visit) actor() devices.Actor { return actorOf(v.session) }

func actorOf(s records.Session) devices.Actor {
	return devices.Actor{
		Subject: s.Subject, DeviceID: s.DeviceID, AuthTime: s.AuthTime, By: devices.Credential{WebSession: s.ID},
	}
}

// device returns the device that a page is about, or devices.ErrNotFound:
// another subject's is not among the owner's.
func (v *visit) device(r *http.Request) (devices.Device, error) {
	return v.byID(r.PathValue("id"))
}

func (v *visit) byID(id string) (devices.Device, error) {
	if i := slices.IndexFunc(v.all, func(d devices.Device) bool { return d.ID == id }); i >= 0 {
		return v.all[i], nil
	}
	return devices.Device{}, devices.ErrNotFound
}

// step is what a page does once it knows who is there.
type step func(w http.ResponseWriter, r *http.Request, v *visit) error

// maxForm is the most that is read of a form, in bytes.
const maxForm = 16 << 10

// owner lets in who is signed in on a device that is still good, judged anew
// at every request.
func (u *UI) owner(next step) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		v, err := u.visit(w, r)
		if err == nil {
			err = next(w, r, v)
		}
		if err != nil {
			u.fail(w, r, v, err)
		}
	}
}

func (u *UI) visit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	u.Pages.Remember(w, r, u.secure)
	s, err := u.signedIn(r)
	if err != nil {
		return nil, err
	}
	v, err := u.visitBy(r, s)
	if err != nil {
		return nil, err
	}
	u.extend(r.Context(), s)
	return v, nil
}

// visitBy returns the visit of an owner at a live session.
func (u *UI) visitBy(r *http.Request, s records.Session) (*visit, error) {
	all, me, err := u.Registry.Visit(r.Context(), actorOf(s), u.Observer.Observe(r, devices.EntranceWebUI))
	if err != nil {
		return nil, err
	}
	return &visit{session: s, me: me, all: all, now: u.Now(), Locale: u.Pages.locales.choose(r, "")}, nil
}

// start is GET /devices/signin: back to a page, freshly where that is asked.
func (u *UI) start(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	u.signIn(w, r, query.Get("back"), query.Get("fresh") != "")
}

// welcome sends who is not signed in to sign in, and back to where they were.
// Strict cookies stay home where a link of another site leads here: such a
// visitor comes again, from here.
func (u *UI) welcome(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		u.bounce(w, r, u.base+local(r.URL.EscapedPath()), r.URL.Query())
		return
	}
	u.signIn(w, r, backFrom(r), false)
}

// backFrom returns the page to return to after a sign-in that comes in
// between: the page itself, or the one whose form was posted.
func backFrom(r *http.Request) string {
	path := r.URL.EscapedPath()
	if r.Method == http.MethodGet || !strings.HasPrefix(path, "/devices/") {
		return path
	}
	for _, confirmed := range []string{"/end", "/not-me", "/others", "/password", "/secure"} {
		if strings.HasSuffix(path, confirmed) {
			return path
		}
	}
	if i := strings.LastIndexByte(path, '/'); i > len("/devices") {
		return path[:i]
	}
	return "/devices"
}

// onward goes on to a page of these after signing in. Where other sites had a
// part in the way, the session's strict cookie would not come along: the
// browser then makes the last step by itself.
func (u *UI) onward(w http.ResponseWriter, r *http.Request, path string) {
	if slices.Contains([]string{"same-origin", "same-site", "none"}, r.Header.Get("Sec-Fetch-Site")) {
		u.redirect(w, u.url(path))
		return
	}
	u.bounce(w, r, u.base+path, nil)
}

// bouncePage is the data of the page "bounce".
type bouncePage struct {
	To   string
	Away bool // to another server
}

func (u *UI) bounce(w http.ResponseWriter, r *http.Request, path string, query url.Values) {
	if unescaped, err := url.PathUnescape(path); err == nil {
		path = unescaped
	}
	to := (&url.URL{Path: path, RawQuery: query.Encode()}).String()
	w.Header().Set("Refresh", "0; url="+to)
	u.Pages.Render(w, r, http.StatusOK, "bounce", bouncePage{To: to})
}
